"""The outputs of channels, taken by one thread for each session.

To take what has arrived is what gives the server room to send more, and may have to wait for the
socket, so the loop cannot do it. No more is taken than a reader here has room for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any
from weakref import WeakSet

from sshpyk_core.transport_kit.streams.byte_queue import ByteQueue

from sshpyk_paramiko.gone import GONE
from sshpyk_paramiko.workers import Workers, tell

__all__ = ["ChannelReader", "Pump"]

_TAKE_BYTES = 1024 * 1024
_HOLD_BYTES = 2 * 1024 * 1024


class Pump:
    """The thread that takes what has arrived out of the channels of one session."""

    def __init__(self, workers: Workers) -> None:
        """Start it."""
        self._ready: SimpleQueue[ChannelReader | None] = SimpleQueue()
        self._readers: WeakSet[ChannelReader] = WeakSet()
        self._left: list[ChannelReader] = []
        workers.start("pump", self._run)

    def add(self, reader: ChannelReader) -> None:
        """Take care that a reader is told the end when the pump ends."""
        self._readers.add(reader)

    def put(self, reader: ChannelReader) -> None:
        """Say that a reader may have something to take; from any thread."""
        self._ready.put(reader)

    def stop(self) -> None:
        """End it, and each output after what has arrived of it; the session is over."""
        self._left = list(self._readers)
        self._ready.put(None)

    def _run(self) -> None:
        while (reader := self._ready.get()) is not None:
            reader.take()
        for reader in self._left:
            reader.finish()
        self._left = []


class ChannelReader:
    """One output of a channel: a ByteReader, and what paramiko's pipe signals (BufferedPipe).

    Args:
        pump: takes the bytes.
        channel: of paramiko.
        ready: whether bytes have arrived.
        receive: gives at most so many of them.
    """

    def __init__(
        self, pump: Pump, channel: Any, ready: Callable[[], bool], receive: Callable[[int], bytes]
    ) -> None:
        """Read nothing before the pipe signals."""
        self._loop = asyncio.get_running_loop()
        self._pump = pump
        self._channel = channel
        self._ready = ready
        self._receive = receive
        self._unread = ByteQueue(self._made_room)
        self._ended = False
        self._queued = False
        self._paused = False
        self._taken = 0  # written by the pump only
        self._arrived = 0  # this and the next, by the loop only
        self._read = 0
        pump.add(self)

    async def read(self, n: int = -1) -> bytes:
        """Return at least one and at most ``n`` bytes (-1: all that is left), b"" at the end."""
        return await self._unread.read(n)

    def abort(self) -> None:
        """End; nothing more is taken."""
        self._ended = True
        self._unread.end()

    # What BufferedPipe calls, with its lock held, on paramiko's thread

    def set(self) -> None:
        """There are bytes, or the pipe has been closed."""
        if not self._queued:
            self._queued = True
            self._pump.put(self)

    def clear(self) -> None:
        """There are none any more."""

    # On the pump's thread

    def take(self) -> None:
        """Take what there is, unless the reader here is too far behind."""
        self._queued = False
        if self._ended or self._is_behind():
            return
        closed = self._channel.eof_received or self._channel.closed
        if not self._ready() and not closed:
            return
        if self._take_some():
            self.set()  # perhaps more has come, and others have their turn before

    def finish(self) -> None:
        """Take all that is left, which a window bounds, and tell the end."""
        while not self._ended and self._ready() and self._take_some():
            pass
        tell(self._loop, self._arrive, b"")

    def _take_some(self) -> bool:
        try:
            data = self._receive(_TAKE_BYTES)
        except GONE:
            data = b""
        self._taken += len(data)
        tell(self._loop, self._arrive, data)
        return bool(data)

    def _is_behind(self) -> bool:
        if self._taken - self._read < _HOLD_BYTES:
            return False
        self._paused = True
        if self._taken - self._read >= _HOLD_BYTES:
            return True
        self._paused = False  # it has been read in this moment, and the loop did not see the pause
        return False

    # In the loop

    def _arrive(self, data: bytes) -> None:
        if data:
            self._arrived += len(data)
            self._unread.feed(data)
        else:
            self._unread.end()

    def _made_room(self) -> None:
        self._read = self._arrived - self._unread.size
        if self._paused and self._taken - self._read < _HOLD_BYTES // 2:
            self._paused = False
            self.set()
