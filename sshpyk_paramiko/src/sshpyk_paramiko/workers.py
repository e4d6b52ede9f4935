"""Threads for what blocks: one for each call, which ends with it.

They are daemons, so that a call that never returns does not keep the program from ending.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

__all__ = ["Workers", "tell"]

T = TypeVar("T")


class Workers:
    """The threads of one session; used from its loop."""

    def __init__(self) -> None:
        """Start none yet."""
        self._loop = asyncio.get_running_loop()
        self._threads: set[threading.Thread] = set()
        self._none_left = asyncio.Event()
        self._none_left.set()

    def start(self, name: str, work: Callable[[], object]) -> None:
        """Let a thread do some work, of which nobody waits for the outcome.

        Args:
            name: what the thread does, for debuggers.
            work: must not raise.

        Raises:
            RuntimeError: no thread can be started, as when Python is ending.
        """

        def run() -> None:
            try:
                work()
            finally:
                tell(self._loop, self._ended, thread)

        thread = threading.Thread(target=run, name=f"sshpyk-paramiko {name}", daemon=True)
        self._threads.add(thread)
        self._none_left.clear()
        try:
            thread.start()
        except RuntimeError:
            self._ended(thread)
            raise

    async def run(
        self, name: str, call: Callable[[], T], undo: Callable[[T], object] | None = None
    ) -> T:
        """Await a call that blocks.

        To be cancelled does not end the call: what it gives then is handed to ``undo``.

        Args:
            name: what is done, for debuggers.
            call: made on a thread; what it raises is raised here.
            undo: made on a thread too, where nobody waits any more.
        """
        outcome: asyncio.Future[T] = self._loop.create_future()

        def settle(result: Any, error: BaseException | None) -> None:
            if outcome.done():
                if error is None and undo is not None:
                    self.start(f"undo {name}", partial(undo, result))
            elif error is None:
                outcome.set_result(result)
            else:
                outcome.set_exception(error)

        def work() -> None:
            try:
                result, error = call(), None
            except BaseException as raised:
                result, error = None, raised
            tell(self._loop, settle, result, error)

        self.start(name, work)
        return await outcome

    async def none_left(self) -> None:
        """Wait until every thread has ended."""
        await self._none_left.wait()

    def __str__(self) -> str:
        """What is still being done."""
        return ", ".join(sorted(thread.name for thread in self._threads)) or "nothing"

    def _ended(self, thread: threading.Thread) -> None:
        self._threads.discard(thread)
        if not self._threads:
            self._none_left.set()


def tell(loop: asyncio.AbstractEventLoop, call: Callable[..., object], *arguments: Any) -> None:
    """Call something in a loop from a thread; nothing happens where the loop has been closed."""
    try:
        loop.call_soon_threadsafe(call, *arguments)
    except RuntimeError:
        if not loop.is_closed():
            raise
