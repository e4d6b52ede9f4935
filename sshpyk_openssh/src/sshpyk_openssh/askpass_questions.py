"""What ssh means by a question: the one place that reads its wording.

ssh gives a question to SSH_ASKPASS as one text, which OpenSSH does not translate; only a few come
with a hint in SSH_ASKPASS_PROMPT. The texts are those of sshconnect.c and sshconnect2.c. What is
not known here is a ``code``, which is never remembered; so is a "one-time password".
"""

from __future__ import annotations

import re

from sshpyk_core.types import Question

__all__ = ["account_in", "is_password", "to_question"]

# `password` itself, and what PAM asks by keyboard-interactive: ssh says for whom since 8.5.
_PASSWORD = re.compile(
    r"(?:(?P<account>\S+@\S+)'s password|\((?P<asked>\S+@\S+)\) password(?: for \S+)?|password): ?",
    re.IGNORECASE,
)
_PASSPHRASE = re.compile(r"Enter passphrase for key ['\"](?P<key>.+)['\"]: ?")
_HOST_KEY = re.compile(r"\(yes/no|^Please type 'yes'")


def is_password(text: str) -> bool:
    """Tell whether ssh asks for an account's password."""
    return _PASSWORD.fullmatch(text) is not None


def account_in(text: str) -> str | None:
    """Return the ``user@host`` that ssh names in a question for a password."""
    match = _PASSWORD.fullmatch(text)
    return match and (match["account"] or match["asked"])


def to_question(text: str, hint: str, account: str, *, marks_servers_words: bool) -> Question:
    """Say what ssh asks.

    Args:
        text: the question in the words of ssh.
        hint: SSH_ASKPASS_PROMPT.
        account: ``user@host:port`` that a password would be for; empty where that is not known.
        marks_servers_words: this ssh puts an account before what a server asks, so that a server
            cannot ask in the words of ssh for the passphrase of a key.
    """
    if hint == "confirm":
        return Question("confirm", text, secret=False)
    if is_password(text):
        return Question("password", text, account)
    if match := _PASSPHRASE.fullmatch(text):
        return Question("passphrase", text, match["key"] if marks_servers_words else "")
    if _HOST_KEY.search(text):
        return Question("host key", text, secret=False)
    return Question("code", text)
