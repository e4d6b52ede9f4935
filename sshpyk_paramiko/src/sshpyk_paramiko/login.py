"""Proving to a host who we are, by what the user has: keys, a password, answers to questions."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from paramiko.ssh_exception import SSHException
from sshpyk_core.errors import AuthenticationError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.deadline import Deadline
from sshpyk_core.transport_kit.login.failure import login_refused
from sshpyk_core.transport_kit.login.questions import LoginQuestions

from sshpyk_paramiko.agent import open_agent
from sshpyk_paramiko.connection import Connection
from sshpyk_paramiko.identities import Identity, find_identities
from sshpyk_paramiko.key_files import NeedsPassphraseError, load_private_key
from sshpyk_paramiko.login_handler import Attempt, LoginHandler
from sshpyk_paramiko.workers import Workers

__all__ = ["LOGIN_METHODS", "AnswerLimit", "Login", "login_methods"]

log = logging.getLogger(__name__)

_PASSPHRASE_TRIES = 3

LOGIN_METHODS = ("publickey", "keyboard-interactive", "password")
"""What can be done here, in the order in which ssh tries it."""


@dataclass(frozen=True)
class AnswerLimit:
    """How long to wait for a host.

    Attributes:
        deadline: cancels what takes longer.
        seconds: until each answer of the host.
    """

    deadline: Deadline
    seconds: float

    def anew(self) -> None:
        """Count from now: the host has answered."""
        self.deadline.restart(self.seconds)


def login_methods(settings: HostSettings) -> list[str]:
    """List the methods that a host's settings allow, in the order to try them."""
    allowed = {
        "publickey": settings.pubkey_authentication,
        "keyboard-interactive": settings.kbd_interactive_authentication,
        "password": settings.password_authentication,
    }
    preferred = settings.preferred_authentications or list(LOGIN_METHODS)
    return [name for name in preferred if allowed.get(name)]


@dataclass
class Login:
    """One login.

    Attributes:
        settings: of the host.
        connection: whose keys have been exchanged, with a host that is trusted.
        workers: for what blocks.
        questions: answers what only a person knows.
        limit: until each answer of the host.
        attended: whether somebody can be asked.
        tried: what has been shown to the host so far, for people.
    """

    settings: HostSettings
    connection: Connection
    workers: Workers
    questions: LoginQuestions
    limit: AnswerLimit
    attended: bool
    tried: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Look for no keys yet."""
        self._user = self.settings.user
        self._handler = LoginHandler(self.connection)
        self._identities: list[Identity] | None = None
        self._agent: Any = None
        self._gave_up = False

    async def run(self) -> None:
        """Log in, by the methods that the host and the configuration allow, in the latter's order.

        Raises:
            AuthenticationError: nothing that there is was accepted.
            SSHException, EOFError: the connection ended.
        """
        try:
            if await self._try("nothing", self._handler.try_none) is not Attempt.ACCEPTED:
                await self._prove()
        except (SSHException, EOFError) as error:
            if not self._gave_up and not self.questions.declined and not self.connection.farewell:
                raise
            raise self._refused(self.connection.farewell) from error
        finally:
            if self._agent is not None:
                self._agent.close()

    async def _prove(self) -> None:
        methods: dict[str, Callable[[], Awaitable[Attempt | None]]] = {
            "publickey": self._next_key,
            "keyboard-interactive": self._next_round,
            "password": self._next_password,
        }
        left = login_methods(self.settings)
        while not self.questions.declined:
            method = next((name for name in left if name in self._handler.methods), None)
            if method is None:
                break
            attempt = await methods[method]()
            if attempt is Attempt.ACCEPTED:
                return
            if attempt is None:
                left.remove(method)
        raise self._refused()

    def _refused(self, said: str = "") -> AuthenticationError:
        if not said:
            methods = ", ".join(self._handler.methods)
            said = f"the host refused {self._user}; it takes {methods}"
        person = self.questions.needs_person
        return login_refused(self.settings, said, self.tried, needs_person=person)

    async def _try(self, what: str, call: Callable[..., Attempt], *arguments: Any) -> Attempt:
        """Make one attempt, on a thread; what is tried goes to the log, never its secret."""
        log.debug("%s: trying %s as %s", self.settings.alias, what, self._user)
        attempt = await self.workers.run("login", lambda: call(self._user, *arguments))
        self.limit.anew()
        log.debug("%s: %s: %s", self.settings.alias, what, attempt.name.lower())
        return attempt

    # Keys

    async def _next_key(self) -> Attempt | None:
        if self._identities is None:
            self._identities = await self.workers.run("look for keys", self._find)
        while self._identities:
            identity = self._identities.pop(0)
            try:
                attempt = await self._try_identity(identity)
            except (SSHException, OSError) as error:
                if not self.connection.is_active():
                    raise
                log.info("%s: %s cannot be used: %s", self.settings.alias, identity.label, error)
                attempt = None
            if attempt is not None:
                return attempt
        return None

    def _find(self) -> list[Identity]:
        self._agent = open_agent(self.settings)
        return find_identities(self.settings, self._agent.get_keys() if self._agent else ())

    async def _try_identity(self, identity: Identity) -> Attempt | None:
        """Show one key; None: it cannot be used."""
        self.tried.append(identity.label)
        if identity.agent_key is not None:
            if not await self._is_welcome(identity):
                return Attempt.REFUSED
            # An agent may ask its owner, or wait for a touch; without anybody it will not come.
            with self.limit.deadline.held() if self.attended else contextlib.nullcontext():
                return await self._try(identity.label, self._handler.try_key, identity.agent_key)
        key = await self._unlocked(identity)
        if key is None:
            return None
        key.public_blob = identity.certificate
        return await self._try(identity.label, self._handler.try_key, key)

    async def _unlocked(self, identity: Identity) -> Any:
        """Load a private key, with the passphrase that it needs; None: nobody gave it."""
        passphrase: str | None = None
        for count in range(_PASSPHRASE_TRIES + 1):
            try:
                load = partial(load_private_key, identity.path, passphrase)
                return await self.workers.run("load a key", load)
            except NeedsPassphraseError:
                if count == 0 and identity.blob and not await self._is_welcome(identity):
                    return None
            if count < _PASSPHRASE_TRIES:
                passphrase = await self.questions.key_passphrase(identity.path, count > 0)
            if passphrase is None:
                break
        self.tried[-1] += " (it needs a passphrase)"
        return None

    async def _is_welcome(self, identity: Identity) -> bool:
        kind, blob = identity.key_type, identity.blob
        ask = self._handler.is_welcome
        welcome = await self.workers.run("login", lambda: ask(self._user, kind, blob))
        self.limit.anew()
        return welcome

    # What a person knows

    async def _next_password(self) -> Attempt | None:
        password = await self.questions.password()
        if password is None:
            return None
        self.tried.append("a password")
        attempt = await self._try("a password", self._handler.try_password, password)
        if self._handler.expired:
            raise self._refused(f"the password has to be changed: {self._handler.expired}")
        return attempt

    async def _next_round(self) -> Attempt | None:
        if not self.questions.more_rounds():
            return None
        self.tried.append("answers to its questions")
        loop = asyncio.get_running_loop()
        running: set[concurrent.futures.Future[list[str] | None]] = set()

        def ask(instructions: str, prompts: Sequence[tuple[str, bool]]) -> list[str]:
            """Let the loop answer one round, while the thread of the attempt waits."""
            asked = asyncio.run_coroutine_threadsafe(self._answer(instructions, prompts), loop)
            running.add(asked)
            try:
                answers = asked.result()
            except concurrent.futures.CancelledError:
                answers = None
            if answers is None:
                self._gave_up = True
                raise SSHException("nobody answers the questions of the login")
            return answers

        try:
            return await self._try("its questions", self._handler.try_questions, ask)
        finally:
            for asked in running:
                asked.cancel()

    async def _answer(
        self, instructions: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        answers = await self.questions.answers(instructions, prompts)
        self.limit.anew()
        return answers
