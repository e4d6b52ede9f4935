"""Which algorithms a host's settings allow, of those that a library has, and which it lacks."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sshpyk_core.errors import ConnectError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.types import Finding

__all__ = ["Algorithms", "Allowed", "allowed", "lacking"]


@dataclass(frozen=True)
class Allowed:
    """The algorithms for one purpose.

    Attributes:
        keyword: of ssh_config(5), such as ``Ciphers``.
        offered: those to offer, best first.
        dropped: those that the configuration names and the library lacks.
    """

    keyword: str
    offered: tuple[str, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class Algorithms:
    """What to offer a host, for each purpose."""

    ciphers: Allowed
    macs: Allowed
    kex: Allowed
    host_keys: Allowed


def lacking(
    settings: HostSettings,
    usual: HostSettings,
    choose: Callable[[HostSettings], Algorithms],
    library: str,
) -> Iterator[Finding]:
    """Tell what the configuration names and the library lacks; an error where nothing is left.

    Args:
        settings: of the host.
        usual: what holds without any configuration.
        choose: chooses what to offer a host.
        library: its name.
    """
    try:
        chosen = choose(settings)
    except ConnectError as error:
        yield Finding("error", f"{settings.alias}: {error.answer}", error.fix)
        return
    for each in (chosen.ciphers, chosen.macs, chosen.kex, chosen.host_keys):
        if each.dropped and settings.get(each.keyword) != usual.get(each.keyword):
            missing = ", ".join(each.dropped)
            cause = f"{settings.alias}: {each.keyword}: {library} has no {missing}"
            fix = f"It offers {', '.join(each.offered)}; see whether the server takes one of them."
            yield Finding("info", cause, fix)


def allowed(
    settings: HostSettings, keyword: str, library: str, has: Iterable[str], usual: Sequence[str]
) -> Allowed:
    """Choose from what the configuration lists; ``+``, ``-`` and ``^`` change the usual list.

    Args:
        settings: of the host.
        keyword: of ssh_config(5), such as ``Ciphers``.
        library: its name, for the error.
        has: all that it can do.
        usual: what to offer when nothing is configured, best first.

    Raises:
        ConnectError: none is left.
    """
    wanted = _wanted(settings.words(keyword), list(usual))
    can = set(has)
    offered = tuple(dict.fromkeys(name for name in wanted if name in can))
    dropped = tuple(name for name in wanted if name not in can)
    if offered:
        return Allowed(keyword, offered, dropped)
    said = f"of the {keyword} {', '.join(wanted)} {library} has none"
    fix = (
        f"Let {keyword} in the ssh configuration allow one of {', '.join(usual)}, or use another"
        ' transport: `"transport": "openssh"`.'
    )
    raise ConnectError(settings.alias, "choose algorithms", said, fix)


def _wanted(given: list[str], usual: list[str]) -> list[str]:
    if not given:
        return usual
    sign = given[0][0]
    if sign not in "+-^":
        return given
    given[0] = given[0][1:]
    if sign == "-":
        return [u for u in usual if not any(fnmatch.fnmatchcase(u, each) for each in given)]
    others = [name for name in usual if name not in given]
    return [*others, *given] if sign == "+" else [*given, *others]
