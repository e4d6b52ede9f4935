"""The kinds of value that a kernel spec's ``config`` stanza can hold: what each allows."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sshpyk_core.errors import ConfigError
from sshpyk_core.port_forward import FORMS, PortForward
from sshpyk_core.ssh_config import validate_alias
from sshpyk_core.timers import LONGEST_PING

__all__ = [
    "ALIAS",
    "BYTES",
    "CHANNELS",
    "ENVIRONMENT",
    "FLAG",
    "FORWARDS",
    "KERNEL_NAME",
    "LOCAL_FILE",
    "OPTIONS",
    "PING",
    "PROGRAM",
    "PYTHON",
    "REMOTE_DIRECTORY",
    "SECONDS",
    "TEXT",
    "TRANSPORT",
    "VERBOSITY",
    "Kind",
]


@dataclass(frozen=True)
class Kind:
    """One kind of value.

    Attributes:
        allowed: what it must be, as a phrase after "must be".
        parse: takes the JSON value and returns ours; raises ValueError, with a text where the
            phrase and the value do not say enough or the value may be secret.
    """

    allowed: str
    parse: Callable[[object], Any]


def _is_plain(text: str) -> bool:
    return not any(character in text for character in "\0\n\r")


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not _is_plain(value):
        raise ValueError
    return value


def _matching(pattern: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if not re.fullmatch(pattern, _text(value)):
            raise ValueError
        return str(value)

    return parse


def _one_of(words: Mapping[str, Any]) -> Callable[[object], Any]:
    def parse(value: object) -> Any:
        if not isinstance(value, str) or value not in words:
            raise ValueError
        return words[value]

    return parse


def _alias(value: object) -> str:
    alias = _text(value)
    try:
        validate_alias(alias)
    except ConfigError as error:
        raise ValueError(str(error)) from error
    return alias


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError
    if not (math.isfinite(value) and value > 0):
        raise ValueError
    return value


def _ping(value: object) -> float:
    seconds = _seconds(value)
    if seconds > LONGEST_PING:
        raise ValueError
    return seconds


def _bytes(value: object) -> int:
    size = _seconds(value)
    if size != int(size):
        raise ValueError
    return int(size)


def _program(value: object) -> str:
    name = os.path.expanduser(_text(value))
    if name.startswith("-"):
        raise ValueError
    return name


def _local_file(value: object) -> str:
    path = os.path.abspath(os.path.expanduser(_text(value)))
    if not os.path.isfile(path):
        raise ValueError(f"there is no file {path}")
    return path


def _environment(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError
    for name, text in value.items():
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError(f"{name!r} is not the name of a variable")
        if not isinstance(text, str) or not _is_plain(text):
            raise ValueError(f"the value of {name} must be a string on one line")
    return dict(value)


def _options(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError
    for name, option in value.items():
        if not isinstance(name, str):
            raise ValueError(f"{name!r} is not the name of an option")
        if not all(_is_plain(text) for text in _strings(option)):
            raise ValueError(f"the option {name!r} holds a line break or a NUL")
    return dict(value)


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for pair in value.items() for each in pair for text in _strings(each)]
    if isinstance(value, list | tuple):
        return [text for each in value for text in _strings(each)]
    return []


def _forwards(value: object) -> tuple[str | int, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError
    for each in value:
        if isinstance(each, bool) or not isinstance(each, str | int):
            raise ValueError(f"{each!r:.100} is neither a string nor a whole number")
    wanted = [PortForward.parse(str(each)).local for each in value]
    for local in filter(None, wanted):
        if wanted.count(local) > 1:
            raise ValueError(f"the port {local} here is wanted twice")
    return tuple(value)


ALIAS = Kind("a host alias that ssh can use, or user@host", _alias)
TEXT = Kind("a string on one line", _text)
FLAG = Kind("true or false", _flag)
SECONDS = Kind("a number of seconds above 0", _seconds)
PING = Kind(f"a number of seconds above 0, at most {LONGEST_PING:g}", _ping)
BYTES = Kind("a whole number of bytes above 0", _bytes)
TRANSPORT = Kind("the name of a transport", _matching(r"[A-Za-z0-9][A-Za-z0-9._-]*"))
KERNEL_NAME = Kind(
    "a kernel name: letters, digits, '.', '_' and '-', not starting with '-'",
    _matching(r"(?!-)[A-Za-z0-9._-]+"),
)
PYTHON = Kind(
    "'auto', an absolute path, a path from '~/' or the name of a program",
    _matching(r"(/|~/).+|[A-Za-z0-9_][A-Za-z0-9._+-]*"),
)
REMOTE_DIRECTORY = Kind("an absolute path or one from '~/'", _matching(r"(/|~/).*"))
CHANNELS = Kind("'relay' or 'forward'", _one_of({"relay": "relay", "forward": "forward"}))
FORWARDS = Kind(f"a list of ports, each as {FORMS}", _forwards)
VERBOSITY = Kind("'v', 'vv', 'vvv' or null", _one_of({"v": 1, "vv": 2, "vvv": 3}))
PROGRAM = Kind("a path on this machine, or the name of a program", _program)
LOCAL_FILE = Kind("the path of a file on this machine", _local_file)
ENVIRONMENT = Kind("an object that maps names of variables to strings", _environment)
OPTIONS = Kind("an object", _options)
