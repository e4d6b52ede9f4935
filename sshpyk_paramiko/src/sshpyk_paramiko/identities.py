"""Which keys to offer, in the order that ssh has: certificates, the agent's keys, those of files.

Of the agent's keys those that the configuration names come first; with IdentitiesOnly there are no
others (ssh_config(5)).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import paramiko
from paramiko.pkey import PublicBlob
from sshpyk_core.host_settings import HostSettings

from sshpyk_paramiko.agent import AgentKey, with_certificate
from sshpyk_paramiko.algorithms import may_sign
from sshpyk_paramiko.key_files import certificate_in, certified_key, public_half

__all__ = ["Identity", "find_identities"]

log = logging.getLogger(__name__)

_RSA = ("rsa-sha2-512", "rsa-sha2-256")


@dataclass(frozen=True)
class Identity:
    """One way to prove who we are.

    Attributes:
        label: what it is, for people.
        key_type: of what is shown to the server; empty where it is not known yet.
        blob: what is shown to the server: a public key or a certificate; empty likewise.
        agent_key: the key, where an agent has it.
        path: the file of the private key, where no agent has it.
        certificate: what is shown along with the private key of the file.
    """

    label: str
    key_type: str = ""
    blob: bytes = b""
    agent_key: AgentKey | None = None
    path: str = ""
    certificate: PublicBlob | None = None


@dataclass(frozen=True)
class _Named:
    """A private key that the configuration names."""

    path: str
    key_type: str
    blob: bytes


def find_identities(settings: HostSettings, agent_keys: Sequence[AgentKey]) -> list[Identity]:
    """List what may be offered to a host; reads files, and asks for no passphrase.

    Args:
        settings: of the host.
        agent_keys: what its agent has.
    """
    named = list(_named(settings))
    by_blob = {bytes(key.blob): key for key in agent_keys}
    own = dict.fromkeys(key.blob for key in named if key.blob)
    found = list(_certificates(settings, named, by_blob))
    found += [_of_agent(by_blob[blob]) for blob in own if blob in by_blob]
    if not settings.identities_only:
        found += [_of_agent(key) for blob, key in by_blob.items() if blob not in own]
    found += [
        Identity(f"the key {key.path}", key.key_type, key.blob, path=key.path)
        for key in named
        if key.blob not in by_blob and not key.path.endswith(".pub")
    ]
    return [identity for identity in found if _is_accepted(settings, identity)]


def _named(settings: HostSettings) -> Iterable[_Named]:
    for path in dict.fromkeys(settings.identity_files):
        try:
            half = public_half(path)
        except OSError as error:
            log.debug("%s: the key %s is passed over: %s", settings.alias, path, error.strerror)
            continue
        yield _Named(path, half.algorithm if half else "", half.blob if half else b"")


def _certificates(
    settings: HostSettings, named: Sequence[_Named], by_blob: dict[bytes, AgentKey]
) -> Iterable[Identity]:
    """Pair the certificates of the configuration with the private keys that they are about."""
    paths = [*settings.certificate_files, *(f"{key.path}-cert.pub" for key in named)]
    for path in dict.fromkeys(paths):
        certificate = certificate_in(path)
        blob = certified_key(certificate) if certificate else None
        if certificate is None or blob is None:
            continue
        label = f"the certificate {path}"
        kind, shown = certificate.key_type, bytes(certificate.key_blob)
        if blob in by_blob:
            key = with_certificate(by_blob[blob], certificate)
            yield Identity(label, kind, shown, agent_key=key)
            continue
        for key_file in named:
            if key_file.blob == blob and not key_file.path.endswith(".pub"):
                yield Identity(label, kind, shown, path=key_file.path, certificate=certificate)


def _of_agent(key: AgentKey) -> Identity:
    blob = bytes(key.blob)
    kind = paramiko.Message(blob).get_text()
    if "-cert-" in kind:
        key = with_certificate(key, PublicBlob(kind, blob))
    return Identity(f"the agent's key {key.comment or kind}", kind, blob, agent_key=key)


def _is_accepted(settings: HostSettings, identity: Identity) -> bool:
    """Tell whether PubkeyAcceptedAlgorithms and paramiko allow a key."""
    kind = identity.key_type
    if kind.startswith("sk-") and identity.agent_key is None:
        log.info("%s: paramiko cannot use FIDO keys: %s", settings.alias, identity.label)
        return False
    rsa = [f"{name}{kind.removeprefix('ssh-rsa')}" for name in _RSA]
    names = rsa if kind.startswith("ssh-rsa") else [kind]
    return not kind or any(may_sign(settings, name) for name in names)
