"""How much of the streams' bytes may be under way, so that what is urgent never waits long.

A frame that was handed to the connection cannot be overtaken any more, and between the two ends
there is room for many megabytes: pipes, SSH windows, socket buffers. On a slow line these fill up,
and an interrupt's answer would come seconds late. So no more is handed over than the line takes in
about TARGET seconds, which shows in how long acknowledgements take: the idea of LEDBAT (RFC 6817),
above a connection of our own that has its congestion control already.
"""

from collections import deque
from typing import Callable, Deque, Tuple

from .wire import BULK, CHUNK, WINDOW

TARGET = 0.2
"""Seconds that bytes may spend in queues on the way."""

LEAST_BYTES = 4 * CHUNK
"""Bytes that may be under way on the slowest line; more than one acknowledgement covers."""

FIRST_BYTES = 2 * LEAST_BYTES
"""Bytes that may be under way on a line of which nothing is known."""

MOST_BYTES = 2 * WINDOW
"""Bytes that may be under way on the fastest."""

RESERVE_BYTES = 2 * CHUNK
"""Bytes beyond the limit for what is urgent."""

FORGET_AFTER = 60.0
"""Seconds after which the shortest way that was seen may be forgotten: routes change."""


class Pacing:
    """The bytes of one direction that the other end has not acknowledged, and their limit."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with nothing under way; ``clock`` gives seconds."""
        self.under_way = 0
        self._clock = clock
        self._sent: Deque[Tuple[int, int, float]] = deque()
        self._was_full = False
        self._forget()

    def _forget(self) -> None:
        self.limit = FIRST_BYTES
        self._shortest = self._shortest_lately = float("inf")
        self._since = self._clock()
        self._patient_until = self._since

    def new_connection(self) -> None:
        """Take what is under way for sent just now, over a line of which nothing is known."""
        now = self._clock()
        self._sent = deque((seq, size, now) for seq, size, _ in self._sent)
        self._forget()

    def room(self, priority: int) -> bool:
        """Say whether more may be handed to the connection."""
        full = self.under_way >= self.limit
        self._was_full = self._was_full or full
        if priority == BULK:
            return not full
        return self.under_way < self.limit + RESERVE_BYTES

    def sent(self, seq: int, size: int) -> None:
        """Take note of bytes that were handed over in the frame ``seq``."""
        self._sent.append((seq, size, self._clock()))
        self.under_way += size

    def acknowledged(self, seq: int) -> None:
        """Take note that all frames up to ``seq`` have arrived."""
        arrived = 0
        sent_at = None
        while self._sent and self._sent[0][0] <= seq:
            _, size, sent_at = self._sent.popleft()
            arrived += size
        if sent_at is not None:
            self.under_way -= arrived
            self._learn(self._clock(), sent_at, arrived)

    def _learn(self, now: float, sent_at: float, arrived: int) -> None:
        took = now - sent_at
        if now - self._since > FORGET_AFTER:
            self._shortest, self._shortest_lately = self._shortest_lately, took
            self._since = now
        self._shortest_lately = min(self._shortest_lately, took)
        self._shortest = min(self._shortest, self._shortest_lately)
        queued = took - self._shortest
        if queued > TARGET:
            if now >= self._patient_until:
                # Once for all that is under way now: it was sent under the old limit.
                self._patient_until = now + took
                self.limit = max(LEAST_BYTES, int(self.limit * max(0.5, TARGET / queued)))
        elif self._was_full:
            # The nearer to the target, the more carefully.
            self.limit = min(MOST_BYTES, self.limit + int(arrived * (1 - queued / TARGET) / 2))
        self._was_full = False
