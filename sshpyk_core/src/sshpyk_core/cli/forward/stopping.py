"""Ctrl+C and the like, once there is something to end in order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["stopped_by_signals"]

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


@contextmanager
def stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    """Let an event be set, on the running loop, instead of what these signals do otherwise.

    What was told to ignore one, as nohup(1) does, goes on ignoring it.
    """
    loop = asyncio.get_running_loop()

    def handle(_signum: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop.set)

    known = [signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__]
    before = {each: signal.getsignal(each) for each in known}
    try:
        for each, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(each, handle)
        yield
    finally:
        for each, handler in before.items():
            if handler is not None:
                signal.signal(each, handler)
