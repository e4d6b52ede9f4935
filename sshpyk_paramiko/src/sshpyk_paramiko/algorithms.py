"""Which algorithms to offer: those of the configuration that paramiko has, in a good order."""

from __future__ import annotations

from collections.abc import Sequence

import paramiko
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.patterns import matches
from sshpyk_core.transport_kit.settings.algorithms import Algorithms, Allowed, allowed

__all__ = ["choose", "host_key_order", "may_sign", "unwanted_keys"]

_HAS = paramiko.SecurityOptions(paramiko.Transport)

# As ssh would offer them; without those that paramiko has for servers of long ago.
_USUAL_CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
)
_USUAL_MACS = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha1",
)


def choose(settings: HostSettings) -> Algorithms:
    """Choose what to offer a host.

    Raises:
        ConnectError: paramiko has none of those that the configuration allows.
    """
    return Algorithms(
        ciphers=_ciphers(settings),
        macs=_allowed(settings, "MACs", _HAS.digests, _USUAL_MACS),
        kex=_allowed(settings, "KexAlgorithms", _HAS.kex, _HAS.kex),
        host_keys=_allowed(settings, "HostKeyAlgorithms", _HAS.key_types, _HAS.key_types),
    )


def host_key_order(offered: Sequence[str], known: Sequence[str]) -> list[str]:
    """Put first what the host is known by, or it may show a key that is not known.

    Args:
        offered: host key algorithms, best first.
        known: those that the host is known by.
    """
    return sorted(offered, key=lambda name: name not in known)


def unwanted_keys(settings: HostSettings) -> list[str]:
    """List the algorithms by which keys of ours may not sign."""
    return [name for name in _HAS.key_types if not may_sign(settings, name)]


def may_sign(settings: HostSettings, name: str) -> bool:
    """Tell whether keys of ours may sign by an algorithm (PubkeyAcceptedAlgorithms)."""
    accepted = ",".join(settings.words("PubkeyAcceptedAlgorithms"))
    if accepted.startswith("-"):
        return not matches(name, accepted[1:].split(","))
    return not accepted or accepted[0] in "+^" or matches(name, accepted.split(","))


def _ciphers(settings: HostSettings) -> Allowed:
    found = _allowed(settings, "Ciphers", _HAS.ciphers, _USUAL_CIPHERS)
    if settings.ciphers and settings.ciphers[0] in _HAS.ciphers:
        return found
    # The order is not the user's own, or cannot be kept: then by what is fastest here. Without
    # configuration ssh names chacha20 first, which paramiko has not.
    offered = sorted(found.offered, key=lambda name: "-gcm@" not in name)
    return Allowed(found.keyword, tuple(offered), found.dropped)


def _allowed(
    settings: HostSettings, keyword: str, has: Sequence[str], usual: Sequence[str]
) -> Allowed:
    return allowed(settings, keyword, "paramiko", has, usual)
