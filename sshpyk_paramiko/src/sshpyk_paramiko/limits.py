"""What paramiko cannot do for a host, told before it is tried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from paramiko.ssh_exception import SSHException
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.host_keys.known_hosts import KnownHosts
from sshpyk_core.transport_kit.host_keys.trust import known_names
from sshpyk_core.transport_kit.settings.algorithms import lacking
from sshpyk_core.transport_kit.settings.keywords import UNDERSTOOD
from sshpyk_core.types import Finding

from sshpyk_paramiko.algorithms import choose
from sshpyk_paramiko.key_files import NeedsPassphraseError, load_private_key, public_half
from sshpyk_paramiko.login import LOGIN_METHODS, login_methods

__all__ = ["KEPT", "limits"]

KEPT = UNDERSTOOD | {"pubkeyacceptedalgorithms"}
"""The keywords of ssh_config(5) that connections keep to."""

_OTHER = 'Use another transport for this host: `"transport": "openssh"`.'


def limits(
    settings: HostSettings,
    usual: HostSettings,
    known: KnownHosts,
    agent_keys: Sequence[bytes],
) -> Iterator[Finding]:
    """Say which settings of a host are beyond paramiko; reads key files, connects to nothing.

    Args:
        settings: of the target, or of a jump host.
        usual: what holds without any configuration.
        known: what is known of the host's keys.
        agent_keys: the public keys that the agent has.
    """
    yield from _ways_in(settings)
    yield from lacking(settings, usual, choose, "paramiko")
    yield from _authorities(settings, known)
    for path in dict.fromkeys(settings.identity_files):
        yield from _key(settings, path, agent_keys)


def _ways_in(settings: HostSettings) -> Iterator[Finding]:
    if not login_methods(settings):
        preferred = ", ".join(settings.preferred_authentications) or "none of paramiko's methods"
        cause = f"{settings.alias}: the configuration allows {preferred}; paramiko has none of it"
        fix = f"Allow one of {', '.join(LOGIN_METHODS)} (PreferredAuthentications). {_OTHER}"
        yield Finding("error", cause, fix)
        return
    missing = [name for name in settings.preferred_authentications if name not in LOGIN_METHODS]
    if missing:
        cause = f"{settings.alias}: paramiko cannot log in by {', '.join(missing)}"
        yield Finding("info", cause, _OTHER)


def _authorities(settings: HostSettings, known: KnownHosts) -> Iterator[Finding]:
    names = known_names(settings)
    if not any(known.authorities(name) for name in names):
        return
    cause = f"{settings.alias}: paramiko cannot check host certificates (@cert-authority)"
    if any(known.trusted(name) for name in names):
        yield Finding("info", f"{cause}; the plain key that is known is used", _OTHER)
    else:
        scan = f"`ssh-keyscan -p {settings.port} {settings.hostname}`"
        fix = f"Check the plain key that {scan} shows and add it to a known hosts file. {_OTHER}"
        yield Finding("warning", cause, fix)


def _key(settings: HostSettings, path: str, agent_keys: Sequence[bytes]) -> Iterator[Finding]:
    try:
        half = public_half(path)
    except OSError:
        return
    if half is not None and half.blob in agent_keys:
        return
    if half is not None and half.algorithm.startswith("sk-"):
        cause = f"{settings.alias}: paramiko cannot use the FIDO key {path} itself"
        fix = f"Load it into an ssh-agent: `ssh-add {path}`. {_OTHER}"
        yield Finding("warning", cause, fix)
        return
    try:
        load_private_key(path, None)
    except NeedsPassphraseError:
        cause = f"{settings.alias}: the key {path} needs a passphrase"
        yield Finding("info", cause, f"Load it into an ssh-agent: `ssh-add {path}`.")
    except (SSHException, OSError) as error:
        if not path.endswith(".pub"):
            cause = f"{settings.alias}: paramiko cannot use the key {path}: {error}"
            fix = f"Write it anew in OpenSSH's format: `ssh-keygen -p -f {path}`."
            yield Finding("warning", cause, fix)
