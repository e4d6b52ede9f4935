"""Somebody to ask: prompters for the tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sshpyk_core.types import Question

__all__ = ["Nobody", "Silent", "Somebody"]


class Somebody:
    """A person who knows the answers.

    Args:
        answer: gives the answer to a question and how often it was asked before; None declines.

    Attributes:
        questions: what was asked so far.
    """

    def __init__(self, answer: Callable[[Question, int], str | None]) -> None:
        """Wait to be asked."""
        self._answer = answer
        self.questions: list[Question] = []

    async def ask(self, question: Question) -> str | None:
        """Answer."""
        before = self.questions.count(question)
        self.questions.append(question)
        await asyncio.sleep(0)
        return self._answer(question, before)


class Nobody(Somebody):
    """A prompter that must not be asked at all."""

    def __init__(self) -> None:
        """Decline whatever is asked all the same."""
        super().__init__(lambda question, before: None)


class Silent:
    """A person who reads the question and goes away.

    Attributes:
        asked: set when there is a question.
        withdrawn: set when the question was cancelled.
    """

    def __init__(self) -> None:
        """Wait to be asked."""
        self.asked = asyncio.Event()
        self.withdrawn = asyncio.Event()

    async def ask(self, question: Question) -> str | None:
        """Never answer."""
        self.asked.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.withdrawn.set()
            raise
        return None
