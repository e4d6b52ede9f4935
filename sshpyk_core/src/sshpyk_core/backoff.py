"""When a host may be tried again: soon after a loss, ever later after failures, no storm ever."""

from __future__ import annotations

import asyncio
import random
from collections import deque

from sshpyk_core.suspend import suspended_within

__all__ = ["BACKOFF", "QUICK_RETURNS", "SHORT_LIFE", "Backoff"]

BACKOFF = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before each attempt; the last one again and again."""

SHORT_LIFE = 1.0
"""Seconds that a connection must live for the next loss not to be one more failure in a row."""

QUICK_RETURNS, QUICK_PERIOD = 12, 300.0
"""How many losses in so many seconds are answered at once; those beyond count as failures."""


class Backoff:
    """The pauses before the attempts to reach one host.

    Attributes:
        attempts: how many were made in a row.
    """

    def __init__(self) -> None:
        """Begin without a pause."""
        self.attempts = 0
        self._connected_at = 0.0
        self._quick_returns: deque[float] = deque(maxlen=QUICK_RETURNS)

    @property
    def delay(self) -> float:
        """Seconds before the next attempt, but for the jitter."""
        return BACKOFF[min(self.attempts, len(BACKOFF) - 1)]

    async def wait(self) -> None:
        """Pause before the next attempt; a suspend ends the pause."""
        if await suspended_within(self.delay * random.uniform(0.8, 1.2)):  # noqa: S311 (jitter)
            self.forget()  # those were of another network, perhaps

    def attempt(self) -> None:
        """Take note that an attempt is made."""
        self.attempts += 1

    def forget(self) -> None:
        """Begin anew."""
        self.attempts = 0

    def connected(self) -> None:
        """Take note that there is a connection."""
        self._connected_at = asyncio.get_running_loop().time()

    def lost(self) -> None:
        """Take note that it is lost; begin anew, unless the host lets us in and throws us out."""
        if self._may_return_quickly():
            self.forget()

    def _may_return_quickly(self) -> bool:
        now = asyncio.get_running_loop().time()
        past = self._quick_returns
        many = len(past) == QUICK_RETURNS and now - past[0] < QUICK_PERIOD
        if many or now - self._connected_at < SHORT_LIFE:
            return False
        past.append(now)
        return True
