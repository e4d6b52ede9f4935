"""Sockets of this machine that a forward listens at."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import stat
import sys
from collections.abc import Sequence

from sshpyk_core.errors import ForwardError
from sshpyk_core.types import Address, TcpAddress, UnixAddress

__all__ = ["listening_sockets", "remove_socket"]

_BACKLOG = 128
_PORT_TRIES = 20


async def listening_sockets(host: str, listen: Address) -> tuple[list[socket.socket], Address]:
    """Bind and listen, at all addresses that a name stands for.

    As with ssh, an empty host means this machine only, and ``*`` that all may connect.

    Args:
        host: the alias, for the error.
        listen: the local address; port 0 asks for any free one.

    Returns:
        The sockets, and the address with the port that is really bound.

    Raises:
        ForwardError: the address is taken, not of this machine, or of a kind that it has not.
    """
    try:
        if isinstance(listen, UnixAddress):
            return [await asyncio.to_thread(_listen_unix, listen.path)], listen
        return await _listen_tcp(listen)
    except OSError as error:
        fix = "Choose another local address; port 0 stands for any that is free."
        said = error.strerror or str(error)
        raise ForwardError(host, f"listen on {listen}", said, fix) from error


def remove_socket(address: Address) -> None:
    """Remove the name of a unix-domain socket that is no longer listened at."""
    if isinstance(address, UnixAddress):
        with contextlib.suppress(OSError):
            os.unlink(address.path)


async def _listen_tcp(listen: TcpAddress) -> tuple[list[socket.socket], Address]:
    name = None if listen.host == "*" else listen.host or "localhost"
    found = await asyncio.get_running_loop().getaddrinfo(
        name, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    addresses = list(dict.fromkeys((family, str(info[0])) for family, _, _, _, info in found))
    for tries_left in reversed(range(_PORT_TRIES)):
        try:
            sockets = _bind_all(addresses, listen.port)
            return sockets, TcpAddress(listen.host or "localhost", sockets[0].getsockname()[1])
        except OSError:
            # The free port of one family may be taken in the other.
            if listen.port or not tries_left:
                raise
    raise AssertionError("the last try returns or raises")


def _bind_all(addresses: Sequence[tuple[int, str]], port: int) -> list[socket.socket]:
    """Listen at the same port of every address; those of a family that is off are left out."""
    with contextlib.ExitStack() as undo:
        sockets: list[socket.socket] = []
        missing: OSError | None = None
        for family, host in addresses:
            try:
                sock = _bind(family, host, port)
            except OSError as error:
                if not _family_is_off(error):
                    raise
                missing = error
                continue
            undo.callback(sock.close)
            sockets.append(sock)
            port = sock.getsockname()[1]
        if not sockets:
            raise missing or OSError("the name stands for no address")
        undo.pop_all()
        return sockets


def _bind(family: int, host: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there it would let two programs have one port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        sock.bind((host, port))
        sock.listen(_BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def _family_is_off(error: OSError) -> bool:
    return error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


def _listen_unix(path: str) -> socket.socket:
    if sys.platform == "win32":
        raise OSError("this system has no unix-domain sockets")
    if os.path.lexists(path):
        raise FileExistsError(f"{path} exists already")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.bind(path)
        # Nobody can connect before it listens, so nobody else ever can.
        os.chmod(path, stat.S_IRUSR | stat.S_IWUSR)
        sock.listen(_BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock
