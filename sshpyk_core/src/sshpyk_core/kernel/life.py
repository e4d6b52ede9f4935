"""Whether a kernel runs, as far as it is known here."""

from __future__ import annotations

import asyncio
import time

__all__ = ["KernelLife"]


class KernelLife:
    """One kernel over the processes that it has in turn.

    Attributes:
        returncode: how the process ended, minus a signal's number; None while it runs or may run.
            May be read from any thread.
        started_by_other: whether the process that runs now was started by somebody else, after
            the one before had ended.
        since: when that was known, in seconds since the epoch.
    """

    def __init__(self) -> None:
        """Know of no process yet."""
        self.returncode: int | None = None
        self.started_by_other = False
        self.since = 0.0
        self._exited: asyncio.Future[int] | None = None
        self._renewed = asyncio.Event()
        self._over = False

    def renew(self, *, by_other: bool = False) -> None:
        """Take note that there is, or may be, a process."""
        self.returncode = None
        self.started_by_other = by_other
        self.since = time.time()
        self._over = False
        self._renewed.set()
        self._exited = asyncio.get_running_loop().create_future()

    def forget(self) -> None:
        """Take note that there is none after all, and that none has ended either."""
        self.returncode = self._exited = None

    def ended(self, returncode: int) -> None:
        """Take note of how the process ended."""
        self.returncode = returncode
        self._renewed.clear()
        if self._exited is not None and not self._exited.done():
            self._exited.set_result(returncode)

    def is_last(self) -> None:
        """Take note that no process comes after the one that has ended."""
        self._over = True
        self._renewed.set()

    @property
    def process(self) -> object:
        """Tells one process from another."""
        return self._exited

    async def wait(self) -> int:
        """Return how the process that there is now ends."""
        assert self._exited is not None
        return await asyncio.shield(self._exited)

    async def started_anew(self, patience: float) -> bool:
        """Wait so many seconds at most for a process after the one that has ended."""
        try:
            await asyncio.wait_for(self._renewed.wait(), patience)
        except asyncio.TimeoutError:
            return False
        return not self._over
