"""A time limit that stands still while a person is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sshpyk_core.types import Prompter, Question

__all__ = ["Deadline", "PatientPrompter"]

T = TypeVar("T")


class Deadline:
    """Cancels work that takes too long; may be held and set anew while it runs."""

    def __init__(self, seconds: float) -> None:
        """Set the limit; it counts from :meth:`run` on."""
        self._left = seconds
        self._ends = 0.0
        self._held = 0
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[Any] | None = None
        self._expired = False

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Await the work; whether it ends in time or not, it has ended when this returns.

        Raises:
            asyncio.TimeoutError: the limit passed, and the work was cancelled.
        """
        task = asyncio.get_running_loop().create_task(work)
        self._task = task
        self._go_on()
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait([task])
            raise
        finally:
            self._stop()
            self._task = None
        if self._expired and task.cancelled():
            raise asyncio.TimeoutError
        return task.result()

    def restart(self, seconds: float) -> None:
        """Give the work this many seconds from now on."""
        self._stop()
        self._left = seconds
        self._go_on()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let no time pass."""
        self._stop()
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            self._go_on()

    def _go_on(self) -> None:
        if self._task is not None and not self._held and self._timer is None:
            loop = asyncio.get_running_loop()
            self._ends = loop.time() + self._left
            self._timer = loop.call_later(self._left, self._expire, self._task)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._left = max(0.0, self._ends - asyncio.get_running_loop().time())

    def _expire(self, task: asyncio.Task[Any]) -> None:
        self._expired = True
        task.cancel()


class PatientPrompter:
    """A prompter that holds a deadline while its questions are answered."""

    def __init__(self, prompter: Prompter, deadline: Deadline) -> None:
        """Wrap a prompter."""
        self._prompter = prompter
        self._deadline = deadline

    async def ask(self, question: Question) -> str | None:
        """Ask, however long the answer takes."""
        with self._deadline.held():
            return await self._prompter.ask(question)
