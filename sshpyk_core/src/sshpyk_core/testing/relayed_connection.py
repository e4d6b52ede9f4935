"""One connection through the relay: two ends, and what is under way between them."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable
from random import Random
from typing import Literal, cast

from sshpyk_core.testing.line import Lane, Line, News

__all__ = ["RelayedConnection", "Side"]

READ_BYTES = 1 << 18

Side = Literal["client", "server"]


class _End(asyncio.BufferedProtocol):
    """One end of the connection; what it receives is for the other.

    Attributes:
        lane: what came in here and is under way to the other end.
        finished: the peer has sent its end of file.
        end_passed: the other end was told of that.
        choked: the peer takes no more for now.
        gone: nothing is left of this end, or it will never be.
    """

    def __init__(self, connection: RelayedConnection, random: Random) -> None:
        self.lane = Lane(random)
        self.finished = False
        self.end_passed = False
        self.choked = False
        self.gone = asyncio.Event()
        self._connection = connection
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._transport: asyncio.Transport | None = None
        self._dropped = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._dropped:
            self._transport.abort()
        self._connection.made(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer[: max(1, min(READ_BYTES, self.lane.room))]

    def buffer_updated(self, nbytes: int) -> None:
        self._connection.received(self, bytes(self._buffer[:nbytes]))

    def eof_received(self) -> bool:
        if not self.finished:
            self.finished = True
            self._connection.received(self, News.END)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.leave()

    def pause_writing(self) -> None:
        self.choked = True

    def resume_writing(self) -> None:
        self.choked = False
        self._connection.deliver_to(self)

    @property
    def made(self) -> bool:
        """Whether it was connected once."""
        return self._transport is not None

    def leave(self) -> None:
        """Take note that nothing is left of it."""
        self.gone.set()
        self._connection.lost(self)

    def pace(self) -> None:
        """Read while there is room for what comes."""
        if self._transport is None or self._transport.is_closing() or self.finished:
            return
        if self.lane.room > 0:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def write(self, content: bytes | News) -> None:
        """Give the peer what has arrived for it; nothing when it is leaving."""
        if self._transport is None or self._transport.is_closing():
            return
        if content is News.GONE:
            self._transport.close()
        elif content is News.END:
            with contextlib.suppress(OSError):  # it may have gone in this moment
                self._transport.write_eof()
        else:
            self._transport.write(content)

    def close(self) -> None:
        """Close it when all is written."""
        if self._transport is not None:
            self._transport.close()

    def drop(self) -> None:
        """Close it at once, or as soon as it is made."""
        self._dropped = True
        if self._transport is not None:
            self._transport.abort()


class RelayedConnection:
    """A client's connection and the one to the server that belongs to it.

    Args:
        port: the server's TCP port on 127.0.0.1.
        random: what the jitter is drawn from.
        opened: called when the client is connected.
        sent: called with who sent bytes that came, and how many.
        ended: called when neither end is left.

    Attributes:
        client: the client's end, for asyncio to connect.
    """

    def __init__(
        self,
        port: int,
        random: Random,
        *,
        opened: Callable[[RelayedConnection], None],
        sent: Callable[[Side, int], None],
        ended: Callable[[RelayedConnection], None],
    ) -> None:
        """Wait for the client."""
        # Each has its own draws, so that none depends on when the others come.
        self.client = _End(self, Random(random.getrandbits(64)))  # noqa: S311 (jitter)
        self._server = _End(self, Random(random.getrandbits(64)))  # noqa: S311
        self._port = port
        self._opened, self._sent, self._ended = opened, sent, ended
        self._silent = False
        self._kept: _End | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._timers: dict[_End, asyncio.TimerHandle] = {}

    # What happens to its ends

    def made(self, end: _End) -> None:
        """Take note that an end is connected: connect the other, or deliver what has come."""
        if end is self.client:
            self._opened(self)
            self._connecting = asyncio.get_running_loop().create_task(self._connect())
            # Not by the task itself, which does nothing when it is cancelled before it begins.
            self._connecting.add_done_callback(self._connected)
        else:
            self._deliver(self.client)

    def received(self, end: _End, content: bytes | News) -> None:
        """Send on its way what came at an end."""
        if not isinstance(content, News):
            self._sent("client" if end is self.client else "server", len(content))
        end.lane.put(content, _now())
        self._deliver(end)

    def deliver_to(self, end: _End) -> None:
        """Go on, now that an end has room."""
        self._deliver(self._other(end))

    def lost(self, end: _End) -> None:
        """Take note that an end has gone, and tell the other in its turn."""
        if self._other(end).gone.is_set():
            self._stop_timers()
            self._ended(self)
        else:
            self.received(end, News.GONE)

    # What the relay asks for

    def shape(self, to_server: Line, to_client: Line) -> None:
        """Change the line."""
        for end, line in ((self.client, to_server), (self._server, to_client)):
            end.lane.shape(line, _now())
            self._deliver(end)

    def silence(self) -> None:
        """Deliver nothing more."""
        self._silent = True

    def resume(self) -> None:
        """Go on after a silence, also with the news that an end has gone."""
        if self._silent:
            self._silent = False
            for end in (self.client, self._server):
                end.lane.restart(_now())
                self._deliver(end)

    async def half_open(self, keep: Side) -> None:
        """Drop one end, and let the other know nothing of it."""
        self._kept = self.client if keep == "client" else self._server
        await self._drop(self._other(self._kept))

    async def cut(self) -> None:
        """Drop both ends."""
        await self._drop(self.client, self._server)

    async def settle(self) -> None:
        """Drop both ends where nobody is at the one that counts."""
        end = self._kept or self.client
        if end.finished or end.gone.is_set():
            await self.cut()

    def _other(self, end: _End) -> _End:
        return self._server if end is self.client else self.client

    def _deliver(self, end: _End) -> None:
        """Pass on what has arrived of what came at an end, and wait for the rest."""
        other = self._other(end)
        if timer := self._timers.pop(end, None):
            timer.cancel()
        if not self._silent and self._kept is None and (other.made or other.gone.is_set()):
            while not other.choked and (content := end.lane.take(_now())) is not None:
                other.write(content)
                end.end_passed = end.end_passed or content is News.END
            if not other.choked and (due := end.lane.ready_at()) < math.inf:
                loop = asyncio.get_running_loop()
                self._timers[end] = loop.call_at(due, self._deliver, end)
            if self.client.end_passed and self._server.end_passed:
                self.client.close()
                self._server.close()
        end.pace()

    async def _drop(self, *ends: _End) -> None:
        for end in ends:
            end.drop()
            if end is self._server and self._connecting is not None:
                self._connecting.cancel()
        for end in ends:
            await end.gone.wait()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):  # the client is told as of a server that goes
            await loop.create_connection(lambda: self._server, "127.0.0.1", self._port)

    def _connected(self, connecting: asyncio.Task[None]) -> None:
        if not self._server.made:
            self._server.leave()

    def _stop_timers(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()


def _now() -> float:
    return asyncio.get_running_loop().time()
