"""What a client needs to reach a test server: a config file, keys, known hosts; right or spoilt."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ClientEntry", "ClientFiles", "hashed_name", "known_hosts_line", "write_private"]


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


class ClientFiles:
    """The files that a client of one server reads, and ways to spoil them.

    Args:
        directory: where they are written.
        alias: the host's name in the config file.
        user: whom to log in as.
        extra: lines of the alias' entry; they win over the ones that are always there.
        make_key: makes a private key, which nobody else has, at a path; gives its public half.

    Attributes:
        ssh_config: the config file, for ``ssh -F``.
        known_hosts: the only known hosts file that the entry names.
        key: the private key that the server lets in; whoever makes this object puts it there.
    """

    def __init__(
        self,
        directory: Path,
        alias: str,
        user: str,
        extra: Sequence[str],
        make_key: Callable[[Path], str],
    ) -> None:
        """Keep the parts; nothing is written before ``point_to``."""
        self.directory = directory
        self.alias = alias
        self.user = user
        self.key = directory / "user_key"
        self.ssh_config = directory / "ssh_config"
        self.known_hosts = directory / "known_hosts"
        self._extra = tuple(extra)
        self._make_key = make_key
        self._made: dict[str, str] = {}
        self._offered_key = self.key
        self._port = 0
        self._host_key = ""

    def point_to(self, port: int, host_key: str) -> None:
        """Write all files for a server on this port with this public host key."""
        self._port = port
        self._host_key = host_key
        self.trust_host_key()
        self._write_config()

    def config_with(self, *lines: str) -> Path:
        """Write another config file, whose entry has these lines first; return its path."""
        path = self.directory / f"ssh_config-{len(list(self.directory.glob('ssh_config*')))}"
        path.write_text(str(self._entry(*lines, *self._extra)), encoding="utf-8")
        return path

    def append_config(self, *lines: str) -> None:
        """Add lines to the alias' entry; the first that sets a keyword wins."""
        self._extra += lines
        self._write_config()

    def trust_host_key(self, *, name: str = "", marker: str = "") -> None:
        """Put the server's real key into the known hosts file.

        Args:
            name: the name before the key; empty stands for address and port.
            marker: such as ``@revoked``; see sshd(8), SSH_KNOWN_HOSTS FILE FORMAT.
        """
        self._write_known_host(self._host_key, name, marker)

    def forget_host_key(self) -> None:
        """Leave no key in the known hosts file: the host is unknown."""
        self.known_hosts.write_text("", encoding="ascii")

    def change_host_key(self, *, name: str = "") -> None:
        """Put another key into the known hosts file: the host's key has changed."""
        self._write_known_host(self._other_key("other_host_key"), name, "")

    def offer_wrong_key(self) -> None:
        """Offer a key that the server does not let in."""
        self._other_key("wrong_key")
        self._offered_key = self.directory / "wrong_key"
        self._write_config()

    def offer_right_key(self) -> None:
        """Offer the key that the server lets in."""
        self._offered_key = self.key
        self._write_config()

    def _write_known_host(self, key: str, name: str, marker: str) -> None:
        line = known_hosts_line(self._port, key)
        if name:
            line = f"{name} {line.partition(' ')[2]}"
        self.known_hosts.write_text(f"{marker} {line}".lstrip(), encoding="ascii")

    def _other_key(self, name: str) -> str:
        if name not in self._made:
            self._made[name] = self._make_key(self.directory / name)
        return self._made[name]

    def _write_config(self) -> None:
        self.ssh_config.write_text(str(self._entry(*self._extra)), encoding="utf-8")

    def _entry(self, *extra: str) -> ClientEntry:
        return ClientEntry(
            self.alias, self._port, self.user, self._offered_key, self.known_hosts, extra
        )


def hashed_name(name: str) -> str:
    """Give a name as known hosts files hold it where HashKnownHosts is on (ssh_config(5))."""
    salt = os.urandom(20)
    digest = hmac.new(salt, name.encode("ascii"), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


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
