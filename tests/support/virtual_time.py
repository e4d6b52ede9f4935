"""Time that passes only when a test says so, for asyncio and for the remote package's loop."""

from __future__ import annotations

import asyncio

__all__ = ["Clock", "VirtualLoop"]


class Clock:
    """Seconds, as both loops count them."""

    def __init__(self) -> None:
        """Start at some time."""
        self.now = 1000.0

    def __call__(self) -> float:
        """Give the time."""
        return self.now


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop by that clock, which a test runs one turn at a time: it never waits."""

    def __init__(self, clock: Clock) -> None:
        """Start with nothing to do."""
        super().__init__()
        self._clock_of_test = clock

    def time(self) -> float:
        """Give the time."""
        return self._clock_of_test()

    def turn(self) -> None:
        """Do what can be done now."""
        self.call_soon(self.stop)
        self.run_forever()
