"""An option that takes further settings of ssh_config(5), which win over the user's files."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sshpyk_core.transport_kit.options import OptionValueError, Reader

__all__ = ["extra_settings"]


def _read(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        raise TypeError(value)
    return tuple((_keyword(key), _value(key, setting)) for key, setting in value.items())


def _keyword(key: object) -> str:
    if isinstance(key, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", key):
        return key
    raise OptionValueError(f"{key!r} is not a keyword of ssh_config(5)")


def _value(key: object, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (str, int)) and str(value).isprintable() and str(value):
        return str(value)
    raise OptionValueError(f"{key} cannot have the value {value!r}")


extra_settings: Reader[tuple[tuple[str, str], ...]] = Reader(
    "a mapping from settings of ssh_config(5) to values", _read
)
"""Take keywords with their values: texts, numbers, or true and false for yes and no."""
