"""One connection through the relay: two ends, and what is held between them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import cast

__all__ = ["Connection"]

HELD_BYTES = 1 << 20


class _End(asyncio.Protocol):
    """One end; what it receives is for the other.

    Attributes:
        finished: the peer has sent its end of file.
        lost: nothing is left of this end.
        end_sent: the other end was told of the end of file.
    """

    def __init__(self, connection: Connection, received: Callable[[int], None]) -> None:
        self._connection = connection
        self._received = received
        self._transport: asyncio.Transport | None = None
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._full = False
        self.finished = False
        self.lost = False
        self.end_sent = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connection.made(self)

    def data_received(self, data: bytes) -> None:
        self._received(len(data))
        self._held.append(data)
        self._held_bytes += len(data)
        self._connection.carry()
        self._pace()

    def eof_received(self) -> bool:
        self.finished = True
        self._connection.carry()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._connection.lost(self)

    def pause_writing(self) -> None:
        self._connection.other(self).hold(True)

    def resume_writing(self) -> None:
        self._connection.other(self).hold(False)

    @property
    def connected(self) -> bool:
        return self._transport is not None and not self.lost

    def hold(self, full: bool) -> None:
        """Stop reading from this end, or go on: the other one has no room, or has."""
        self._full = full
        self._pace()

    def pass_on(self, to: _End) -> None:
        """Give the other end all that is held, and the end of file behind it."""
        if to._transport is None or to._transport.is_closing():
            return
        held, self._held, self._held_bytes = self._held, [], 0
        for data in held:
            to._transport.write(data)
        if self.finished and not self.end_sent:
            self.end_sent = True
            with contextlib.suppress(OSError):  # it may have gone in this moment
                to._transport.write_eof()
        self._pace()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _pace(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._full or self._held_bytes >= HELD_BYTES:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()


class Connection:
    """A client's connection and the one to the server that belongs to it.

    Args:
        port: the server's TCP port on 127.0.0.1.
        sent: called with the number of bytes that came from the client.
        ended: called when neither end is left.

    Attributes:
        client: the client's end, for asyncio to connect.
        silent: whether what comes is held instead of being passed on.
    """

    def __init__(
        self, port: int, sent: Callable[[int], None], ended: Callable[[Connection], None]
    ) -> None:
        """Wait for the client."""
        self._port = port
        self._ended = ended
        self.silent = False
        self.client = _End(self, sent)
        self._server = _End(self, lambda _: None)
        self._connecting: asyncio.Task[None] | None = None
        self._abandoned = False

    def other(self, end: _End) -> _End:
        """Give the end at the other side."""
        return self._server if end is self.client else self.client

    def made(self, end: _End) -> None:
        """An end is connected: connect the other, or carry what has come by now."""
        if end is self.client:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())
        else:
            self.carry()

    def carry(self) -> None:
        """Pass everything on, both ways."""
        if not self.silent:
            self.client.pass_on(self._server)
            self._server.pass_on(self.client)
            if self.client.end_sent and self._server.end_sent:
                self.client.close()
                self._server.close()

    def lost(self, end: _End) -> None:
        """An end has gone: so goes the other, unless a fault hides it."""
        if self.client.lost and not self._server.connected:
            self._finish()
        elif not self.silent and not (self._abandoned and end is self._server):
            self.carry()
            self.other(end).close()
            if not self.other(end).connected:
                self._finish()

    def resume(self) -> None:
        """Carry on after a silence, also the news that an end has gone."""
        self.silent = False
        self.carry()
        for end in (self.client, self._server):
            if end.lost:
                self.lost(end)

    def abandon(self) -> None:
        """Drop the server's end only, and do not tell the client."""
        self._abandoned = True
        self._server.abort()

    def abort(self) -> None:
        """Drop both ends."""
        self.silent = False
        self.client.abort()
        self._server.abort()
        if self.client.lost and not self._server.connected:
            self._finish()

    def abort_unwanted(self) -> None:
        """Drop both ends where the client has closed its own."""
        if self.client.finished or self.client.lost:
            self.abort()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: self._server, "127.0.0.1", self._port)
        except OSError:
            self.client.abort()
            self._connecting = None
            if self.client.lost:
                self._finish()
            return
        if self.client.lost and not self.silent:
            self._server.close()

    def _finish(self) -> None:
        if self._connecting is not None and not self._connecting.done():
            return  # it comes back here when the connection that is being made has ended
        self._ended(self)
