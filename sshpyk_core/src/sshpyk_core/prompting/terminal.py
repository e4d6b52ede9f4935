"""Asks on the terminal that this process is controlled from, whatever its streams are."""

from __future__ import annotations

import asyncio
import sys

from sshpyk_core.prompting import own_thread
from sshpyk_core.prompting.wording import is_yes
from sshpyk_core.types import Question

if sys.platform == "win32":
    from sshpyk_core.prompting.windows_terminal import Conversation, is_there
else:
    from sshpyk_core.prompting.posix_terminal import Conversation, is_there

__all__ = ["Terminal", "is_there"]


class Terminal:
    """A prompter: the question and what is typed, on one line; Ctrl-D declines, as does Ctrl-C."""

    def __init__(self) -> None:
        """Ask nothing yet."""
        self.interrupted = False
        """Whether a question was answered with Ctrl-C."""

    async def ask(self, question: Question) -> str | None:
        """Ask; None when it was declined, or when the terminal is not ours at the moment.

        To a question of the kind ``confirm`` the answer is "yes" or "no".
        """
        conversation = Conversation(question.text, secret=question.secret)
        typing = own_thread.begin(conversation.run, "asks on the terminal")
        try:
            answer = await asyncio.shield(typing)
        finally:
            # The thread puts the terminal back as it was before it ends.
            conversation.stop()
            await asyncio.wait([typing])
            conversation.close()
            self.interrupted = self.interrupted or conversation.interrupted
        if question.kind == "confirm" and answer is not None:
            return "yes" if is_yes(answer) else "no"
        return answer
