"""The one thread and event loop of a process on which all SSH and link work runs.

Jupyter's own loop never waits for it, and the synchronous KernelManager, whose loop stands still
between calls, works too.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

EXIT_PATIENCE = 5.0
"""Seconds that the end of the process waits for sessions to be closed."""


class Background:
    """An event loop on a daemon thread of its own, started when it is first needed."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._at_exit: set[Callable[[], Awaitable[None]]] = set()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The running loop; a forked child gets one of its own."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                pool = concurrent.futures.ThreadPoolExecutor(thread_name_prefix="sshpyk")
                self._loop.set_default_executor(pool)
                started = threading.Event()
                thread = threading.Thread(
                    target=self._run, args=(self._loop, started), name="sshpyk", daemon=True
                )
                thread.start()
                started.wait()
            return self._loop

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop, started: threading.Event) -> None:
        asyncio.set_event_loop(loop)
        loop.call_soon(started.set)
        try:
            loop.run_forever()
        finally:
            loop.close()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Await, on any loop, work that is done on this one.

        Cancelling cancels the work and returns when that has undone what it had begun.
        """
        loop = self.loop
        outcome: concurrent.futures.Future[T] = concurrent.futures.Future()
        tasks: list[asyncio.Task[T]] = []

        def begin() -> None:
            tasks.append(loop.create_task(work))
            tasks[0].add_done_callback(lambda task: _copy(task, outcome))

        def cancel() -> None:
            tasks[0].cancel()

        loop.call_soon_threadsafe(begin)
        waiting = asyncio.wrap_future(outcome)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            if not waiting.done():
                loop.call_soon_threadsafe(cancel)
                await asyncio.wait([waiting])
                _ = waiting.cancelled() or waiting.exception()  # it was ours to ask for
            raise

    def call(self, work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Wait, on a thread without a loop, for work that is done on this one."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)

    def before_exit(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Await ``callback()`` on this loop when the process ends; repeating this does no harm.

        It comes before all exit handlers that are registered by then: one of a transport's library
        may end the very threads over which a session is closed, as paramiko's does. So this wants
        repeating when such a library has been imported.
        """
        self._at_exit.add(callback)
        atexit.unregister(self._exit)
        atexit.register(self._exit)

    def forget(self) -> None:
        """Start anew in a forked child: the loop and its thread are the parent's."""
        self._lock = threading.Lock()
        self._loop = None
        self._at_exit = set()

    def _exit(self) -> None:
        if self._loop is None:
            return

        async def all_callbacks() -> None:
            await asyncio.gather(*(each() for each in self._at_exit), return_exceptions=True)

        try:
            self.call(all_callbacks(), EXIT_PATIENCE)
        except (concurrent.futures.TimeoutError, TimeoutError):
            return


def _copy(task: asyncio.Task[T], outcome: concurrent.futures.Future[T]) -> None:
    if task.cancelled():
        outcome.cancel()
    elif (error := task.exception()) is not None:
        outcome.set_exception(error)
    else:
        outcome.set_result(task.result())


background = Background()
"""The process's own."""

if sys.platform != "win32":
    os.register_at_fork(after_in_child=background.forget)
