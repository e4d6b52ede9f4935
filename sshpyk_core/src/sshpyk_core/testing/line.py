"""How long bytes are under way: the delay, the jitter and the rate of one direction of a line.

Nothing here waits or knows a socket; the time comes with each call.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum
from random import Random

__all__ = ["PLAIN", "Lane", "Line", "News"]

HELD_BYTES = 1 << 20
"""How much may be under way on a line without a rate."""

QUEUE_SECONDS = 0.25
"""How much more than its delay's worth a line with a rate holds, as a router queues."""

PIECE_SECONDS = 0.01
PIECE_BYTES = 1 << 14
"""At a rate, bytes go in pieces of that time's worth, and of not more than so many bytes."""

LATE_SECONDS = 0.04
"""How much of the time that a piece was taken too late the next ones may make up for."""


@dataclass(frozen=True)
class Line:
    """One direction of a line between two hosts; as it stands, one that takes no time.

    Args:
        delay: seconds that bytes are under way. The next ones need not wait for them.
        jitter: up to so many seconds more, drawn anew for what comes at once. It is TCP that is
            carried: what would overtake waits for what came before.
        bytes_per_second: how much passes at most; None stands for any amount.

    Raises:
        ValueError: a time below 0 or without end, or a rate that is not above 0.
    """

    delay: float = 0
    jitter: float = 0
    bytes_per_second: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no line can be."""
        for name in ("delay", "jitter"):
            seconds = getattr(self, name)
            if not 0 <= seconds < math.inf:
                raise ValueError(f"{name}={seconds}: it must be 0 seconds or more, and finite")
        rate = self.bytes_per_second
        if rate is not None and not 0 < rate < math.inf:
            raise ValueError(f"bytes_per_second={rate}: it must be above 0 and finite, or None")

    @property
    def capacity(self) -> int:
        """How many bytes may be under way."""
        if self.bytes_per_second is None:
            return HELD_BYTES
        seconds = self.delay + self.jitter + QUEUE_SECONDS
        return max(1, int(self.bytes_per_second * seconds))


PLAIN = Line()


class News(Enum):
    """What travels behind the bytes."""

    END = "the sender has sent its end of file"
    GONE = "the sender's end is not there any more"


@dataclass
class _Item:
    """Something under way.

    Attributes:
        content: bytes, or news.
        came: when it came.
        draw: its share of the jitter, from 0 to 1.
        passed: how many of the bytes are through already.
    """

    content: bytes | News
    came: float
    draw: float
    passed: int = 0

    @property
    def left(self) -> int:
        """How many bytes are not through."""
        return 0 if isinstance(self.content, News) else len(self.content) - self.passed


class Lane:
    """What is under way in one direction of one connection, first in, first out.

    All times are seconds of one clock that never goes back.

    Args:
        random: what the jitter is drawn from.
    """

    def __init__(self, random: Random) -> None:
        """Begin empty, on a plain line."""
        self._line = PLAIN
        self._random = random
        self._items: deque[_Item] = deque()
        self._held = 0
        self._free_at = -math.inf

    @property
    def room(self) -> int:
        """How many bytes more it should take; below 0 when the line holds less than it did."""
        return self._line.capacity - self._held

    def shape(self, line: Line, now: float) -> None:
        """Be another line from now on, also for what is under way."""
        self._line = line
        self.restart(now)

    def restart(self, now: float) -> None:
        """Forget that the line could have been in use until now: there is nothing to make up."""
        self._free_at = max(self._free_at, now)

    def put(self, content: bytes | News, now: float) -> None:
        """Send bytes or news on its way."""
        if not isinstance(content, News):
            self._held += len(content)
        self._items.append(_Item(content, now, self._random.random()))

    def take(self, now: float) -> bytes | News | None:
        """Give what arrives next; None when nothing has arrived yet."""
        if not self._items or now < self._due(self._items[0]):
            return None
        first = self._items[0]
        if isinstance(first.content, News):
            return self._items.popleft().content
        size = self._size(first, now)
        if not size:
            return None
        content = first.content[first.passed : first.passed + size]
        first.passed += size
        self._held -= size
        if not first.left:
            self._items.popleft()
        return content

    def ready_at(self) -> float:
        """Say when the next piece arrives; infinity when nothing is under way."""
        if not self._items:
            return math.inf
        first = self._items[0]
        due, rate = self._due(first), self._line.bytes_per_second
        if rate is None or isinstance(first.content, News):
            return due
        return max(due, self._free_at) + _piece(first.left, rate) / rate

    def _due(self, item: _Item) -> float:
        return item.came + self._line.delay + self._line.jitter * item.draw

    def _size(self, item: _Item, now: float) -> int:
        """Say how many bytes the rate lets pass now, and count them as passed."""
        rate = self._line.bytes_per_second
        if rate is None:
            return item.left
        piece = _piece(item.left, rate)
        begun = max(self._due(item), self._free_at, now - piece / rate - LATE_SECONDS)
        allowed = (now - begun) * rate
        if allowed < piece:
            return 0
        size = min(int(allowed), item.left, PIECE_BYTES)
        self._free_at = begun + size / rate
        return size


def _piece(left: int, rate: float) -> int:
    """Say how many bytes make it worth waking up."""
    return min(left, PIECE_BYTES, max(1, int(rate * PIECE_SECONDS)))
