"""Which algorithms to offer a host: those of its settings that asyncssh has, in a good order."""

from __future__ import annotations

from collections.abc import Sequence

from asyncssh.encryption import get_default_encryption_algs, get_encryption_algs
from asyncssh.kex import get_default_kex_algs, get_kex_algs
from asyncssh.mac import get_default_mac_algs, get_mac_algs
from asyncssh.public_key import (
    get_certificate_algs,
    get_default_certificate_algs,
    get_default_public_key_algs,
    get_public_key_algs,
)
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.settings.algorithms import Algorithms, Allowed, allowed

__all__ = ["choose", "host_key_order"]

_FASTEST_CIPHER = "aes128-gcm@openssh.com"
_COUNTER_MODES = ["aes128-ctr", "aes192-ctr", "aes256-ctr"]
_GALOIS_MODES = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"]
# What OpenSSH prints when nobody has configured ciphers: before version 9.9 and since.
_USUAL_OF_SSH = (
    ["chacha20-poly1305@openssh.com", *_COUNTER_MODES, *_GALOIS_MODES],
    ["chacha20-poly1305@openssh.com", *_GALOIS_MODES, *_COUNTER_MODES],
)


def choose(settings: HostSettings) -> Algorithms:
    """Choose what to offer a host.

    Raises:
        ConnectError: asyncssh has none of those that the configuration allows.
    """
    certified = _names(get_default_certificate_algs())
    keys = [*certified, *_names(get_default_public_key_algs())]
    has_keys = [*_names(get_certificate_algs()), *_names(get_public_key_algs())]
    return Algorithms(
        ciphers=_ciphers(settings),
        macs=_allowed(settings, "MACs", _names(get_mac_algs()), _names(get_default_mac_algs())),
        kex=_allowed(
            settings, "KexAlgorithms", _names(get_kex_algs()), _names(get_default_kex_algs())
        ),
        host_keys=_allowed(settings, "HostKeyAlgorithms", has_keys, keys),
    )


def host_key_order(offered: Sequence[str], known: Sequence[str], *, certified: bool) -> list[str]:
    """Put first what the host is known by, or it may show a key that is not known.

    Args:
        offered: host key algorithms, best first.
        known: those that the host is known by.
        certified: whether an authority is known for the host; without one, certificates are of no
            use, and a server that has them is asked for its plain keys.
    """
    certificates = [name for name in offered if is_certificate(name)]
    plain = [name for name in offered if name not in certificates]
    if known:
        plain.sort(key=lambda name: name not in known)
    return [*certificates, *plain] if certified else plain


def is_certificate(name: str) -> bool:
    """Tell whether a host key algorithm is one of certificates."""
    return name.encode() in get_certificate_algs()


def _ciphers(settings: HostSettings) -> Allowed:
    has, usual = _names(get_encryption_algs()), _names(get_default_encryption_algs())
    found = _allowed(settings, "Ciphers", has, usual)
    if settings.ciphers and settings.ciphers not in _USUAL_OF_SSH:
        return found
    # Where both ends have AES instructions it is the fastest of all.
    first = sorted(found.offered, key=lambda name: name != _FASTEST_CIPHER)
    return Allowed(found.keyword, tuple(first), found.dropped)


def _allowed(
    settings: HostSettings, keyword: str, has: Sequence[str], usual: Sequence[str]
) -> Allowed:
    return allowed(settings, keyword, "asyncssh", has, usual)


def _names(algorithms: Sequence[bytes]) -> list[str]:
    return [name.decode("ascii") for name in algorithms]
