"""Known hosts files: which keys a host is known by (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).

Names are compared as ssh compares them: hashed ones, patterns with ``*`` and ``?``, negated ones
with ``!``, and ``[host]:port`` where the port is not 22. What is revoked wins over all else.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from sshpyk_core.transport_kit.host_keys.host_key import HostKey
from sshpyk_core.transport_kit.patterns import matches

__all__ = ["AUTHORITY", "REVOKED", "HostKey", "KnownHosts", "KnownKey", "Verdict", "hash_name"]

log = logging.getLogger(__name__)

REVOKED = "@revoked"
AUTHORITY = "@cert-authority"

# A key of type ssh-rsa signs with these (RFC 8332); its own name stands for SHA-1, which is broken.
_RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")
_SALT_BYTES = 20


class Verdict(Enum):
    """What the known hosts files say of a host's key."""

    TRUSTED = "trusted"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


@dataclass(frozen=True)
class KnownKey:
    """One line of a known hosts file.

    Attributes:
        names: what the line says of names: one that is hashed, or patterns between commas.
        key: the key.
        marker: empty, ``@revoked`` or ``@cert-authority``.
        file: the file's path.
        line: the number of the line, from 1.
    """

    names: str
    key: HostKey
    marker: str = ""
    file: str = ""
    line: int = 0

    def matches(self, name: str) -> bool:
        """Tell whether the line is about a host: a name, or ``[name]:port``."""
        name = name.lower()
        if self.names.startswith("|"):
            return _matches_hash(self.names, name)
        return matches(name, self.names.lower().split(","))

    def __str__(self) -> str:
        """The key and where it stands."""
        return f"{self.key} ({self.file} line {self.line})"


@dataclass(frozen=True)
class KnownHosts:
    """What several known hosts files say together; all of them count, in order."""

    keys: tuple[KnownKey, ...] = ()

    @classmethod
    def read(cls, files: Sequence[str]) -> KnownHosts:
        """Read files; one that cannot be read and a line that is wrong are passed over."""
        keys: list[KnownKey] = []
        for file in files:
            try:
                with open(file, "rb") as stream:
                    text = stream.read().decode("utf-8", "surrogateescape")
            except OSError as error:
                log.debug("known hosts file %s: %s", file, error.strerror)
                continue
            keys += _parse(file, text)
        return cls(tuple(keys))

    def about(self, name: str, marker: str = "") -> list[KnownKey]:
        """Return the lines about a host, in order."""
        return [key for key in self.keys if key.marker == marker and key.matches(name)]

    def trusted(self, name: str) -> list[HostKey]:
        """Return the keys that a host is known by."""
        return [known.key for known in self.about(name)]

    def authorities(self, name: str) -> list[HostKey]:
        """Return the keys of those who may certify a host's key."""
        return [known.key for known in self.about(name, AUTHORITY)]

    def revoked(self, name: str) -> list[HostKey]:
        """Return the keys that must not be accepted, neither from a host nor as an authority."""
        return [known.key for known in self.about(name, REVOKED)]

    def judge(self, name: str, key: HostKey) -> Verdict:
        """Say what is known of a host's plain key.

        As with ssh, a key of another type than the known ones means that the host has changed.
        """
        if key in self.revoked(name):
            return Verdict.REVOKED
        trusted = self.trusted(name)
        if key in trusted:
            return Verdict.TRUSTED
        return Verdict.CHANGED if trusted else Verdict.UNKNOWN

    def judge_authority(self, name: str, key: HostKey) -> Verdict:
        """Say whether the key that signed a host's certificate may do so; never CHANGED."""
        if key in self.revoked(name):
            return Verdict.REVOKED
        return Verdict.TRUSTED if key in self.authorities(name) else Verdict.UNKNOWN

    def algorithms(self, name: str) -> list[str]:
        """Return the host key algorithms for the keys that a host is known by, in order.

        A client puts these first in the key exchange, or a server with several keys shows one that
        is not known. A key of type ``ssh-rsa`` gives the algorithms of RFC 8332.
        """
        types = dict.fromkeys(key.algorithm for key in self.trusted(name))
        return [one for each in types for one in _signatures(each)]


def hash_name(name: str, salt: bytes) -> str:
    """Return a name as a hashed line has it; the salt has 20 bytes."""
    digest = hmac.new(salt, name.lower().encode("utf-8", "surrogateescape"), "sha1").digest()
    return "|1|" + "|".join(base64.b64encode(part).decode("ascii") for part in (salt, digest))


def _parse(file: str, text: str) -> Iterator[KnownKey]:
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip(" \t\r")
        if not stripped or stripped.startswith("#"):
            continue
        try:
            yield _known_key(stripped, file, number)
        except ValueError as error:
            log.debug("known hosts file %s, line %d: %s", file, number, error)


def _known_key(text: str, file: str, number: int) -> KnownKey:
    marker = ""
    if text.startswith("@"):
        marker, _, text = text.replace("\t", " ").partition(" ")
        if marker not in (REVOKED, AUTHORITY):
            raise ValueError(f"there is no marker {marker}")
    words = text.split(maxsplit=1)
    if len(words) < 2:
        raise ValueError("the line has no key")
    return KnownKey(words[0], HostKey.from_line(words[1]), marker, file, number)


def _matches_hash(hashed: str, name: str) -> bool:
    parts = hashed.split("|")
    if len(parts) != 4 or parts[1] != "1":
        return False
    try:
        salt = base64.b64decode(parts[2], validate=True)
    except binascii.Error:
        return False
    return len(salt) == _SALT_BYTES and hash_name(name, salt) == hashed


def _signatures(algorithm: str) -> tuple[str, ...]:
    return _RSA_SIGNATURES if algorithm == "ssh-rsa" else (algorithm,)
