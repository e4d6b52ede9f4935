"""``transport_options`` of a kernel spec <-> a frozen dataclass; unknown options are errors.

Each field of the dataclass is an option, made by :func:`option`:

.. code-block:: python

    @dataclass(frozen=True)
    class Options:
        window: int = option(2 << 20, integer(32768, 1 << 30), "bytes in flight per channel")
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Generic, TypeVar

from sshpyk_core.errors import ConfigError

__all__ = [
    "OptionFacts",
    "OptionValueError",
    "Reader",
    "choice",
    "describe",
    "flag",
    "integer",
    "option",
    "parse",
    "text",
    "words",
]

T = TypeVar("T")

_READER = "sshpyk.reader"
_HELP = "sshpyk.help"


@dataclass(frozen=True)
class Reader(Generic[T]):
    """Turns one JSON value into the value of an option.

    Attributes:
        takes: what values it takes, as a phrase for people.
        read: gives the option's value, or raises ValueError, TypeError or LookupError.
    """

    takes: str
    read: Callable[[object], T]


@dataclass(frozen=True)
class OptionFacts:
    """One option, for people.

    Attributes:
        name: as a kernel spec writes it.
        takes: what values it takes.
        default: what it is when the spec says nothing; None for nothing.
        help: what it does.
    """

    name: str
    takes: str
    default: object
    help: str


def option(default: T, reader: Reader[T], help: str) -> T:
    """Make a field of an options dataclass.

    Args:
        default: the value when a kernel spec says nothing; must be immutable.
        reader: what values it takes.
        help: what it does, as a phrase, with its unit.
    """
    return field(default=default, metadata={_READER: reader, _HELP: help})


def choice(*values: str) -> Reader[Any]:
    """Take one of several words."""
    return Reader(" or ".join(repr(value) for value in values), lambda v: values[values.index(v)])


def integer(lowest: int, highest: int) -> Reader[int]:
    """Take a whole number within bounds, both included."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise ValueError(value)
        return value

    return Reader(f"a number from {lowest} to {highest}", read)


def _read_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _read_text(value: object) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError(value)
    return value


def _read_words(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(value)
    return tuple(_read_text(word) for word in value)


flag: Reader[bool] = Reader("true or false", _read_flag)
"""Take true or false."""

text: Reader[Any] = Reader("a text", _read_text)
"""Take a text on one line, not empty; the default may be None."""

words: Reader[tuple[str, ...]] = Reader("a list of texts", _read_words)
"""Take a list of texts."""


def parse(options: type[T], raw: Mapping[str, Any], transport: str) -> T:
    """Check the ``transport_options`` of a kernel spec.

    Args:
        options: the dataclass, its fields made by :func:`option`.
        raw: the JSON values.
        transport: the transport's name, for errors.

    Raises:
        ConfigError: an option is unknown (the nearest known one is named) or has a wrong value.
    """
    readers = {one.name: one.metadata[_READER] for one in fields(options)}  # type: ignore[arg-type]
    values = {}
    for name, value in raw.items():
        if name not in readers:
            near = difflib.get_close_matches(str(name), list(readers), n=1, cutoff=0.4)
            known = f"there are {', '.join(readers)}" if readers else "it has none"
            hint = f"did you mean {near[0]!r}?" if near else known
            raise ConfigError(f"the {transport} transport has no option {name!r}: {hint}")
        try:
            values[name] = readers[name].read(value)
        except (ValueError, TypeError, LookupError) as error:
            wanted = f"option {name!r} must be {readers[name].takes}, not {value!r}"
            said = f": {error}" if isinstance(error, OptionValueError) else ""
            raise ConfigError(f"the {transport} transport: {wanted}{said}") from error
    return options(**values)


class OptionValueError(ValueError):
    """What is wrong with a value, in words for the user, beyond what the option takes."""


def describe(options: type) -> list[OptionFacts]:
    """List the options of a dataclass in their order."""
    return [
        OptionFacts(
            one.name,
            one.metadata[_READER].takes,
            None if one.default in (MISSING, ()) else one.default,
            one.metadata[_HELP],
        )
        for one in fields(options)
    ]
