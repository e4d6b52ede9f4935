"""Tasks that nobody awaits: a loop keeps only weak references to them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["KeptTasks"]

T = TypeVar("T")


class KeptTasks:
    """Keeps each until it is done."""

    def __init__(self) -> None:
        """Keep none yet."""
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin some work."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def give_up(self) -> None:
        """Cancel what is not done yet, and wait for it."""
        for each in self._tasks:
            each.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
