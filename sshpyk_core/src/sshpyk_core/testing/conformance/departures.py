"""No standard test is left out in silence: each that is has a reason, in ``departures``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

__all__ = ["settle", "verify", "verify_marks"]

_LETS_OFF = ("skip", "skipif", "xfail")


def settle(suite: type, standard: Mapping[str, object], departures: Mapping[str, str]) -> None:
    """Let a new class of tests skip what it departs from.

    Args:
        suite: the class.
        standard: every standard test by its name.
        departures: a reason for each standard test that the class does not keep to.

    Raises:
        TypeError: a reason is for no test, or is none.
    """
    unknown = sorted(set(departures) - set(standard))
    if unknown:
        raise TypeError(f"{suite.__name__}: departures names no standard test: {unknown}")
    for name, reason in departures.items():
        if not isinstance(reason, str) or not reason.strip():
            raise TypeError(f"{suite.__name__}: departures gives no reason for {name}")
        if getattr(suite, name, None) in (None, standard[name]):
            setattr(suite, name, _skipped(name, reason))


def verify(suite: type, standard: Mapping[str, object], departures: Mapping[str, str]) -> None:
    """Make sure that every standard test is there as it is, or has a reason not to be.

    Raises:
        TypeError: names the tests that are not.
    """
    for name, test in standard.items():
        if getattr(suite, name, None) is not test and name not in departures:
            raise TypeError(
                f"{suite.__name__}: the standard test {name} is deleted or replaced without a "
                f'reason\nFix: keep it, or say why not: departures = {{"{name}": "..."}}'
            )


def verify_marks(item: pytest.Item, name: str, departures: Mapping[str, str]) -> None:
    """Make sure that no mark lets a standard test off that has no reason to be.

    Args:
        item: the test as pytest runs it, with the marks of its class and module.
        name: of the standard test.
        departures: a reason for each standard test that the class does not keep to.

    Raises:
        TypeError: names the test and the mark.
    """
    marks = [mark.name for mark in item.iter_markers() if mark.name in _LETS_OFF]
    if marks and name not in departures:
        raise TypeError(
            f"{item.nodeid}: the mark {marks[0]} lets a standard test off without a reason\n"
            f'Fix: drop it, or say why: departures = {{"{name}": "..."}}'
        )


def _skipped(name: str, reason: str) -> Callable[[Any], None]:
    def departed(self: Any) -> None:
        pytest.skip(f"departure: {reason}")

    departed.__name__ = name
    departed.__doc__ = f"Departed from: {reason}"
    return departed
