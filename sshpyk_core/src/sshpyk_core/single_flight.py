"""Work that is done once for all who want its result at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

__all__ = ["SingleFlight"]

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs some work when it is wanted; those who come while it runs wait for the same run."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        """Run nothing yet."""
        self._work = work
        self._task: asyncio.Task[T] | None = None
        self._waiting = 0
        self._abandoned = False

    @property
    def running(self) -> bool:
        """Whether a run is under way that one may still join."""
        return self._task is not None and not self._abandoned

    async def join(self) -> T:
        """Give the result of the run under way, or of a new one; raises what that raises.

        The run is cancelled when nobody waits for it any more.
        """
        while self._task is not None and self._abandoned:
            await asyncio.wait([self._task])
        task = self._task
        if task is None:
            task = self._task = asyncio.create_task(self._work())
            task.add_done_callback(self._done)
        self._waiting += 1
        try:
            return await asyncio.shield(task)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self.cancel()

    def cancel(self) -> None:
        """End the run under way; those who come from now on wait for its end and for a new one."""
        if self._task is not None:
            self._abandoned = True
            self._task.cancel()

    async def aclose(self) -> None:
        """End the run under way, and return when it has ended."""
        self.cancel()
        if self._task is not None:
            await asyncio.wait([self._task])

    def _done(self, task: asyncio.Task[T]) -> None:
        self._task = None
        self._abandoned = False
        if not task.cancelled():
            task.exception()  # seen by those who wait, if any still do
