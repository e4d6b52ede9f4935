"""Judging by signs of life whether the far end of a link is still there.

The same for every transport: none of them finds a dead peer in useful time by itself.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

from sshpyk_core.suspend import suspended_within
from sshpyk_core.timers import LinkTimers

__all__ = ["Heartbeat"]

STALE = 0.5
"""Seconds after a suspend in which what is read may have come before it."""


class Heartbeat:
    """Listens for any byte, asks for one in a silence, and says when there is nobody."""

    def __init__(self, timers: LinkTimers, ping: Callable[[bytes], None]) -> None:
        """Begin with the far end alive; ``ping`` asks it to return some bytes."""
        self._timers = timers
        self._ping = ping
        self._loop = asyncio.get_running_loop()
        self._heard = self._asked = self._loop.time()
        self._give_up_at = self._heard + timers.dead_after
        self._stale_until = 0.0
        self._question = 0
        self._trip_numbers = itertools.count()
        self._trips: dict[bytes, tuple[float, asyncio.Future[float]]] = {}

    @property
    def silence(self) -> float:
        """Seconds since the last sign of life, by the loop's clock."""
        return self._loop.time() - self._heard

    def heard(self) -> None:
        """Take note of bytes from the far end, whatever they are."""
        if self._loop.time() >= self._stale_until:
            self._alive()

    def answered(self, answer: bytes) -> None:
        """Take note of what a ping has brought back."""
        if answer == self._question_bytes():
            self._alive()
        began, trip = self._trips.pop(answer, (0.0, None))
        if trip is not None and not trip.done():
            trip.set_result(self._loop.time() - began)

    def time_a_trip(self) -> asyncio.Future[float]:
        """Send a few bytes; the future gives the seconds that they took there and back."""
        question = b"trip %d" % next(self._trip_numbers)
        trip: asyncio.Future[float] = self._loop.create_future()
        self._trips[question] = (self._loop.time(), trip)
        self._ping(question)
        return trip

    def _alive(self) -> None:
        self._heard = self._loop.time()
        self._give_up_at = self._heard + self._timers.dead_after
        self._stale_until = 0.0

    async def watch(self) -> str:
        """Return when the far end is to be given up, with the reason."""
        while True:
            due = min(self._ask_at, self._give_up_at) - self._loop.time()
            if await suspended_within(due):
                # What was heard before says nothing of the network of now.
                self._give_up_at = self._loop.time() + self._timers.awake_patience
                self._stale_until = self._loop.time() + STALE
                self._ask()
            elif self._loop.time() >= self._give_up_at:
                return f"nothing was heard for {self.silence:.0f} s"
            elif self._loop.time() >= self._ask_at:
                self._ask()

    @property
    def _ask_at(self) -> float:
        return max(self._heard, self._asked) + self._timers.ping_after

    def _ask(self) -> None:
        self._asked = self._loop.time()
        self._question += 1
        self._ping(self._question_bytes())

    def _question_bytes(self) -> bytes:
        return b"%d" % self._question
