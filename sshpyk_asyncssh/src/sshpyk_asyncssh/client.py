"""What asyncssh calls back for one connection: the host's key, the login, the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import asyncssh
from sshpyk_core.transport_kit.host_keys.host_key import HostKey
from sshpyk_core.transport_kit.login.questions import LoginQuestions

from sshpyk_asyncssh.identities import Identities
from sshpyk_asyncssh.trust import Trust

__all__ = ["Client"]

log = logging.getLogger(__name__)


class Client(asyncssh.SSHClient):
    """Decides for one connection.

    Attributes:
        trust: which host keys are accepted, and which one was shown.
        questions: what the server asked.
        identities: the keys to offer.
        tried: the keys that were offered, by name.
        login_began: whether the host's key was accepted and the login began.
        lost: done when the connection is lost, with the reason as a phrase.
        connection: asyncssh's, as soon as there is one.
    """

    def __init__(
        self,
        trust: Trust,
        questions: LoginQuestions,
        identities: Identities,
        login_begins: Callable[[], None],
    ) -> None:
        """Wait for the connection.

        Args:
            trust: decides about the host's key.
            questions: answers what the server asks.
            identities: the keys to offer.
            login_begins: called once, when the login begins.
        """
        self.trust = trust
        self.questions = questions
        self.identities = identities
        self.tried: list[str] = []
        self.login_began = False
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.connection: asyncssh.SSHClientConnection | None = None
        self._login_begins = login_begins

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """Know the connection."""
        self.connection = conn

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that the connection is gone."""
        if not self.lost.done():
            self.lost.set_result(str(exc) if exc else "it was closed")

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        """Accept the host's key if it is known, or was accepted for this connection."""
        return self.trust.accepts(HostKey.from_blob(key.public_data))

    def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Accept a certificate of the host if its authority is known."""
        return self.trust.accepts_authority(HostKey.from_blob(key.public_data))

    def auth_banner_received(self, msg: str, lang: str) -> None:
        """Keep what the server says to people out of the way."""
        log.debug("%s says: %s", self.trust.settings.alias, msg.rstrip())

    async def public_key_auth_requested(self) -> asyncssh.SSHKeyPair | None:
        """Offer the next key."""
        self._begin()
        identity = await self.identities.next()
        if identity is None:
            return None
        self.tried.append(identity.name)
        return identity.pair

    async def password_auth_requested(self) -> str | None:
        """Ask for a password."""
        self._begin()
        return await self.questions.password()

    def kbdint_auth_requested(self) -> str | None:
        """Let the server ask."""
        self._begin()
        return "" if self.questions.more_rounds() else None

    async def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str] | None:
        """Ask what the server asks."""
        said = "\n".join(each for each in (name.strip(), instructions.strip()) if each)
        return await self.questions.answers(said, prompts)

    def _begin(self) -> None:
        if not self.login_began:
            self.login_began = True
            self._login_begins()
