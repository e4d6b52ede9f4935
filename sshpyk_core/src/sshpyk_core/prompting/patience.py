"""Time limits that stand still while a person thinks."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

__all__ = ["Patience"]

T = TypeVar("T")


class Patience:
    """A clock for work in which a person may have to be asked."""

    def __init__(self) -> None:
        """Nobody is asked yet."""
        self._questions = 0
        self._asking = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Stop the clock while a person is asked."""
        self._questions += 1
        self._quiet.clear()
        self._asking.set()
        try:
            yield
        finally:
            self._questions -= 1
            if not self._questions:
                self._asking.clear()
                self._quiet.set()

    async def wait_for(self, work: Coroutine[Any, Any, T] | asyncio.Task[T], seconds: float) -> T:
        """Give the result of some work; what time a person takes does not count.

        Raises:
            asyncio.TimeoutError: the seconds are used up; the work has been cancelled.
        """
        task = work if isinstance(work, asyncio.Task) else asyncio.create_task(work)
        clock = asyncio.create_task(self._run_out(seconds))
        try:
            await asyncio.wait([task, clock], return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise asyncio.TimeoutError
            return task.result()
        finally:
            for each in (task, clock):
                each.cancel()
            await asyncio.wait([task, clock])
            if not task.cancelled():
                task.exception()  # it was cancelled too late to matter

    async def _run_out(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        while seconds > 0:
            await self._quiet.wait()
            began = loop.time()
            try:
                await asyncio.wait_for(self._asking.wait(), seconds)
            except asyncio.TimeoutError:
                return
            seconds -= loop.time() - began
