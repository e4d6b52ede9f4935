"""How clients of the embedded server prove who they are: by key, password, or answers.

Everything here runs on one event loop, that of the embedded server.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import asyncssh

__all__ = ["LoginServer", "LoginSettings", "Logins"]

# As sshd has it (sshd_config(5), MaxAuthTries).
MAX_TRIES = 6


@dataclass(frozen=True)
class LoginSettings:
    """The methods that are offered; each of them is enough by itself.

    Attributes:
        password: lets in by the method ``password`` (RFC 4252, section 8); None offers it not.
        questions: prompts with their right answers, asked all at once and hidden, by the method
            ``keyboard-interactive`` (RFC 4256); none offers it not.
        allow_key: offer the method ``publickey``.
    """

    password: str | None = field(default=None, repr=False)
    questions: Sequence[tuple[str, str]] = field(default=(), repr=False)
    allow_key: bool = True


class Logins:
    """What one server saw of its clients' attempts.

    Attributes:
        settings: as given.
        connections: how many connections have come so far, logged in or not.
        refused: how many wrong passwords and wrong sets of answers have come so far.
    """

    def __init__(self, settings: LoginSettings) -> None:
        """Start at nought."""
        self.settings = settings
        self.connections = 0
        self.refused = 0

    def change_password(self, password: str) -> None:
        """Judge by another password from now on."""
        self.settings = replace(self.settings, password=password)


class LoginServer(asyncssh.SSHServer):
    """Judge the attempts of one connection, and end it after six; keys are judged by asyncssh."""

    def __init__(self, logins: Logins) -> None:
        """Count in ``logins``."""
        self._logins = logins
        self._tries = 0
        logins.connections += 1

    def password_auth_supported(self) -> bool:
        """Offer passwords where there is one."""
        return self._logins.settings.password is not None

    def validate_password(self, username: str, password: str) -> bool:
        """Judge a password."""
        return self._judged(password, self._logins.settings.password or "")

    def kbdint_auth_supported(self) -> bool:
        """Offer questions where there are some."""
        return bool(self._logins.settings.questions)

    def get_kbdint_challenge(
        self, username: str, lang: str, submethods: str
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        """Ask all questions at once, hidden."""
        prompts = [(prompt, False) for prompt, _ in self._logins.settings.questions]
        return "", "", "", prompts

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        """Judge the answers as one."""
        right = [answer for _, answer in self._logins.settings.questions]
        return self._judged("\n".join(responses), "\n".join(right))

    def _judged(self, given: str, right: str) -> bool:
        fits = hmac.compare_digest(given.encode(), right.encode())
        if not fits:
            self._logins.refused += 1
            self._tries += 1
            if self._tries == MAX_TRIES:
                raise asyncssh.PermissionDenied("Too many authentication failures")
        return fits
