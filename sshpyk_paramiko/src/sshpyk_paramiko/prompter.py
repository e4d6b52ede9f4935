"""A prompter that stops asking when there is no more use for the answer."""

from __future__ import annotations

import asyncio
from typing import Any

from sshpyk_core.types import Prompter, Question

__all__ = ["AttentivePrompter"]


class AttentivePrompter:
    """Asks for the sake of one connection, and dismisses the question when that ends.

    Args:
        prompter: asks in fact.
        ended: done when the connection has ended.
    """

    def __init__(self, prompter: Prompter, ended: asyncio.Future[BaseException | None]) -> None:
        """Wrap a prompter."""
        self._prompter = prompter
        self._ended = ended

    async def ask(self, question: Question) -> str | None:
        """Ask one question.

        Raises:
            EOFError: the connection ended before the answer.
        """
        asking = asyncio.ensure_future(self._prompter.ask(question))
        try:
            either: list[asyncio.Future[Any]] = [asking, self._ended]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                return asking.result()
            raise EOFError("the server hung up while somebody was asked")
        finally:
            if not asking.done():
                asking.cancel()
                await asyncio.wait([asking])
