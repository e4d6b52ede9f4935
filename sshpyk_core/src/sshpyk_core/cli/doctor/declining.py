"""Whether somebody who was asked has declined, as with Ctrl+C."""

from __future__ import annotations

from sshpyk_core.types import Prompter, Question

__all__ = ["Declining"]


class Declining:
    """A prompter that remembers a question without an answer.

    Attributes:
        declined: whether there was one.
    """

    def __init__(self, person: Prompter) -> None:
        """Wrap a prompter."""
        self.declined = False
        self._person = person

    @classmethod
    def of(cls, person: Prompter | None) -> Declining | None:
        """Wrap one, if there is one."""
        return None if person is None else cls(person)

    async def ask(self, question: Question) -> str | None:
        """Ask, or decline all that comes after a question that was declined."""
        answer = None if self.declined else await self._person.ask(question)
        if answer is None:
            self.declined = True
        return answer
