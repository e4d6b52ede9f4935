"""A port or a socket of a host that the user wants to have on this machine, as it is written.

=================== ===============================================================
written             means
=================== ===============================================================
``PORT``            that port of the host, at the same number here if that is free
``LOCAL:PORT``      that port of the host, at the port LOCAL here and nowhere else
``LOCAL:HOST:PORT`` a port of another machine that the host reaches
``LOCAL:/PATH``     a unix-domain socket of the host
=================== ===============================================================
"""

from __future__ import annotations

import re
import socket
import sys
from dataclasses import dataclass

from sshpyk_core.errors import ForwardError, SshpykError
from sshpyk_core.types import Address, TcpAddress, UnixAddress

__all__ = ["FORMS", "LOOPBACK", "PortForward", "not_here"]

FORMS = "PORT, LOCAL:PORT, LOCAL:HOST:PORT or LOCAL:/PATH, with ports from 1 to 65535"

LOOPBACK = "127.0.0.1"
"""The only address of this machine at which such a port is listened for."""

_PORT_THERE = re.compile(r"(?:(?P<local>\d{1,5}):)?(?P<port>\d{1,5})", re.ASCII)
_PORT_BEYOND = re.compile(
    r"(?P<local>\d{1,5}):(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>(?!-)[\w.-]+)):(?P<port>\d{1,5})",
    re.ASCII,
)
_SOCKET = re.compile(r"(?P<local>\d{1,5}):(?P<path>/.*)")


@dataclass(frozen=True)
class PortForward:
    """Where a port of this machine leads.

    Attributes:
        destination: as the host sees it.
        local: the port here that it must be; None for the same number, else any that is free.
    """

    destination: Address
    local: int | None = None

    @classmethod
    def parse(cls, text: str) -> PortForward:
        """Read one as people write it.

        Raises:
            ValueError: it is none, and why.
        """
        if match := _PORT_THERE.fullmatch(text):
            # By name, so that it does not matter which of its loopback addresses a program took.
            there: Address = TcpAddress("localhost", _port(match["port"]))
        elif match := _PORT_BEYOND.fullmatch(text):
            there = TcpAddress(match["v6"] or match["host"], _port(match["port"]))
        elif (match := _SOCKET.fullmatch(text)) and text.isprintable():
            there = UnixAddress(match["path"])
        else:
            raise ValueError(f"{text[:100]!r} is not a port to forward")
        return cls(there, None if match["local"] is None else _port(match["local"]))

    def listen(self, *, this_machine: bool = False) -> tuple[TcpAddress, ...]:
        """Give where to listen here: the first of these that can be had.

        Args:
            this_machine: whether the host is this very machine. The same number would be in the
                way of the program there, and lead to itself.
        """
        if self.local is not None:
            return (TcpAddress(LOOPBACK, self.local),)
        any_free = TcpAddress(LOOPBACK, 0)
        if this_machine or isinstance(self.destination, UnixAddress):
            return (any_free,)
        return (TcpAddress(LOOPBACK, self.destination.port), any_free)

    def there(self, alias: str) -> str:
        """Say where it leads, to somebody who knows the host by this alias."""
        if isinstance(self.destination, UnixAddress):
            return f"{alias} {self.destination.path}"
        if self.destination.host == "localhost":
            return f"{alias} port {self.destination.port}"
        return f"{self.destination.host} port {self.destination.port} by way of {alias}"


def _port(digits: str) -> int:
    number = int(digits)
    if not 1 <= number <= 65535:
        raise ValueError(f"{digits} is not a port: ports go from 1 to 65535")
    return number


def not_here(error: SshpykError, alias: str, wish: PortForward) -> SshpykError:
    """Give the reason why there is no such forward: where a port here is it, in words of ours.

    Args:
        error: what the transport says.
        alias: of the host.
        wish: what was wanted.
    """
    said = _why_not_bound(wish.local) if wish.local is not None else None
    if said is None or not isinstance(error, ForwardError):
        return error
    tried = f"listen on {LOOPBACK}:{wish.local} of this machine for {wish.there(alias)}"
    return ForwardError(alias, tried, said, "Leave LOCAL out, and a free port is used.")


def _why_not_bound(port: int) -> str | None:
    with socket.socket() as trial:
        if sys.platform != "win32":
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((LOOPBACK, port))
        except OSError as error:
            return error.strerror or str(error)
    return None
