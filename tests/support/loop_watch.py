"""How long an event loop stood still by itself, told apart from a pause of the whole process."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["LoopWatch", "watched_loop"]

PERIOD = 0.005
LONGEST_BEAT = 4 * PERIOD
"""Seconds between two beats of a thread that has to share the interpreter with a busy one."""


class LoopWatch:
    """Finds out how long an event loop did not come round while another thread could run.

    What holds up the whole process (the garbage collector, a library that is being loaded, a
    machine without a free processor) holds the other thread up too, and hardly counts.

    Attributes:
        longest_wait: seconds of the longest round.
        rounds: how often the loop has come round.
    """

    def __init__(self) -> None:
        self.longest_wait = 0.0
        self.rounds = 0
        self._able = 0.0
        self._over = threading.Event()
        self._witness = threading.Thread(target=self._beat)

    async def run(self) -> None:
        """Watch until :meth:`end`, and to the end of the round that is under way then."""
        self._witness.start()
        while not self._over.is_set():
            able = self._able
            await asyncio.sleep(0)
            await asyncio.sleep(PERIOD)
            self.longest_wait = max(self.longest_wait, self._able - able)
            self.rounds += 1
        self._witness.join()

    def end(self) -> None:
        """Let :meth:`run` return."""
        self._over.set()

    def _beat(self) -> None:
        before = time.perf_counter()
        while not self._over.wait(PERIOD):
            now = time.perf_counter()
            self._able += min(now - before, LONGEST_BEAT)
            before = now


@asynccontextmanager
async def watched_loop() -> AsyncIterator[LoopWatch]:
    """Watch the running loop, from its next round on."""
    watch = LoopWatch()
    watching = asyncio.create_task(watch.run())
    await asyncio.sleep(0)
    try:
        yield watch
    finally:
        watch.end()
        await watching
