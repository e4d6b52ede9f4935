"""A TCP connection to a host, as its settings want it."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Sequence
from typing import Any

from sshpyk_core.errors import HostNotFoundError, HostUnreachableError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.deadline import Deadline

__all__ = ["connect_socket", "unreachable"]

_FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}

AddressInfo = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]


async def connect_socket(settings: HostSettings, limit_seconds: float) -> socket.socket:
    """Connect to a host's port, by the first of its addresses that answers.

    AddressFamily, BindAddress and TCPKeepAlive of ssh_config(5) are kept to.

    Args:
        settings: where to.
        limit_seconds: for all addresses together; each may take an equal share.

    Returns:
        A connected socket that does not block and does not hold back small writes (TCP_NODELAY).

    Raises:
        HostNotFoundError: the name does not resolve.
        HostUnreachableError: no address answers.
    """
    found = await _resolve(settings)
    share = limit_seconds / len(found)
    said = ""
    for info in found:
        try:
            return await _connect(settings, info, share)
        except asyncio.TimeoutError:  # an OSError too, on Python >= 3.11
            said = f"{_shown(info)} gave no answer within {share:.0f} s"
        except OSError as error:
            said = f"{_shown(info)}: {_words(error)}"
    raise unreachable(settings, said)


def unreachable(settings: HostSettings, said: str) -> HostUnreachableError:
    """Make the error for a host that does not answer, with what to look at."""
    fix = (
        "Is the host up, and is it reached from this network (VPN, firewall, port"
        f" {settings.port})?"
    )
    return HostUnreachableError(settings.alias, "connect", said, fix)


async def _resolve(settings: HostSettings) -> Sequence[AddressInfo]:
    family = _FAMILIES.get((settings.get("addressfamily") or "any").lower(), socket.AF_UNSPEC)
    loop = asyncio.get_running_loop()
    try:
        return await loop.getaddrinfo(
            settings.hostname, settings.port, family=family, type=socket.SOCK_STREAM
        )
    except (socket.gaierror, UnicodeError) as error:
        said = f"{settings.hostname}: {getattr(error, 'strerror', None) or error}"
        fix = (
            f"Check the alias `{settings.alias}` in the ssh configuration, and the name"
            f" `{settings.hostname}`; is a VPN needed?"
        )
        raise HostNotFoundError(settings.alias, "connect", said, fix) from error


async def _connect(settings: HostSettings, info: AddressInfo, seconds: float) -> socket.socket:
    family, kind, protocol, _, address = info
    loop = asyncio.get_running_loop()
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_KEEPALIVE, settings.flag("tcpkeepalive", default=True)
        )
        if bind := settings.get("bindaddress"):
            here = await loop.getaddrinfo(bind, 0, family=family, type=kind)
            sock.bind(here[0][4])
        # Not wait_for, which before Python 3.12 forgets a cancellation that comes with the answer.
        await Deadline(seconds).run(loop.sock_connect(sock, address))
    except BaseException:
        sock.close()
        raise
    return sock


def _words(error: OSError) -> str:
    """Say what the system says; asyncio puts words of its own in place of that."""
    if sys.platform == "win32":  # there strerror() does not know the numbers of sockets
        return error.strerror or str(error)
    return os.strerror(error.errno) if error.errno else str(error)


def _shown(info: AddressInfo) -> str:
    host, port = info[4][:2]
    return f"{host} port {port}"
