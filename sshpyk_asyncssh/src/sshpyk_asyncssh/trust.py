"""Whether to trust a host's key, decided while asyncssh waits, and what remains to be asked."""

from __future__ import annotations

import contextlib

import asyncssh
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.host_keys.host_key import HostKey
from sshpyk_core.transport_kit.host_keys.known_hosts import KnownHosts, Verdict
from sshpyk_core.transport_kit.host_keys.trust import (
    judge,
    judge_authority,
    known_algorithms,
    known_names,
    read_known_hosts,
)

__all__ = ["Trust"]

KeyLists = tuple[list[asyncssh.SSHKey], list[asyncssh.SSHKey], list[asyncssh.SSHKey]]


class Trust:
    """What is known of one host, for all attempts to connect to it.

    asyncssh wants to know at once whether a key is accepted. One that is not known is refused and
    kept in ``unknown``; when somebody has accepted it, the next attempt is told so.

    Attributes:
        settings: of the host.
        certificates: whether certificates of the host are of use.
        unknown: the key that was refused because it is not known to be the host's.
        refused_authority: whether a certificate was refused because of who signed it.
    """

    def __init__(self, settings: HostSettings, known: KnownHosts) -> None:
        """Start with what is known."""
        self.settings = settings
        self.known = known
        names = known_names(settings)
        self.certificates = any(known.authorities(name) for name in names)
        self.unknown: HostKey | None = None
        self.refused_authority = False
        self._accepted: HostKey | None = None

    @classmethod
    async def read(cls, settings: HostSettings) -> Trust:
        """Read the known hosts files.

        Raises:
            HostKeyError: the file of revoked keys cannot be read.
        """
        return cls(settings, await read_known_hosts(settings))

    @property
    def algorithms(self) -> list[str]:
        """The host key algorithms that the host is known by."""
        return known_algorithms(self.settings, self.known)

    @property
    def key_lists(self) -> KeyLists:
        """What asyncssh compares with by itself: keys that are revoked, while it sees certificates.

        Plain keys are decided about in :meth:`accepts` alone. It must not be empty as a whole, or
        asyncssh reads known hosts files of its own choice.
        """
        revoked: list[asyncssh.SSHKey] = []
        for name in known_names(self.settings) if self.certificates else ():
            for key in self.known.revoked(name):
                with contextlib.suppress(asyncssh.KeyImportError):  # then it cannot be shown either
                    line = f"{key.algorithm} {key.base64}"
                    revoked.append(asyncssh.import_public_key(line))
        return [], [], revoked

    def accept(self, key: HostKey) -> None:
        """Trust a key from now on, as somebody said so."""
        self._accepted = key
        self.unknown = None

    def accepts(self, key: HostKey) -> bool:
        """Decide about a plain key."""
        if key == self._accepted or judge(self.settings, self.known, key) is Verdict.TRUSTED:
            return True
        self.unknown = key
        return False

    def accepts_authority(self, key: HostKey) -> bool:
        """Decide about the key that signed a certificate."""
        if judge_authority(self.settings, self.known, key) is Verdict.TRUSTED:
            return True
        self.refused_authority = True
        return False
