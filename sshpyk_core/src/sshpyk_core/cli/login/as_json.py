"""A login and a logout for programs; ``--help`` of the commands documents the objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sshpyk_core.cli.login.logging_in import LoggedIn
from sshpyk_core.cli.login.logging_out import LoggedOut
from sshpyk_core.cli.page import printable

__all__ = ["logins", "logouts"]


def logins(done: Sequence[LoggedIn]) -> dict[str, Any]:
    """Give one JSON object for the logins of a command."""
    return {"lasting": all(each.lasts for each in done), "logins": [_login(each) for each in done]}


def _login(done: LoggedIn) -> dict[str, Any]:
    return {
        "host": done.target.alias,
        "transport": done.target.transport,
        "lasting": done.lasts,
        "kept_open": done.kept is not None,
        "since": done.kept.since if done.kept else None,
        "already": done.already,
        "questions": done.questions,
        "keyring": done.keyring,
        "refusal": printable(done.refusal.answer) if done.refusal else None,
    }


def logouts(done: Sequence[LoggedOut]) -> dict[str, Any]:
    """Give one JSON object for the logouts of a command."""
    told = [
        {
            "host": each.target.alias,
            "transport": each.target.transport,
            "ended": each.ended,
            "forgotten": list(each.forgotten),
            "unsure": each.unsure or None,
        }
        for each in done
    ]
    return {"sure": not any(each.unsure for each in done), "logouts": told}
