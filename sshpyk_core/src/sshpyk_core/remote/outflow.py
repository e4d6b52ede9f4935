"""What waits to be sent on one stream: the bytes, and whether the other end takes them now."""

from collections import deque
from typing import Deque

from .wire import WINDOW


class ByteQueue:
    """Bytes that wait to be sent, in memory."""

    def __init__(self) -> None:
        """Start empty."""
        self._chunks: Deque[bytes] = deque()
        self.size = 0

    def append(self, data: bytes) -> None:
        """Add bytes at the end."""
        self._chunks.append(data)
        self.size += len(data)

    def pop(self, limit: int) -> bytes:
        """Remove and give at least one and at most ``limit`` bytes from the front."""
        chunk = self._chunks.popleft()
        taken = [chunk[:limit]]
        room = limit - len(chunk)
        if room < 0:
            self._chunks.appendleft(chunk[limit:])
        while room > 0 and self._chunks and len(self._chunks[0]) <= room:
            chunk = self._chunks.popleft()
            taken.append(chunk)
            room -= len(chunk)
        data = b"".join(taken)
        self.size -= len(data)
        return data

    def discard(self) -> None:
        """Drop everything and free what it holds."""
        self._chunks.clear()
        self.size = 0


class Outflow:
    """What one end has to send on one stream."""

    def __init__(self, stream: int, priority: int, queue: ByteQueue) -> None:
        """Start with the window that the format gives to every stream."""
        self.stream = stream
        self.priority = priority
        self.queue = queue
        self.credit = WINDOW
        self.closing = False
        self.last = b""
        """What goes with the CLOSE."""
        self.scheduled = False

    def ready(self) -> bool:
        """Say whether there is something that may be sent now."""
        if self.queue.size:
            return self.credit > 0
        return self.closing
