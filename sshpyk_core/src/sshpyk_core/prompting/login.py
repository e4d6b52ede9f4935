"""The prompter of one login: what is stored answers first, a person second."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from sshpyk_core.prompting.keyring_store import KeyringStore
from sshpyk_core.prompting.memory import Key, Memory
from sshpyk_core.prompting.patience import Patience
from sshpyk_core.types import Prompter, Question

__all__ = ["ANSWER_PATIENCE", "TRIES", "Login", "Shared"]

ANSWER_PATIENCE = 300.0
"""Seconds in which a person has to answer all questions of one login."""

TRIES = 3
"""How often one question may be asked in one login, as in ssh (NumberOfPasswordPrompts)."""

log = logging.getLogger(__name__)


@dataclass
class Shared:
    """What all logins of a process share.

    Attributes:
        memory: what was right before.
        keyring: what is kept beyond this process.
        turn: held while a person is asked, who can answer one question at a time.
        not_to_keep: what the person does not want in the keyring.
    """

    memory: Memory = field(default_factory=Memory)
    keyring: KeyringStore = field(default_factory=KeyringStore)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    not_to_keep: set[Key] = field(default_factory=set)


@dataclass
class _Asked:
    """A question of this login.

    Attributes:
        times: how often it was asked.
        given: the last answer.
        typed: a person gave it.
        in_keyring: what the keyring holds; None also while that was not read.
        keyring_read: it was.
    """

    times: int = 0
    given: str | None = field(default=None, repr=False)
    typed: bool = False
    in_keyring: str | None = field(default=None, repr=False)
    keyring_read: bool = False


class Login:
    """Answers a transport for as long as it makes one connection.

    A password or passphrase comes from memory or the keyring the first time. To be asked again
    means that it was wrong: it is forgotten, and the person is asked. What let somebody in is
    remembered, so that a later login needs no person.
    """

    def __init__(self, shared: Shared, person: Prompter | None, patience: Patience) -> None:
        """Begin a login.

        Args:
            shared: what the logins of this process share.
            person: whom to ask; None when nobody may be asked, as in a reconnect.
            patience: the clock to stop while the person is asked.
        """
        self.in_person = person is not None
        """Whether it began with somebody to ask."""
        self._shared = shared
        self._person = person
        self._patience = patience
        self._asked: dict[Key, _Asked] = {}
        self._dismissed = asyncio.Event()
        self._deadline: float | None = None
        self._accepted = False
        self._unanswered = False

    @property
    def let_in(self) -> bool:
        """Whether the host has let us in."""
        return self._accepted

    @property
    def prompter(self) -> Prompter | None:
        """What to give to a transport; None when it could not answer anything."""
        useful = self.in_person or self._shared.memory or self._shared.keyring.installed
        return self if useful else None

    async def ask(self, question: Question) -> str | None:
        """Answer; None when nobody does."""
        key = (question.kind, question.about or question.text)
        asked = self._asked.setdefault(key, _Asked())
        asked.times += 1
        answer = None
        if asked.times <= TRIES or self._accepted:
            answer = await self._answer(question, key, asked)
        self._unanswered = self._unanswered or answer is None
        return answer

    async def _answer(self, question: Question, key: Key, asked: _Asked) -> str | None:
        if not question.about or question.kind not in ("password", "passphrase"):
            return await self._ask_person(question)
        before, asked.given = asked.given, None
        asked.given = await self._recall(key, asked, before)
        asked.typed = asked.given is None
        if asked.given is None:
            asked.given = await self._ask_person(question)
        return asked.given

    async def _recall(self, key: Key, asked: _Asked, before: str | None) -> str | None:
        memory = self._shared.memory
        if self._accepted:  # a further connection of the same session
            return memory.get(key)
        if before is not None:
            memory.drop(key, before)
            if not asked.typed:
                memory.missed(key, before)
        if asked.times > 1 and self.in_person:
            return None
        stored = memory.get(key) if asked.times == 1 else None
        if stored is None and not asked.keyring_read:
            asked.keyring_read = True
            asked.in_keyring = await self._shared.keyring.get(key[1])
            stored = asked.in_keyring if asked.in_keyring != before else None
        return None if stored is not None and memory.spent(key, stored) else stored

    # --- how it went -------------------------------------------------------------------------

    async def accepted(self) -> None:
        """Remember what let us in; offer the person to keep what they typed in the keyring."""
        self._accepted = True
        for key, asked in self._asked.items():
            if asked.given is not None:
                self._shared.memory.put(key, asked.given)
        for key, asked in list(self._asked.items()):
            if asked.given is not None and asked.typed and key not in self._shared.not_to_keep:
                await self._offer_to_keep(key, asked.given)

    async def _offer_to_keep(self, key: Key, answer: str) -> None:
        keyring = await self._shared.keyring.name()
        if keyring is None or self._person is None:
            return
        kind, about = key
        text = f"Keep the {kind} for {about} in the keyring ({keyring})? (yes/no) "
        agreed = await self._ask_person(Question("confirm", text, secret=False))
        if agreed == "yes":
            await self._shared.keyring.put(about, answer)
        else:
            self._shared.not_to_keep.add(key)

    def refused(self) -> None:
        """Forget what was answered from memory: it did not let us in.

        Where another question had no answer, that was the reason.
        """
        if self._unanswered:
            return
        self.broken_off()
        for key, asked in self._asked.items():
            if asked.given is not None:
                self._shared.memory.drop(key, asked.given)

    def broken_off(self) -> None:
        """Doubt the stored passwords that were given: the login ended, or got no answer.

        Some servers say no to a wrong password in this way, and then lock the account.
        """
        if self._accepted:
            return
        for key, asked in self._asked.items():
            if asked.given is not None and not asked.typed and key[0] == "password":
                self._shared.memory.missed(key, asked.given)

    def dismiss(self) -> None:
        """Ask the person nothing any more, and close the dialog that is open."""
        self._person = None
        self._dismissed.set()

    # --- the person --------------------------------------------------------------------------

    async def _ask_person(self, question: Question) -> str | None:
        person = self._person
        if person is None:
            return None

        async def in_turn() -> str | None:
            async with self._shared.turn:
                return await person.ask(question)

        with self._patience.asking():
            return await self._unless_dismissed(in_turn())

    async def _unless_dismissed(self, work: Coroutine[Any, Any, str | None]) -> str | None:
        loop = asyncio.get_running_loop()
        if self._deadline is None:
            self._deadline = loop.time() + ANSWER_PATIENCE
        answering = asyncio.create_task(work)
        dismissed = asyncio.create_task(self._dismissed.wait())
        try:
            await asyncio.wait(
                [answering, dismissed],
                timeout=max(0.0, self._deadline - loop.time()),
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            for each in (answering, dismissed):
                each.cancel()
            await asyncio.wait([answering, dismissed])
        if not answering.cancelled():
            return answering.result()
        if not self._dismissed.is_set():
            log.warning("nobody has answered a question within %.0f s", ANSWER_PATIENCE)
        return None
