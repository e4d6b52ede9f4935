"""Private keys and certificates in files; all of it blocks."""

from __future__ import annotations

import base64
import binascii
import logging

import paramiko
from paramiko.pkey import OPENSSH_AUTH_MAGIC, PublicBlob
from paramiko.ssh_exception import PasswordRequiredException, SSHException
from sshpyk_core.transport_kit.host_keys.host_key import HostKey

__all__ = [
    "NeedsPassphraseError",
    "certificate_in",
    "certified_key",
    "load_private_key",
    "public_half",
]

log = logging.getLogger(__name__)

_CERTIFIED = "-cert-v01@openssh.com"
_READ_CHARACTERS = 256 * 1024


class NeedsPassphraseError(Exception):
    """The key is encrypted, and there was no passphrase or a wrong one."""


def public_half(path: str) -> HostKey | None:
    """Find the public half of a private key without decrypting it; None where it does not show.

    It is in the file itself where that has OpenSSH's format (PROTOCOL.key) or is a public key,
    whose other half an agent has; else in the file beside it.

    Raises:
        OSError: there is no such key.
    """
    text = _read(path)
    for found in (_from_line, _from_private):
        if (key := found(text)) is not None:
            return key
    try:
        return _from_line(_read(f"{path}.pub"))
    except OSError:
        return None


def load_private_key(path: str, passphrase: str | None) -> paramiko.PKey:
    """Load a private key.

    Args:
        path: its file.
        passphrase: what decrypts it; None tries without.

    Raises:
        NeedsPassphraseError: that did not decrypt it.
        SSHException: paramiko cannot use a key of this kind.
        OSError: the file cannot be read.
    """
    problem: Exception = SSHException("there is no kind of key that it could be")
    half = public_half(path)
    for kind in paramiko.key_classes:
        if half is not None and half.algorithm not in kind.identifiers():
            continue
        try:
            return kind.from_private_key_file(path, passphrase)
        except PasswordRequiredException as error:
            raise NeedsPassphraseError(path) from error
        except (SSHException, ValueError, IndexError, TypeError) as error:
            problem = error
    if passphrase is not None:
        raise NeedsPassphraseError(path) from problem
    raise SSHException(f"{path}: {problem}")


def certificate_in(path: str) -> PublicBlob | None:
    """Read a certificate (ssh-keygen(1), CERTIFICATES); None where the file is none."""
    try:
        blob = PublicBlob.from_string(_read(path))
    except OSError:
        return None
    except (ValueError, SSHException, binascii.Error) as error:
        log.debug("%s is not a certificate: %s", path, error)
        return None
    return blob if blob.key_type.endswith(_CERTIFIED) else None


def certified_key(certificate: PublicBlob) -> bytes | None:
    """Return the plain public key that a certificate is about; None: of a kind not known here."""
    plain = certificate.key_type.removesuffix(_CERTIFIED)
    for kind in paramiko.key_classes:
        if plain in kind.identifiers():
            try:
                return bytes(kind(data=certificate.key_blob).asbytes())
            except (SSHException, ValueError):
                return None
    return None


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read(_READ_CHARACTERS)


def _from_line(text: str) -> HostKey | None:
    try:
        return HostKey.from_line(text.strip())
    except ValueError:
        return None


def _from_private(text: str) -> HostKey | None:
    lines = [line.strip() for line in text.strip().splitlines()]
    if not lines or lines[0] != "-----BEGIN OPENSSH PRIVATE KEY-----":
        return None
    try:
        content = base64.b64decode("".join(lines[1:-1]))
        if not content.startswith(OPENSSH_AUTH_MAGIC):
            return None
        message = paramiko.Message(content[len(OPENSSH_AUTH_MAGIC) :])
        for _ in ("cipher", "key derivation", "its options"):
            message.get_binary()
        message.get_int()
        return HostKey.from_blob(message.get_binary())
    except ValueError:
        return None
