"""Noticing that this machine, or this process, was suspended for a while.

The clock of an event loop stands still while a laptop sleeps, so a timer that was set before is
late by as much; and a process that was stopped finds all its timers due at once. In both cases
what is known of the far end is old.
"""

from __future__ import annotations

import asyncio
import sys
import time

__all__ = ["suspended_within"]

LONGEST_NAP = 1.0
"""Seconds after which the clocks are looked at again: so soon is a suspend noticed."""

NOTICED = 2.0
"""Seconds by which a nap must be late to count as a suspend, and not as a busy machine."""


def now() -> float:
    """Give seconds of a clock that goes on while the machine is suspended."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.time()


async def suspended_within(seconds: float) -> bool:
    """Sleep on the running loop, but no longer than to the end of a suspend.

    Where the system has no clock for it, one that is set counts as a suspend too.

    Args:
        seconds: for how long; 0 or less lets other tasks run.

    Returns:
        Whether a suspend has ended in this time.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        before = now()
        nap = max(0.0, min(LONGEST_NAP, end - loop.time()))
        await asyncio.sleep(nap)
        if now() - before - nap >= NOTICED:
            return True
        if loop.time() >= end:
            return False
