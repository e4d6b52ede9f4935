"""What a shell offers behind a command when Tab is pressed.

Nothing here may fail or take long, so it reads files and asks no host.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sshpyk_core.kernelspecs import LocalSpec

__all__ = [
    "complete_host",
    "complete_host_or_name",
    "complete_importable",
    "complete_key",
    "complete_name",
    "complete_transport",
]

Completer = Callable[[click.Context, click.Parameter, str], list[str]]


def _completer(words: Callable[[], Iterable[str]]) -> Completer:
    def complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
        try:
            return sorted({word for word in words() if word.startswith(incomplete)})
        except Exception:
            return []

    return complete


def _ours() -> list[LocalSpec]:
    from sshpyk_core.kernelspecs import find_all

    return [spec for spec in find_all() if spec.ours]


def _names(ours: Iterable[LocalSpec]) -> list[str]:
    return [spec.name for spec in ours]


def _aliases(ours: Iterable[LocalSpec]) -> list[str]:
    known = [str(spec.stanza.get("ssh_host_alias", "")) for spec in ours]
    return [*filter(None, known), *hosts_of(Path("~/.ssh/config").expanduser())]


def _names_and_aliases() -> list[str]:
    ours = _ours()
    return [*_names(ours), *_aliases(ours)]


def hosts_of(config: Path) -> list[str]:
    """Give the hosts that an ssh config file and those that it includes name without a pattern."""
    found: list[str] = []
    waiting, seen = [config], set[Path]()
    while waiting:
        file = waiting.pop(0)
        if file in seen or not file.is_file():
            continue
        seen.add(file)
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            keyword, *words = re.split(r"[\s=]+", line.strip())
            if keyword.lower() == "host":
                found += [word for word in words if re.fullmatch(r"[\w.@:%+-]+", word)]
            elif keyword.lower() == "include":
                for word in words:
                    pattern = os.path.join(config.parent, os.path.expanduser(word))
                    waiting += [Path(path) for path in sorted(glob.glob(pattern))]
    return found


def _transports() -> list[str]:
    from importlib.metadata import entry_points

    return [each.name for each in entry_points(group="sshpyk.transports")]


def _importable() -> list[str]:
    from sshpyk_core.cli.importing.plan import plans

    return [plan.spec.name for plan in plans(()) if plan.needed]


def _keys() -> list[str]:
    from sshpyk_core.config import KEYS

    return [key.name for key in KEYS]


complete_importable = _completer(_importable)
"""The kernel specs of other tools that can be made ours."""

complete_key = _completer(_keys)
"""The keys of a kernel spec's ``config``."""

complete_name = _completer(lambda: _names(_ours()))
"""The kernel specs of ours."""

complete_host = _completer(lambda: _aliases(_ours()))
"""The hosts that the ssh configuration or a kernel spec names."""

complete_host_or_name = _completer(_names_and_aliases)
"""Both."""

complete_transport = _completer(_transports)
"""The installed transports."""
