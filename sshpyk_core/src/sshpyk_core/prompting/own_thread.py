"""Blocking work on a thread of its own, which never holds up the end of the process.

The threads of ``asyncio.to_thread`` are waited for when the interpreter ends, before anything that
could end them is called.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["begin"]

T = TypeVar("T")


def begin(work: Callable[[], T], name: str) -> asyncio.Future[T]:
    """Run some work on a new daemon thread; cancelling the future does not stop it."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()
    # Whoever gave up waiting does not want to hear of an error either.
    outcome.add_done_callback(lambda done: done.cancelled() or done.exception())

    def settle(result: T | None, error: Exception | None) -> None:
        if outcome.done():
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)  # type: ignore[arg-type]  # T itself may be None

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as raised:  # it is raised where the future is awaited
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has been closed: nobody waits
            # Not as arguments, which asyncio's debug mode logs for slow calls: this may be secret.
            loop.call_soon_threadsafe(lambda: settle(result, error))

    threading.Thread(target=run, name=f"sshpyk {name}", daemon=True).start()
    return outcome
