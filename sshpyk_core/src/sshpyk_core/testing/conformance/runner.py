"""One test on an event loop of its own, which ends in time whatever the transport does."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

from sshpyk_core.testing.conformance.patience import patiently

__all__ = ["TEST_LIMIT_SECONDS", "run", "within"]

T = TypeVar("T")

TEST_LIMIT_SECONDS = 90.0
_CANCEL_LIMIT_SECONDS = 5.0
_TASKS_END_WITHIN_SECONDS = 5.0


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test to its end on a new event loop.

    Raises:
        AssertionError: it took too long, or left a task that does not end; the tasks are named.
    """
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(_watched(test))
    finally:
        loop.run_until_complete(_end_tasks())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(_end_executor(loop))
        loop.close()


async def within(seconds: float, work: Awaitable[T], what: str) -> T:
    """Await something that has to end in time.

    Unlike :func:`asyncio.wait_for`, it does not wait for what ignores its cancellation.

    Args:
        seconds: how long it may take.
        work: what to await.
        what: the transport's duty, as a phrase for the failure.

    Raises:
        AssertionError: it did not end.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task], timeout=patiently(seconds))
        if task.done():
            return task.result()
        where = _stack(task)
        task.cancel()
        await asyncio.wait([task], timeout=patiently(_CANCEL_LIMIT_SECONDS))
        stuck = "" if task.done() else "; it does not end on being cancelled either"
        raise AssertionError(f"{what} takes more than {patiently(seconds):g} s{stuck}\n{where}")
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=patiently(_CANCEL_LIMIT_SECONDS))


async def _watched(test: Coroutine[Any, Any, None]) -> None:
    await within(TEST_LIMIT_SECONDS, test, "the test")
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=patiently(_TASKS_END_WITHIN_SECONDS))
    left = [task for task in others if not task.done()]
    assert not left, "tasks outlive the session:\n" + "\n".join(map(_stack, left))


async def _end_tasks() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=patiently(_CANCEL_LIMIT_SECONDS))


async def _end_executor(loop: asyncio.AbstractEventLoop) -> None:
    """Wait for the threads of `asyncio.to_thread`, but not for one that hangs."""
    ending = asyncio.ensure_future(loop.shutdown_default_executor())
    await asyncio.wait([ending], timeout=patiently(_CANCEL_LIMIT_SECONDS))
    ending.cancel()
    await asyncio.wait([ending], timeout=patiently(_CANCEL_LIMIT_SECONDS))


def _stack(task: asyncio.Future[Any]) -> str:
    """Say where a task is."""
    if not isinstance(task, asyncio.Task):
        return repr(task)
    frames = task.get_stack()
    lines = traceback.format_stack(frames[-1]) if frames else []
    return f"{task!r}\n{''.join(lines[-4:])}"
