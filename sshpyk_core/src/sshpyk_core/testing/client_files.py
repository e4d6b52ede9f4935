"""What a client needs to reach a test server: an entry in a config file, a known hosts line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ClientEntry", "known_hosts_line", "write_private"]


@dataclass(frozen=True)
class ClientEntry:
    """One ``Host`` entry of an ssh_config(5) file, for a server on loopback.

    It names every file that it needs, so that nothing of the user's own is read, and it has host
    keys checked.

    Attributes:
        alias: the host's name.
        port: the server's TCP port.
        user: whom to log in as.
        key: the private key to offer, and the only one.
        known_hosts: the only known hosts file.
        extra: more lines; they come first and so win over the others.
    """

    alias: str
    port: int
    user: str
    key: Path
    known_hosts: Path
    extra: Sequence[str] = ()

    def __str__(self) -> str:
        """The entry as lines of text, with a newline at the end."""
        lines = [
            *self.extra,
            "HostName 127.0.0.1",
            f"Port {self.port}",
            f"User {self.user}",
            f'IdentityFile "{self.key}"',
            "IdentitiesOnly yes",
            "IdentityAgent none",
            f'UserKnownHostsFile "{self.known_hosts}"',
            "GlobalKnownHostsFile /dev/null",
            "StrictHostKeyChecking yes",
        ]
        return "\n    ".join([f"Host {self.alias}", *lines]) + "\n"


def known_hosts_line(port: int, public_key: str) -> str:
    """Give the line that lets a client trust the server on a port of 127.0.0.1.

    Args:
        port: the server's TCP port.
        public_key: as in a ``.pub`` file.
    """
    algorithm, blob = public_key.split()[:2]
    return f"[127.0.0.1]:{port} {algorithm} {blob}\n"


def write_private(path: Path, content: bytes) -> None:
    """Write a new file that nobody but the current user can read at any moment."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
