"""The public half of a host's key, as a value."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
from dataclasses import dataclass, field

__all__ = ["HostKey"]


@dataclass(frozen=True)
class HostKey:
    """The public half of a host's key; equal when the blobs are.

    Attributes:
        algorithm: the key's type, such as ``ssh-ed25519``.
        blob: the key as it travels (RFC 4253, section 6.6); it begins with its type.
    """

    algorithm: str = field(compare=False)
    blob: bytes

    @classmethod
    def from_blob(cls, blob: bytes) -> HostKey:
        """Take the type from the blob itself.

        Raises:
            ValueError: the bytes are not a key.
        """
        size = struct.unpack(">I", blob[:4])[0] if len(blob) >= 4 else 0
        name = blob[4 : 4 + size]
        if not re.fullmatch(rb"[!-~]{1,64}", name) or len(name) != size or len(blob) == 4 + size:
            raise ValueError("the bytes are not a public key")
        return cls(name.decode("ascii"), blob)

    @classmethod
    def from_line(cls, line: str) -> HostKey:
        """Read a key as in a ``.pub`` file: type, base64, perhaps a comment.

        Raises:
            ValueError: the line holds no key, or one of another type than it says.
        """
        words = line.split(maxsplit=2)
        if len(words) < 2:
            raise ValueError("the line holds no public key")
        try:
            key = cls.from_blob(base64.b64decode(words[1], validate=True))
        except binascii.Error as error:
            raise ValueError(f"the key is not base64: {error}") from error
        if key.algorithm != words[0]:
            raise ValueError(f"the line says {words[0]}, the key {key.algorithm}")
        return key

    @property
    def base64(self) -> str:
        """The blob as files write it."""
        return base64.b64encode(self.blob).decode("ascii")

    @property
    def fingerprint(self) -> str:
        """What ssh shows to people: ``SHA256:`` and the digest in base64."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode("ascii")
        return "SHA256:" + digest.rstrip("=")

    def __str__(self) -> str:
        """Type and fingerprint."""
        return f"{self.algorithm} {self.fingerprint}"
