"""Which keys the configuration trusts a host by; asks nobody and changes nothing.

Not looked at are KnownHostsCommand and VerifyHostKeyDNS, which mostly make more hosts known,
NoHostAuthenticationForLocalhost, which turns checking off, and CheckHostIP, which asks for a second
entry under the address and is off by default. A RevokedHostKeys file in the binary form of
ssh-keygen(1) is refused, and every host with it.
"""

from __future__ import annotations

import asyncio

from sshpyk_core.errors import HostKeyError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.host_keys.host_key import HostKey
from sshpyk_core.transport_kit.host_keys.known_hosts import KnownHosts, Verdict
from sshpyk_core.transport_kit.host_keys.revoked_keys import revoked_keys

__all__ = ["judge", "judge_authority", "known_algorithms", "known_names", "read_known_hosts"]


async def read_known_hosts(settings: HostSettings) -> KnownHosts:
    """Read the user's and the system's known hosts files and the revoked keys, off the loop.

    Raises:
        HostKeyError: the file of revoked keys (RevokedHostKeys) cannot be read.
    """
    return await asyncio.to_thread(_read, settings)


def judge(settings: HostSettings, known: KnownHosts, key: HostKey) -> Verdict:
    """Say what is known of a plain key under all names of a host; asks and remembers nothing.

    What is not known for ``[host]:port`` is trusted when it is known for ``host``, as ssh does it.
    """
    first, *others = [known.judge(name, key) for name in known_names(settings)]
    if Verdict.REVOKED in others:
        return Verdict.REVOKED
    if first is Verdict.UNKNOWN and Verdict.TRUSTED in others:
        return Verdict.TRUSTED
    return first


def judge_authority(settings: HostSettings, known: KnownHosts, key: HostKey) -> Verdict:
    """Say whether a key may certify this host's keys (``@cert-authority``); never CHANGED.

    The rest of a certificate (principals, validity, signature) is the library's to check. Where
    the authority is UNKNOWN, ssh goes on with the plain key that is in the certificate.
    """
    first, *others = [known.judge_authority(name, key) for name in known_names(settings)]
    return Verdict.REVOKED if Verdict.REVOKED in others else first


def known_algorithms(settings: HostSettings, known: KnownHosts) -> list[str]:
    """Return the host key algorithms that the host is known by, to offer before all others."""
    return next((found for name in known_names(settings) if (found := known.algorithms(name))), [])


def known_names(settings: HostSettings) -> list[str]:
    """Return the host's names in known hosts files: the full one, then the one without the port."""
    name = settings.known_hosts_name
    plain = settings.host_key_alias or settings.hostname
    return list(dict.fromkeys((name, plain)))


def _read(settings: HostSettings) -> KnownHosts:
    files = [*settings.user_known_hosts_files, *settings.global_known_hosts_files]
    known = KnownHosts.read(files)
    file = settings.revoked_host_keys
    if file is None:
        return known
    try:
        return KnownHosts((*known.keys, *revoked_keys(file)))
    except (OSError, ValueError) as error:
        answer = f"RevokedHostKeys {file}: {getattr(error, 'strerror', None) or error}"
        fix = "Without that file no host is trusted: correct the file, or RevokedHostKeys."
        raise HostKeyError(settings.alias, "check its host key", answer, fix) from error
