"""What a server asks during a login, put to a person: passwords, and questions of RFC 4256."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sshpyk_core.host_settings import HostSettings
from sshpyk_core.types import Prompter, Question

__all__ = ["MOST_PROMPTS", "LoginQuestions"]

MOST_PROMPTS = 32
"""How many questions a server may put at once."""

_MOST_TRIES = 3
# Of all tries together: a server could go on for ever, with rounds that ask nothing.
_MOST_CHALLENGES = 32
# What PAM asks, and no more: a "one-time password" or a "new password" is none that is stored.
_PASSWORD = re.compile(r"(?:\S+@\S+'s )?password(?: for \S+)? ?: ?", re.IGNORECASE)


class LoginQuestions:
    """Answers the questions of one login, within the number of tries that there are.

    Attributes:
        asked: whether the server asked for what only a person knows.
        declined: whether nobody answered a question; no other one is put then.
    """

    def __init__(self, settings: HostSettings, prompter: Prompter | None) -> None:
        """Begin a login.

        Args:
            settings: the host that asks.
            prompter: whom to ask; None answers nothing.
        """
        self._prompter = prompter
        self._account = f"{settings.user}@{settings.hostname}"
        # By the name that the host key was checked for: behind two jump hosts, one address may be
        # two hosts.
        self._about = f"{settings.user}@{settings.host_key_alias or settings.hostname}"
        self._about += f":{settings.port}"
        prompts = settings.number("numberofpasswordprompts")
        tries = _MOST_TRIES if prompts is None else min(prompts, _MOST_TRIES)
        self._passwords_left = tries
        self._rounds_left = tries
        self._challenges_left = _MOST_CHALLENGES
        self.asked = False
        self.declined = False

    @property
    def needs_person(self) -> bool:
        """Whether the server asked for what only a person knows, and nobody answered."""
        return self.asked and (self._prompter is None or self.declined)

    async def password(self) -> str | None:
        """Return a password; None when there is none left to try."""
        self.asked = True
        return await self._password(f"{self._account}'s password: ")

    async def key_passphrase(self, path: str, again: bool) -> str | None:
        """Return the passphrase of a private key.

        Args:
            path: the key's file.
            again: whether the one before was wrong.
        """
        self.asked = True
        text = f"Enter passphrase for key '{path}': "
        if again:
            text = f"Bad passphrase, try again for {path}: "
        return await self._ask(Question("passphrase", text, path))

    def more_rounds(self) -> bool:
        """Tell whether one more login by questions is to be begun; counts it."""
        self.asked = True
        self._rounds_left -= 1
        return self._prompter is not None and not self.declined and self._rounds_left >= 0

    async def answers(
        self, instructions: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        """Answer one round of a keyboard-interactive login.

        Gives None when somebody declines, and to a server that asks too much or without end.

        Args:
            instructions: what the server says before its prompts.
            prompts: each with whether its answer may be shown while it is typed.
        """
        self._challenges_left -= 1
        if self._challenges_left < 0 or len(prompts) > MOST_PROMPTS:
            return None
        if len(prompts) == 1 and _is_password(*prompts[0]):
            answer = await self._password(self._text(instructions, prompts[0][0]))
            return None if answer is None else [answer]
        answers = []
        for number, (prompt, echo) in enumerate(prompts):
            text = self._text("" if number else instructions, prompt)
            answer = await self._ask(Question("code", text, secret=not echo))
            if answer is None:
                return None
            answers.append(answer)
        return answers

    def _text(self, instructions: str, prompt: str) -> str:
        lines = [instructions.strip()] if instructions.strip() else []
        text = "\n".join([*lines, f"({self._account}) {prompt}"])
        # A server must not move the cursor of a terminal, or hide what it says there.
        return "".join(char if char.isprintable() or char == "\n" else "?" for char in text)

    async def _password(self, text: str) -> str | None:
        if self._passwords_left <= 0:
            return None
        self._passwords_left -= 1
        return await self._ask(Question("password", text, self._about))

    async def _ask(self, question: Question) -> str | None:
        if self._prompter is None or self.declined:
            return None
        answer = await self._prompter.ask(question)
        self.declined = answer is None
        return answer


def _is_password(prompt: str, echo: bool) -> bool:
    return not echo and _PASSWORD.fullmatch(prompt.strip()) is not None
