"""Forbid hosts, whatever transport would connect to them.

``SSHPYK_FORBIDDEN_HOSTS`` holds patterns such as ``*.prod.example.com db-*``, separated by spaces
or commas; a host is forbidden when its alias, without a user, fits one of them.
"""

from __future__ import annotations

import os
from collections.abc import Coroutine, Generator
from fnmatch import fnmatchcase
from typing import Any

from sshpyk_core.errors import ConnectError
from sshpyk_core.hookspecs import hookimpl
from sshpyk_core.types import Finding, Session, Target

VARIABLE = "SSHPYK_FORBIDDEN_HOSTS"
FIX = f"Ask whoever set {VARIABLE}, or name another host."


@hookimpl(wrapper=True)
def sshpyk_connect(target: Target) -> Generator[None, Coroutine[Any, Any, Session], Any]:
    """Refuse before the transport is even asked: what is raised here takes the place of a result.

    Raises:
        ConnectError: the host is forbidden.
    """
    if pattern := forbidding(target.alias):
        raise ConnectError(target.alias, "connect", refusal(pattern), FIX)
    return (yield)


@hookimpl(wrapper=True)
def sshpyk_diagnose(target: Target) -> Generator[None, Coroutine[Any, Any, list[Finding]], Any]:
    """Answer in the transport's place: its coroutine has not begun yet, and never will."""
    diagnosing = yield
    if pattern := forbidding(target.alias):
        diagnosing.close()
        return refused(pattern)
    return diagnosing


async def refused(pattern: str) -> list[Finding]:
    """Say that there is nothing to diagnose."""
    return [Finding("error", refusal(pattern), FIX)]


def forbidding(alias: str) -> str | None:
    """Give the pattern that forbids a host; None when nothing does."""
    name = alias.rpartition("@")[2].lower()
    patterns = os.environ.get(VARIABLE, "").replace(",", " ").lower().split()
    return next((pattern for pattern in patterns if fnmatchcase(name, pattern)), None)


def refusal(pattern: str) -> str:
    """Name the policy."""
    return f"the policy sshpyk-host-policy forbids hosts like {pattern!r} ({VARIABLE})"
