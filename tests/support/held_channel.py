"""A connection between the two halves of the wire on which nothing moves by itself.

It stands for SSH: the near end is a process as a transport would give it, the far end a socket as
the bridge would have it. The test says how many bytes go on, and who hears that it is over.
"""

from __future__ import annotations

import asyncio
import socket

from sshpyk_core.remote import wire

__all__ = ["HeldChannel"]

ROOM = 64 * 1024
"""Bytes under way to the far end at which the near end has to wait."""


class HeldChannel:
    """One exec channel; to the near half it is the process and its standard input too."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start with nothing under way."""
        self._middle, self.far_end = socket.socketpair()
        self._middle.setblocking(False)
        self._to_far = bytearray()
        self._room = asyncio.Event()
        self._far_over = False
        self._near_over = False
        self.stdout = asyncio.StreamReader(loop=loop)
        self.stderr = asyncio.StreamReader(loop=loop)
        self._passed = (_Passed(), _Passed())

    # --- the near end ------------------------------------------------------------------------

    @property
    def stdin(self) -> HeldChannel:
        """Itself."""
        return self

    def write(self, data: bytes) -> None:
        """Send bytes on their way."""
        self._to_far += data

    async def drain(self) -> None:
        """Wait for room."""
        while len(self._to_far) >= ROOM:
            self._room.clear()
            await self._room.wait()

    def close(self) -> None:
        """Do nothing: the far end hears of it when the test says so."""

    async def wait(self) -> int:
        """Give an exit status."""
        return 0

    async def terminate(self) -> None:
        """Do nothing, likewise."""

    # --- the test's hand ---------------------------------------------------------------------

    def skip(self, mark: bytes) -> None:
        """Take what the far end has said so far; what comes after a mark goes on its way."""
        said = self._middle.recv(65536)
        self._feed(said[said.index(mark) + len(mark) :])

    def _feed(self, data: bytes) -> None:
        self._passed[1].note(data)
        if not self._near_over:
            self.stdout.feed_data(data)

    @property
    def under_way(self) -> int:
        """Count the bytes that are under way to the far end."""
        return len(self._to_far)

    def carry_to_far(self, size: int) -> int:
        """Let so many bytes go on; return how many have."""
        if not self._to_far or self._far_over:
            return 0
        try:
            sent = self._middle.send(self._to_far[:size])
        except BlockingIOError:
            return 0
        except OSError:
            self._far_over = True
            return 0
        self._passed[0].note(bytes(self._to_far[:sent]))
        del self._to_far[:sent]
        self._room.set()
        return sent

    def carry_to_near(self, size: int) -> int:
        """Let so many bytes come; return how many have."""
        try:
            data = self._middle.recv(size)
        except OSError:
            return 0
        if data:
            self._feed(data)
        return len(data)

    def repeat_to_far(self, back: int) -> bool:
        """Send one of the last frames again, counted from the end, if none is half on its way."""
        frame = self._passed[0].earlier(back)
        if frame is None or self._far_over:
            return False
        self._to_far[:0] = frame
        return self.carry_to_far(len(frame)) > 0

    def repeat_to_near(self, back: int) -> bool:
        """Do the same in the other direction."""
        frame = self._passed[1].earlier(back)
        if frame is None:
            return False
        self._feed(frame)
        return True

    def end_for_near(self) -> None:
        """Let the near end know that it is over; what is under way to the far end may go on."""
        self._near_over = True
        self.stdout.feed_eof()

    def end_for_far(self) -> None:
        """Let the far end know; what it has sent already may go on."""
        if not self._far_over:
            self._far_over = True
            self._middle.shutdown(socket.SHUT_WR)

    def discard(self) -> None:
        """Lose all that is under way."""
        self._middle.close()
        self._far_over = True


class _Passed:
    """What has passed in one direction."""

    def __init__(self) -> None:
        self._splitter = wire.Splitter()
        self._size = 0
        self._numbered: list[bytes] = []

    def note(self, data: bytes) -> None:
        """Take note of bytes that go on."""
        self._size += len(data)
        for frame in self._splitter.feed(data):
            encoded = frame.encode()
            self._size -= len(encoded)
            if frame.seq:
                self._numbered = [*self._numbered[-9:], encoded]
            elif frame.kind == wire.REQUEST:
                # The supervisor's next connection may begin with nothing but ATTACH.
                self._numbered = []

    def earlier(self, back: int) -> bytes | None:
        """Give an earlier numbered frame, unless another one has passed in part only."""
        if self._size or not self._numbered:
            return None
        return self._numbered[-1 - back % len(self._numbered)]
