"""Quoting that every login shell reads alike: sh, bash, dash, zsh, csh, tcsh and fish.

An SSH server hands the whole command to the user's login shell, whichever that is. One form is
read alike by all of them: ``exec sh -c '...'`` whose quoted body is one line of plain characters
without a single quote, an exclamation mark (csh expands its history even inside single quotes) or
a backslash (fish reads some even inside single quotes). So a value that is not plain travels as
base64 and is decoded by the ``sh`` inside.
"""

from __future__ import annotations

import base64

__all__ = ["one_line", "quote"]

_FORBIDDEN_IN_BODY = frozenset("'!\\")
_SPECIAL_IN_DOUBLE_QUOTES = frozenset('$"`')


def quote(value: str) -> str:
    """Make one word of sh, for use inside a body that :func:`one_line` wraps.

    The word ends up as exactly ``value``, whatever is in it; a value that is not plain ASCII is
    decoded on the host by ``base64``, from UTF-8.

    Raises:
        ValueError: the value holds a NUL, which no argument can, or ends in a newline, which the
            command substitution of sh would cut off.
    """
    if "\0" in value:
        raise ValueError("a word of a command cannot hold a NUL character")
    if value.endswith("\n"):
        raise ValueError("a word of a command cannot end in a newline")
    if all(_is_plain(char) and char not in _SPECIAL_IN_DOUBLE_QUOTES for char in value):
        return f'"{value}"'
    encoded = base64.b64encode(value.encode("utf-8", "surrogateescape")).decode("ascii")
    return f'"$(echo {encoded} | base64 -d)"'


def one_line(body: str) -> str:
    """Wrap commands of sh into one line that any login shell hands to ``sh`` untouched.

    Args:
        body: commands in POSIX sh, values in it quoted by :func:`quote`.

    Raises:
        ValueError: the body holds a character that some login shell would change.
    """
    if wrong := sorted({char for char in body if not _is_plain(char)}):
        raise ValueError(f"not every login shell would pass on these characters: {wrong}")
    return f"exec sh -c '{body}'"


def _is_plain(char: str) -> bool:
    return " " <= char <= "~" and char not in _FORBIDDEN_IN_BODY
