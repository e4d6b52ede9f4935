"""The live line that says what a command waits for; it makes room for a question."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.status import Status
from rich.text import Text

from sshpyk_core.cli.page import printable
from sshpyk_core.errors import SshpykError
from sshpyk_core.prompting.terminal import Terminal
from sshpyk_core.types import Prompter, Question

__all__ = ["LiveStatus"]


class LiveStatus:
    """One line on standard error, on a terminal only, that goes away in the end."""

    def __init__(self, text: str) -> None:
        """Say what is waited for at first; shown from :meth:`__enter__` on."""
        console = Console(stderr=True, highlight=False)
        # No markup: the brackets of an address are shown as they are.
        shown = Text(printable(text))
        self._status = Status(shown, console=console) if console.is_terminal else None
        self._shown = 0
        self._person: Prompter | None = None

    def say(self, text: str) -> None:
        """Say what is waited for now."""
        if self._status is not None:
            self._status.update(Text(printable(text)))

    def prompter(self, person: Prompter | None) -> Prompter | None:
        """Give somebody to ask in whose questions the line does not get mixed."""
        self._person = person
        return None if person is None else _Interrupting(self, person)

    def show(self) -> None:
        """Show the line, unless a question has taken its place."""
        self._shown += 1
        if self._status is not None and self._shown == 1:
            self._status.start()

    def hide(self) -> None:
        """Take the line away."""
        self._shown -= 1
        if self._status is not None and self._shown == 0:
            self._status.stop()

    def __enter__(self) -> LiveStatus:
        """Show it."""
        self.show()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take it away.

        Raises:
            KeyboardInterrupt: what was tried has failed because a question was answered so.
        """
        self.hide()
        interrupted = isinstance(self._person, Terminal) and self._person.interrupted
        if interrupted and isinstance(error, SshpykError):
            raise KeyboardInterrupt from error


class _Interrupting:
    """A prompter that takes the line away while it asks."""

    def __init__(self, status: LiveStatus, person: Prompter) -> None:
        self._status = status
        self._person = person

    async def ask(self, question: Question) -> str | None:
        self._status.hide()
        try:
            return await self._person.ask(question)
        finally:
            self._status.show()
