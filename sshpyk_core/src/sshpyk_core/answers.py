"""What a bridge answers, checked: the host may be hostile, and what it says ends on a terminal.

Each reader takes what the answer holds at a place and gives it as the type that it has to have;
what does not fit is a LinkError that names the place.
"""

from __future__ import annotations

import asyncio
import math
import reprlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sshpyk_core.errors import (
    LinkError,
    RemoteError,
    SupervisorGoneError,
    SupervisorUnreachableError,
)
from sshpyk_core.link.link import Link

__all__ = ["Reader", "answer_to", "shown"]

T = TypeVar("T")

MOST_TEXT = 4096
"""Characters of one text: as long as a path may be."""

MOST_ITEMS = 2000
"""Items of one list, and keys of one object."""

MOST_DEPTH = 50
"""Levels of an object that is handed on."""

MOST_NUMBER = 2**63
"""Numbers beyond are none that a host can mean."""

HIDING = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of characters that are not seen, or change what is seen. Those that this Python does
not know yet are no such."""

FIX = "The host sends what sshpyk does not: look at what ~/.cache/sshpyk there holds."


def shown(text: str) -> str:
    """Give a text that a terminal bears: what cannot be seen becomes a question mark."""
    return "".join(each if each.isprintable() else "?" for each in text)


@dataclass(frozen=True)
class Reader:
    """A value of an answer, not believed yet.

    Attributes:
        host: the alias, for messages.
        value: as it came.
        place: where in the answer it was.
    """

    host: str
    value: Any
    place: str = "answer"

    def wrong(self, wanted: str) -> LinkError:
        """Give the error that says what it should have been."""
        found = shown(reprlib.repr(self.value)[:80])
        said = f"{shown(self.place)} is to be {wanted}, and is {found}"
        return LinkError(self.host, "read what the bridge said", said, FIX)

    def __getitem__(self, key: str) -> Reader:
        """Give what an object holds by this name; None where it holds nothing."""
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        return Reader(self.host, self.value.get(key), f"{self.place}.{key}"[:200])

    def items(self) -> Iterator[tuple[str, Reader]]:
        """Give the names and values of an object whose names are paths or the like."""
        if not isinstance(self.value, dict) or len(self.value) > MOST_ITEMS:
            raise self.wrong(f"an object of at most {MOST_ITEMS} keys")
        for key in self.value:
            yield Reader(self.host, key, f"a key of {self.place}").plain(), self[key]

    def each(self, read: Callable[[Reader], T]) -> tuple[T, ...]:
        """Read each item of a list."""
        if not isinstance(self.value, list) or len(self.value) > MOST_ITEMS:
            raise self.wrong(f"a list of at most {MOST_ITEMS}")
        place = f"{self.place}[]"[:200]
        return tuple(read(Reader(self.host, item, place)) for item in self.value)

    def maybe(self, read: Callable[[Reader], T]) -> T | None:
        """Read what may be null."""
        return None if self.value is None else read(self)

    def text(self) -> str:
        """Read a text for people: made printable, and bounded."""
        if not isinstance(self.value, str):
            raise self.wrong("a text")
        return shown(self.value[:MOST_TEXT])

    def plain(self) -> str:
        """Read a name or a path, which is used as it is: there is nothing in it to hide."""
        value = self.value
        good = isinstance(value, str) and len(value) <= MOST_TEXT
        if not good or any(unicodedata.category(each) in HIDING for each in value):
            raise self.wrong(f"a text without control characters of at most {MOST_TEXT}")
        return str(value)

    def secret(self) -> str:
        """Read a key or the like: as :meth:`plain`, and no message shows any of it."""
        try:
            return self.plain()
        except LinkError:
            raise Reader(self.host, "not shown", self.place).wrong(
                "a secret that can be used"
            ) from None

    def flag(self) -> bool:
        """Read a bool."""
        if not isinstance(self.value, bool):
            raise self.wrong("true or false")
        return self.value

    def integer(self) -> int:
        """Read an integer."""
        value = self.value
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MOST_NUMBER:
            raise self.wrong("an integer")
        return value

    def number(self) -> float:
        """Read a number that is finite."""
        value = self.value
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.wrong("a number")
        if not math.isfinite(value) or abs(value) > MOST_NUMBER:
            raise self.wrong("a finite number")
        return float(value)

    def document(self) -> Mapping[str, Any]:
        """Read an object that goes into a file as it is, for programs that take strict JSON."""
        if not isinstance(self.value, dict) or not _is_strict(self.value):
            raise self.wrong(f"an object of JSON, at most {MOST_DEPTH} deep")
        return self.value

    def mapping(self) -> Mapping[str, Any]:
        """Read an object that is handed on as it is."""
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        return self.value


def _is_strict(value: object) -> bool:
    """Say whether it is not too deep to be written and holds no NaN, which browsers refuse."""
    level: list[object] = [value]
    for _ in range(MOST_DEPTH):
        if any(isinstance(each, float) and not math.isfinite(each) for each in level):
            return False
        inner: list[Iterable[object]] = [each.values() for each in level if isinstance(each, dict)]
        inner += [each for each in level if isinstance(each, list)]
        level = [item for items in inner for item in items]
    return not level


async def answer_to(link: Link, tried: str, do: str, patience: float, **fields: Any) -> Reader:
    """Ask a bridge for something that it may take long to find out.

    Args:
        link: to the bridge.
        tried: what this is, as a phrase, for messages.
        do: what, in the bridge's words.
        patience: seconds until it is given up.
        fields: what it takes.

    Raises:
        SupervisorGoneError: the supervisor that it is about has ended.
        SupervisorUnreachableError: it runs, but cannot be talked to.
        RemoteError: what the host says; with ``kind``.
        LinkError: there was no answer in time, or one that makes no sense; LinkLostError likewise.
    """
    try:
        answer = await asyncio.wait_for(link.request(do, **fields), patience)
    except asyncio.TimeoutError as error:
        said = f"the host did not answer within {patience:g} s"
        raise LinkError(link.host, tried, said, "Try again when it is less busy.") from error
    except RemoteError as error:
        raise _told(error, tried) from error
    return Reader(link.host, answer)


def _told(error: RemoteError, tried: str) -> RemoteError:
    kind, fix = {
        "gone": (SupervisorGoneError, ""),
        "unreachable": (SupervisorUnreachableError, "If it is stopped, let it go on (kill -CONT)."),
        "busy": (RemoteError, "Try again in a moment."),
        "too-slow": (RemoteError, "Try again when the host is less busy."),
    }.get(error.kind, (RemoteError, ""))
    told = kind(error.host, tried, error.answer, fix)
    told.kind = error.kind
    return told
