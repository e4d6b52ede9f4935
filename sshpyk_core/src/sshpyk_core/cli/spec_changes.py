"""What is different between two versions of a kernel spec, and how that is told.

The values of environment variables are never told: some are secrets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sshpyk_core.cli.page import Page

__all__ = ["HIDDEN", "Change", "changes_between", "show_changes"]

HIDDEN = "(not shown)"
"""What is told in place of a value that may be secret."""

_WIDEST_LABEL = 27


@dataclass(frozen=True)
class Change:
    """One thing that a kernel spec says otherwise than before.

    Attributes:
        key: of the ``config`` stanza or of the kernel.json; ``env.NAME`` is one variable.
        old: its value as JSON has it; None when it was not there.
        new: the same afterwards.
    """

    key: str
    old: Any
    new: Any


def changes_between(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Compare the contents of two kernel.json files."""
    before, after = dict(_flat(old)), dict(_flat(new))
    keys = [*before, *(key for key in after if key not in before)]
    return [
        _change(key, before.get(key), after.get(key))
        for key in keys
        if before.get(key) != after.get(key)
    ]


def show_changes(page: Page, changes: Sequence[Change]) -> None:
    """Print each change on a line of its own."""
    longest = max((len(each.key) for each in changes), default=0)
    wide = min(longest, _WIDEST_LABEL)
    for each in changes:
        page.row(f"{each.key:{wide}}  ", f"{_told(each.old)} -> {_told(each.new)}")


def _change(key: str, old: Any, new: Any) -> Change:
    if key == "env" or key.startswith("env."):
        return Change(key, old and HIDDEN, new and HIDDEN)
    return Change(key, old, new)


def _told(value: Any) -> str:
    if value is None or value == HIDDEN:
        return value or "not set"
    return json.dumps(value, ensure_ascii=False)


def _flat(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Give what a kernel.json says, key by key; objects of single settings part by part."""
    for key, value in content.items():
        if key != "metadata" or not isinstance(value, Mapping):
            yield from _parts(key, value, {"env"})
            continue
        for name, one in value.items():
            if name == "kernel_provisioner" and isinstance(one, Mapping):
                yield from _provisioner(one)
            else:
                yield f"metadata.{name}", one


def _provisioner(stanza: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in stanza.items():
        if key == "config" and isinstance(value, Mapping):
            for name, one in value.items():
                yield from _parts(name, one, {"env", "transport_options"})
        elif key != "config" or value:
            yield key, value


def _parts(key: str, value: Any, divided: set[str]) -> Iterator[tuple[str, Any]]:
    if key in divided and isinstance(value, Mapping):
        for name, one in value.items():
            # An empty text is a value, not the absence of one.
            yield f"{key}.{name}", one if key != "env" else f"={one}"
    else:
        yield key, value
