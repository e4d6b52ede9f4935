"""Prompters of tests: a person whose answers are known beforehand."""

from __future__ import annotations

import asyncio

from sshpyk_core.types import Question

__all__ = ["Somebody"]


class Somebody:
    """Gives the answers in their order, then declines.

    Attributes:
        asked: the questions so far.
        dismissed: set when a question that :meth:`ask` holds open was cancelled.
    """

    def __init__(self, *answers: str | None, thinks: bool = False) -> None:
        """With ``thinks``, no question is answered ever."""
        self.asked: list[Question] = []
        self.heard = asyncio.Event()
        self.dismissed = asyncio.Event()
        self._answers = list(answers)
        self._thinks = thinks

    async def ask(self, question: Question) -> str | None:
        self.asked.append(question)
        self.heard.set()
        if self._thinks:
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self.dismissed.set()
        return self._answers.pop(0) if self._answers else None
