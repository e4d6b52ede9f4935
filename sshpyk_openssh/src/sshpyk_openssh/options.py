"""``transport_options`` of a kernel spec <-> a frozen value; unknown options are errors."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from sshpyk_core.errors import ConfigError

__all__ = ["Options", "parse"]

Multiplex = Literal["auto", "own", "never"]


@dataclass(frozen=True)
class Options:
    """What a kernel spec may ask of this transport.

    Attributes:
        multiplex: ``auto`` uses the user's open control master, else one of our own; ``own`` never
            uses the user's; ``never`` makes one connection for each command, which is also what
            ``auto`` means where ssh has no control master (Windows).
        verbose: 0 to 3, how many ``-v`` ssh gets; what it says goes to the log at debug level.
        options: further settings of ssh_config(5), as ``-o Key=value`` on every command line.
    """

    multiplex: Multiplex = "auto"
    verbose: int = 0
    options: tuple[tuple[str, str], ...] = ()

    @property
    def arguments(self) -> list[str]:
        """The further settings as arguments of ssh."""
        return [word for key, value in self.options for word in ("-o", f"{key}={value}")]


def parse(raw: Mapping[str, Any]) -> Options:
    """Check the options of a kernel spec.

    Raises:
        ConfigError: an option is unknown (the nearest known one is named) or has a wrong value.
    """
    known = [field.name for field in fields(Options)]
    for name in raw:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise ConfigError(f"the openssh transport has no option {name!r}: {hint}")
    return Options(
        multiplex=_multiplex(raw.get("multiplex", "auto")),
        verbose=_verbose(raw.get("verbose", 0)),
        options=_settings(raw.get("options", {})),
    )


def _multiplex(value: object) -> Multiplex:
    if value == "auto":
        return "auto"
    if value == "own":
        return "own"
    if value == "never":
        return "never"
    raise ConfigError(f"option 'multiplex' must be 'auto', 'own' or 'never', not {value!r}")


def _verbose(value: object) -> int:
    if isinstance(value, int) and 0 <= value <= 3:
        return int(value)
    raise ConfigError(f"option 'verbose' must be a number from 0 to 3, not {value!r}")


def _settings(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"option 'options' must map ssh settings to values, not be {value!r}")
    return tuple((_keyword(key), _value(key, setting)) for key, setting in value.items())


def _keyword(key: object) -> str:
    if isinstance(key, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", key):
        return key
    raise ConfigError(f"option 'options': {key!r} is not a keyword of ssh_config(5)")


def _value(key: object, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (str, int)) and str(value).isprintable() and str(value):
        return str(value)
    raise ConfigError(f"option 'options': {key} cannot have the value {value!r}")
