"""Which settings of a host a transport does nothing about, and what people should know of it."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Literal, NamedTuple

from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.settings.keywords import OF_NO_MATTER
from sshpyk_core.types import Finding

__all__ = ["unkept", "unkept_findings"]

_OTHER = 'Use another transport for this host: `"transport": "openssh"`.'
_KNOWN_HOSTS = "Put the host's key into a known hosts file."


class _Meaning(NamedTuple):
    level: Literal["info", "warning"] = "warning"
    what: str = ""
    fix: str = _OTHER


# By how a keyword begins.
_MEANINGS = {
    "bindinterface": _Meaning(
        what="the interface is not chosen", fix="Name its address as BindAddress."
    ),
    "forwardagent": _Meaning("info", "commands on the host have no ssh-agent"),
    # Some systems turn it on for all hosts.
    "gssapi": _Meaning("info", "that login is not tried"),
    "hostbased": _Meaning(what="that login is not tried"),
    "knownhostscommand": _Meaning(what="no host key is asked for there", fix=_KNOWN_HOSTS),
    "pkcs11provider": _Meaning(
        what="keys on that device are not offered",
        fix="Load them into an ssh-agent: `ssh-add -s {value}`.",
    ),
    "verifyhostkeydns": _Meaning(what="no host key is looked up there", fix=_KNOWN_HOSTS),
}


def unkept(settings: HostSettings, usual: HostSettings, kept: Set[str]) -> list[str]:
    """List the keywords that somebody has configured and that a transport does not keep to.

    Args:
        settings: of the host.
        usual: what holds without any configuration.
        kept: the keywords that the transport keeps to; others may be of no matter to anybody.
    """
    silent = kept | OF_NO_MATTER
    keywords = dict.fromkeys(keyword for keyword, _ in settings.entries if keyword not in silent)
    return [each for each in keywords if _turned_on(settings, each) != _turned_on(usual, each)]


def unkept_findings(
    settings: HostSettings, usual: HostSettings, kept: Set[str], library: str
) -> Iterator[Finding]:
    """Tell of these keywords, together where they mean the same.

    Args:
        settings: of the host.
        usual: what holds without any configuration.
        kept: the keywords that the transport keeps to.
        library: what does nothing about the others.
    """
    found: dict[_Meaning, list[str]] = {}
    for keyword in unkept(settings, usual, kept):
        fitting = (each for start, each in _MEANINGS.items() if keyword.startswith(start))
        found.setdefault(next(fitting, _Meaning()), []).append(keyword)
    for meaning, keywords in found.items():
        cause = f"{settings.alias}: {library} does nothing about {', '.join(keywords)}"
        cause += f": {meaning.what}" if meaning.what else ""
        fix = meaning.fix.format(value=settings.get(keywords[0]))
        yield Finding(meaning.level, cause, fix)


def _turned_on(settings: HostSettings, keyword: str) -> list[str]:
    off = ("no", "false", "none")
    return [value for value in settings.all(keyword) if value.lower() not in off]
