"""Opening a session where the server counts them (sshd_config(5), MaxSessions).

A server frees a session some time after the client has closed it, and tells nobody: a new one that
comes too early is refused where the limit is low.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

__all__ = ["EndedSessions"]

T = TypeVar("T")

_STILL_COUNTED_SECONDS = 2.0
_REFUSED_AGAIN_SECONDS = (0.0, 0.05, 0.2, 0.75)


class EndedSessions:
    """Knows when a session of a connection ended: until a while later, a refusal may pass."""

    def __init__(self) -> None:
        """Know of none."""
        self._last_end = float("-inf")

    def one_ended(self) -> None:
        """Take note that a session has ended just now."""
        self._last_end = asyncio.get_running_loop().time()

    async def open(
        self,
        attempt: Callable[[], Awaitable[T]],
        refused: type[Exception],
        gone: asyncio.Future[Any],
        closing: Callable[[], Sequence[asyncio.Future[Any]]] = tuple,
    ) -> T:
        """Open a session; try again for a moment where the server may still count an ended one.

        Args:
            attempt: opens one.
            refused: what that raises when the server refuses.
            gone: done when the connection has ended: then no attempt helps any more.
            closing: gives what ends with each session that is being closed now.

        Raises:
            Exception: whatever the last attempt raised.
        """
        for seconds in _REFUSED_AGAIN_SECONDS:
            try:
                return await attempt()
            except refused:
                ends = closing()
                idle = asyncio.get_running_loop().time() - self._last_end
                if gone.done() or (not ends and idle > _STILL_COUNTED_SECONDS):
                    raise
            if ends:
                await asyncio.wait(ends, timeout=_STILL_COUNTED_SECONDS)
            await asyncio.sleep(seconds)
        return await attempt()
