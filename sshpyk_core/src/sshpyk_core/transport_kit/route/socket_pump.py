"""Bytes between a socket and the pipes of a process, where the process cannot have the socket."""

from __future__ import annotations

import asyncio
import contextlib
import socket

__all__ = ["SocketPump"]

_CHUNK_BYTES = 256 * 1024


class SocketPump:
    """Carries bytes both ways until it is closed; each direction ends by itself."""

    def __init__(
        self, sock: socket.socket, writer: asyncio.StreamWriter, reader: asyncio.StreamReader
    ) -> None:
        """Start; the socket is the pump's from now on."""
        sock.setblocking(False)
        self._sock = sock
        self._tasks = [
            asyncio.create_task(_to_process(sock, writer)),
            asyncio.create_task(_from_process(reader, sock)),
        ]

    async def aclose(self) -> None:
        """Stop, and close the socket; may be called twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        self._sock.close()


async def _to_process(sock: socket.socket, writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        while data := await loop.sock_recv(sock, _CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _from_process(reader: asyncio.StreamReader, sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK_BYTES):
            await loop.sock_sendall(sock, data)
        sock.shutdown(socket.SHUT_WR)
