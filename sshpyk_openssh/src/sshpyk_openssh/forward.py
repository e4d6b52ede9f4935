"""Local forwards: the choice of the address, and the two ways to hold one open."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys

from sshpyk_core.errors import ForwardError
from sshpyk_core.types import Address, TcpAddress, UnixAddress

from sshpyk_openssh.mux import MuxConnection, MuxRefusedError
from sshpyk_openssh.process import SingleProcess

__all__ = [
    "FORWARD_TRIES",
    "MuxForward",
    "SingleForward",
    "claim",
    "refuses",
    "specification",
]

FORWARD_TRIES = 5
"""How often a free port is claimed anew when somebody else was quicker to bind it."""


class MuxForward:
    """A forward that a control master listens for."""

    def __init__(self, keeper: MuxConnection, listen: Address, body: bytes) -> None:
        """Wrap an open forward; ``body`` is the request that opened it."""
        self._keeper = keeper
        self._body: bytes | None = body
        self.address = listen

    async def aclose(self) -> None:
        """Stop listening; connections that are open go on until they end."""
        body, self._body = self._body, None
        if body is None:
            return
        with contextlib.suppress(OSError, MuxRefusedError):
            await self._keeper.close_forward(body)
        _unlink(self.address)


class SingleForward:
    """A forward that an ``ssh`` of its own listens for."""

    def __init__(self, process: SingleProcess, listen: Address) -> None:
        """Take over an ssh that listens, and drain what it says so that it never blocks."""
        self._process = process
        self._draining = asyncio.create_task(_drain(process.stderr))
        self.address = listen

    async def aclose(self) -> None:
        """Stop listening and end ssh, with the connections through it."""
        await self._process.terminate()
        self._draining.cancel()
        await asyncio.wait([self._draining])
        _unlink(self.address)


async def claim(host: str, listen: Address) -> Address:
    """Choose a free port where 0 was asked for, which ssh cannot; make sure of what was named.

    Between this and ssh's own bind another program may take the port: ssh then says so, and the
    caller claims again.

    Args:
        host: the alias, for the error.
        listen: the local address that was asked for.

    Raises:
        ForwardError: the address is in use or not of this machine. A master that has the very same
            forward already would say yes, and closing ours would take it from its owner.
    """
    try:
        if isinstance(listen, UnixAddress):
            _refuse_existing(listen.path)
            return listen
        family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
        wildcard = "::" if family == socket.AF_INET6 else "0.0.0.0"  # noqa: S104
        name = wildcard if listen.host == "*" else listen.host or "localhost"
        found = await asyncio.get_running_loop().getaddrinfo(name, listen.port, family=family)
        with socket.socket(family) as trial:
            if sys.platform != "win32":
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(found[0][4])
            return TcpAddress(listen.host or "localhost", trial.getsockname()[1])
    except OSError as error:
        fix = "Choose another local address; port 0 stands for any that is free."
        raise ForwardError(host, f"listen on {listen}", str(error), fix) from error


def _refuse_existing(path: str) -> None:
    if os.path.lexists(path):
        raise FileExistsError(f"{path} exists already")


def specification(listen: Address, destination: Address) -> str:
    """Write a forward as ``ssh -L`` takes it."""
    return f"{_written(listen)}:{_written(destination)}"


def refuses(line: str, listen: Address) -> bool:
    """Tell whether this line of ssh says that it cannot listen at the address."""
    if isinstance(listen, UnixAddress):
        return "cannot bind to path" in line and listen.path in line
    return line.rstrip().endswith(f"cannot listen to port: {listen.port}")


def _written(address: Address) -> str:
    if isinstance(address, UnixAddress):
        return address.path
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"{host}:{address.port}"


def _unlink(address: Address) -> None:
    """Remove the name of a socket, which ssh leaves behind."""
    if isinstance(address, UnixAddress):
        with contextlib.suppress(OSError):
            os.unlink(address.path)


async def _drain(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        pass
