"""The two ends of a connection through a relay, and servers to connect to."""

from __future__ import annotations

import asyncio
import select
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from sshpyk_core.testing.relay import Relay

__all__ = ["A_WHILE", "SOON", "Peer", "Server", "full_server", "until"]

SOON = 10
A_WHILE = 0.1


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread or the system does, of which no event tells."""
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


class Peer:
    """One end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def dial(cls, relay: Relay) -> Peer:
        return cls(*await asyncio.open_connection("127.0.0.1", relay.port))

    async def says(self, data: bytes) -> bytes:
        """Send something, and give as much of what comes."""
        self.writer.write(data)
        return await self.hears(len(data))

    async def hears(self, size: int) -> bytes:
        return await asyncio.wait_for(self.reader.readexactly(size), SOON)

    async def hears_nothing(self) -> bool:
        reading = asyncio.ensure_future(self.reader.read(1))
        await asyncio.wait([reading], timeout=A_WHILE)
        reading.cancel()
        await asyncio.wait([reading])
        return reading.cancelled()

    async def rest(self) -> bytes:
        return await asyncio.wait_for(self.reader.read(), SOON)

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


class Server:
    """A server that leaves the other end of each connection to the test.

    Attributes:
        port: its TCP port on 127.0.0.1.
    """

    def __init__(self) -> None:
        self.port = 0
        self._peers: list[Peer] = []
        self._accepted: asyncio.Queue[Peer] = asyncio.Queue()

    async def peer(self) -> Peer:
        """Give the server's end of the next connection."""
        return await asyncio.wait_for(self._accepted.get(), SOON)

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator[Server]:
        server = cls()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            server._peers.append(Peer(reader, writer))
            server._accepted.put_nowait(server._peers[-1])

        listener = await asyncio.start_server(accept, "127.0.0.1", 0)
        server.port = listener.sockets[0].getsockname()[1]
        try:
            yield server
        finally:
            listener.close()
            for peer in server._peers:
                await peer.close()
            await listener.wait_closed()


@contextmanager
def full_server() -> Iterator[socket.socket]:
    """Listen with a full queue, so that what connects goes on connecting until one is accepted."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        listener.settimeout(SOON)
        queued = []
        try:
            while True:
                queued.append(socket.socket())
                queued[-1].setblocking(False)
                queued[-1].connect_ex(listener.getsockname())
                if not select.select([], [queued[-1]], [], 0.5)[1]:
                    break
            queued.pop().close()
            yield listener
        finally:
            for one in queued:
                one.close()
