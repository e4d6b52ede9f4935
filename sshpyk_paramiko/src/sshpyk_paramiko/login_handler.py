"""The messages of a login (RFC 4252, RFC 4256), one attempt at a time, over one connection.

paramiko's own way asks for the service ``ssh-userauth`` before each attempt, which some servers
refuse the second time; it does not tell which methods are left after a failure; it cannot ask
whether a key would be accepted before its passphrase is needed; and while somebody thinks about the
server's questions, it does not see that the server has hung up.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue

import paramiko
from paramiko.auth_handler import AuthHandler
from paramiko.common import cMSG_USERAUTH_INFO_RESPONSE, cMSG_USERAUTH_REQUEST
from paramiko.ssh_exception import SSHException
from sshpyk_core.transport_kit.login.questions import MOST_PROMPTS

__all__ = ["Attempt", "LoginHandler"]

Ask = Callable[[str, Sequence[tuple[str, bool]]], Sequence[str]]
"""Answers one round of questions: instructions, and prompts with whether to show the answers."""


class Attempt(enum.Enum):
    """How one attempt went."""

    ACCEPTED = enum.auto()
    """The login is done."""
    PARTIAL = enum.auto()
    """It was right, and another method is wanted as well."""
    REFUSED = enum.auto()


@dataclass(frozen=True)
class _Round:
    """What the server asks at once."""

    instructions: str
    prompts: tuple[tuple[str, bool], ...]


class _News(SimpleQueue["_Round | None"]):
    """What comes during an attempt; None is the end, which paramiko tells as by an event."""

    def set(self) -> None:
        """The server has answered, or the connection has ended."""
        self.put(None)


class LoginHandler(AuthHandler):  # type: ignore[misc]
    """Makes the attempts of one connection; each call blocks until the server has answered.

    Each raises SSHException or EOFError when the connection ends first.

    Attributes:
        methods: those that can continue, as the server said last.
        expired: what the server said when it wanted another password first; empty before.
    """

    def __init__(self, connection: paramiko.Transport) -> None:
        """Become the handler of a connection whose keys have been exchanged."""
        super().__init__(connection)
        self.methods: list[str] = []
        self.expired = ""
        self._service_accepted = False
        self._partial = False
        self._welcome = False
        self._news = _News()
        connection.auth_handler = self

    def try_none(self, user: str) -> Attempt:
        """Ask to be let in without a proof; that also tells which methods there are."""
        return self._attempt(lambda event: self.auth_none(user, event))

    def try_key(self, user: str, key: paramiko.PKey) -> Attempt:
        """Prove to have a private key; SSHException also where it cannot sign."""
        return self._attempt(lambda event: self.auth_publickey(user, key, event))

    def try_password(self, user: str, password: str) -> Attempt:
        """Send a password."""
        try:
            return self._attempt(lambda event: self.auth_password(user, password, event))
        finally:
            self.password = None  # paramiko would keep it for as long as the connection lasts

    def try_questions(self, user: str, ask: Ask) -> Attempt:
        """Let the server ask, perhaps several times."""
        return self._attempt(lambda event: self.auth_interactive(user, None, event), ask)

    def is_welcome(self, user: str, key_type: str, blob: bytes) -> bool:
        """Ask whether a proof for this public key would do (RFC 4252, section 7)."""

        def request(event: _News) -> None:
            self.auth_event, self.auth_method, self.username = event, "publickey", user
            message = paramiko.Message()
            message.add_byte(cMSG_USERAUTH_REQUEST)
            for text in (user, "ssh-connection", "publickey"):
                message.add_string(text)
            message.add_boolean(False)
            message.add_string(self._finalize_pubkey_algorithm(key_type))
            message.add_string(blob)
            self.transport._send_message(message)

        self._welcome = False
        self._attempt(request)
        return self._welcome

    def _attempt(self, request: Callable[[_News], object], ask: Ask | None = None) -> Attempt:
        self._news = news = _News()
        self.authenticated = self._partial = False
        request(news)
        while self.transport.is_active() and (asked := news.get()) is not None:
            self._answer(ask(asked.instructions, asked.prompts) if ask else ())
        error = self.transport.get_exception()
        if self.authenticated:
            return Attempt.ACCEPTED
        if not self.transport.is_active():
            raise error or EOFError("the connection was closed during the login")
        return Attempt.PARTIAL if self._partial else Attempt.REFUSED

    def _answer(self, answers: Sequence[str]) -> None:
        message = paramiko.Message()
        message.add_byte(cMSG_USERAUTH_INFO_RESPONSE)
        message.add_int(len(answers))
        for answer in answers:
            message.add_string(answer)
        self.transport._send_message(message)

    # What paramiko calls

    def _request_auth(self) -> None:
        if not self._service_accepted:
            super()._request_auth()
            return
        accepted = paramiko.Message()
        accepted.add_string("ssh-userauth")
        accepted.rewind()
        self._parse_service_accept(accepted)

    def _parse_service_accept(self, m: paramiko.Message) -> None:
        self._service_accepted = True
        super()._parse_service_accept(m)

    def _parse_userauth_failure(self, m: paramiko.Message) -> None:
        self.methods, self._partial = m.get_list(), m.get_boolean()
        m.rewind()
        super()._parse_userauth_failure(m)

    def _parse_userauth_info_request(self, m: paramiko.Message) -> None:
        # The number of this message stands for PK_OK and PASSWD_CHANGEREQ too (RFC 4252).
        if self.auth_method == "publickey":
            self._welcome = True
        elif self.auth_method == "password":
            self.expired = m.get_text() or "The password has expired."
        if self.auth_method != "keyboard-interactive":
            self._news.set()
            return
        title, instructions = m.get_text(), m.get_text()
        m.get_binary()  # a language
        count = m.get_int()
        if count > MOST_PROMPTS:  # paramiko reads on past the end of a message
            raise SSHException(f"the server asks {count} questions at once")
        prompts = tuple((m.get_text(), m.get_boolean()) for _ in range(count))
        said = "\n".join(part for part in (title, instructions) if part)
        self._news.put(_Round(said, prompts))
