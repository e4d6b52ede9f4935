"""The IDs of kernels: as much of the supervisor's name as tells it from the others."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

import click

__all__ = ["SHORTEST", "WantedId", "short_ids", "wanted_id"]

SHORTEST = 8
"""Digits that an ID is shown with at least."""

_ID = re.compile(r"[0-9a-f]{1,32}")


@dataclass(frozen=True)
class WantedId:
    """What a command line says: the beginning of a name, and the host if it is known."""

    prefix: str
    host: str | None = None

    def __str__(self) -> str:
        """As it is typed."""
        return f"{self.host}:{self.prefix}" if self.host else self.prefix


def wanted_id(word: str) -> WantedId:
    """Read ``ID`` or ``HOST:ID``; a click type.

    Raises:
        BadParameter: it is neither.
    """
    host, _, prefix = word.rpartition(":")
    if not _ID.fullmatch(prefix.lower()):
        raise click.BadParameter(f"{word!r} is no ID; `sshpyk ps` shows those that there are.")
    return WantedId(prefix.lower(), host or None)


def short_ids(names: Iterable[str]) -> dict[str, str]:
    """Give each name its shortest beginning that no other has, of 8 characters at least."""
    every = sorted(set(names))
    shared = [0, *(_common(*pair) for pair in itertools.pairwise(every)), 0]
    return {
        name: name[: max(SHORTEST, 1 + shared[place], 1 + shared[place + 1])]
        for place, name in enumerate(every)
    }


def _common(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
