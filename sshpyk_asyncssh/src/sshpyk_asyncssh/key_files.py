"""Private keys in files: what can be offered of them without their passphrase, and unlocking."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncssh

__all__ = ["AskPassphrase", "FilePair", "KeyFile", "Lock", "load_certificates", "read_key_file"]

_UNLOCK_TRIES = 3

AskPassphrase = Callable[[str, bool], Awaitable[str | None]]
"""Asks for the passphrase of a key file; the flag says that the one before was wrong."""


@dataclass(frozen=True)
class KeyFile:
    """What is in one private key's file, and beside it.

    Attributes:
        path: as the settings name it.
        private: the file's bytes; None when there is no private key.
        public: the public half, where it can be known without a passphrase.
        certificates: those beside it.
    """

    path: str
    private: bytes | None
    public: asyncssh.SSHKey | None
    certificates: tuple[asyncssh.SSHCertificate, ...]


def read_key_file(path: str) -> KeyFile:
    """Read a private key's file, with ``PATH.pub`` and ``PATH-cert.pub`` beside it; blocks.

    A file that is missing or holds nothing of use gives an empty value, as ssh(1) passes it over.
    """
    content = _read(path)
    private = content if b"PRIVATE KEY" in content else None
    public = _public(content) or _public(_read(f"{path}.pub"))
    return KeyFile(path, private, public, tuple(load_certificates([f"{path}-cert.pub"])))


def load_certificates(paths: Sequence[str]) -> list[asyncssh.SSHCertificate]:
    """Read OpenSSH certificates of users; blocks. Files that hold none are passed over."""
    found = []
    for path in paths:
        try:
            found.append(asyncssh.import_certificate(_read(path)))
        except asyncssh.KeyImportError:
            continue
    return found


class Lock:
    """What stands between a key file and its private key: perhaps a passphrase.

    Attributes:
        failure: why it could not be opened; None when it was, or was not tried.
    """

    def __init__(self, file: KeyFile, ask: AskPassphrase) -> None:
        """Ask nothing yet."""
        self._file = file
        self._ask = ask
        self._key: asyncssh.SSHKey | None = None
        self.failure: ValueError | None = None

    async def open(self) -> asyncssh.SSHKey:
        """Return the private key; what was asked once is not asked again.

        Raises:
            ValueError: the passphrase was not told, or wrong, or the file holds no key.
        """
        if self.failure is not None:
            raise self.failure
        if self._key is None:
            try:
                self._key = await self._unlock(self._file.private or b"")
            except ValueError as error:
                self.failure = error
                raise
        return self._key

    async def _unlock(self, private: bytes) -> asyncssh.SSHKey:
        try:
            return await asyncio.to_thread(asyncssh.import_private_key, private)
        except asyncssh.KeyImportError as error:
            if not str(error).startswith("Passphrase"):
                raise
        for tries in range(_UNLOCK_TRIES):
            passphrase = await self._ask(self._file.path, tries > 0)
            if passphrase is None:
                break
            try:
                return await asyncio.to_thread(asyncssh.import_private_key, private, passphrase)
            except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
                continue
        raise ValueError(f"the passphrase of {self._file.path} is not known")


class FilePair(asyncssh.SSHKeyPair):
    """A private key in a file; it is unlocked only when a server wants a proof."""

    _key_type = "local"

    def __init__(
        self, public: asyncssh.SSHKey, certificate: asyncssh.SSHCertificate | None, lock: Lock
    ) -> None:
        """Offer a public key.

        Args:
            public: the public half.
            certificate: what to offer in its place.
            lock: gives the private half.
        """
        name, algorithms, blob = public.algorithm, public.sig_algorithms, public.public_data
        super().__init__(name, name, algorithms, algorithms, blob, None, certificate)
        self._lock = lock

    async def sign_async(self, data: bytes) -> bytes:
        """Sign with the private key, off the loop.

        Raises:
            ValueError: it cannot be had.
        """
        key = await self._lock.open()
        return await asyncio.to_thread(key.sign, data, self.sig_algorithm)


def _public(content: bytes) -> asyncssh.SSHKey | None:
    try:
        return asyncssh.import_public_key(content)
    except asyncssh.KeyImportError:
        return None


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return b""
