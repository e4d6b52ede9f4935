"""What has arrived from a remote process and was not read yet: a ByteReader."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

__all__ = ["ByteQueue"]

_ALL = 1 << 62


class ByteQueue:
    """Bytes in order, kept as they came until they are read.

    Attributes:
        size: how many bytes are waiting to be read.
    """

    def __init__(self, taken: Callable[[], None]) -> None:
        """Start empty.

        Args:
            taken: called each time when something was read.
        """
        self.size = 0
        self._taken = taken
        self._chunks: deque[bytes] = deque()
        self._ended = False
        self._waiting: asyncio.Future[None] | None = None

    def feed(self, data: bytes) -> None:
        """Add bytes at the end; ignored when the end was told."""
        if not self._ended:
            self._chunks.append(data)
            self.size += len(data)
            self._wake()

    def end(self) -> None:
        """Tell that nothing more comes; may be called twice."""
        self._ended = True
        self._wake()

    async def read(self, n: int = -1) -> bytes:
        """Return at least one and at most ``n`` bytes (-1: all that is left), b"" at the end.

        Raises:
            RuntimeError: another read is waiting already.
        """
        if n < 0:
            return await self._read_all()
        while n and not self._chunks and not self._ended:
            await self._more()
        data = self._take(n)
        if data:
            self._taken()
        return data

    async def _read_all(self) -> bytes:
        parts: list[bytes] = []
        try:
            while part := await self.read(_ALL):
                parts.append(part)
        except asyncio.CancelledError:
            self._chunks.extendleft(reversed(parts))  # for whoever reads next
            self.size += sum(map(len, parts))
            raise
        return b"".join(parts)

    def _take(self, n: int) -> bytes:
        chunks = self._chunks
        parts: list[bytes] = []
        left = n
        while chunks and left:
            chunk = chunks.popleft()
            if len(chunk) > left:
                chunks.appendleft(chunk[left:])
                chunk = chunk[:left]
            parts.append(chunk)
            left -= len(chunk)
        self.size -= n - left
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _more(self) -> None:
        if self._waiting is not None:
            raise RuntimeError("another read of this stream is waiting already")
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
