"""The client side of a test server: keys, known hosts and a config file, right or spoilt."""

from __future__ import annotations

import subprocess
from pathlib import Path

from sshpyk_core.testing.client_files import ClientEntry, known_hosts_line

from support.require import require_program

__all__ = ["ClientSide", "make_key"]


def make_key(path: Path) -> str:
    """Make an ed25519 key pair; return the public half."""
    keygen = require_program("ssh-keygen", "openssh-client")
    command = [keygen, "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path.with_name(f"{path.name}.pub").read_text(encoding="ascii")


class ClientSide:
    """The files that a client of one server reads.

    Args:
        directory: where they are written.
        alias: the host's name in the config file.
        user: whom to log in as.
        extra: lines of the alias' entry; they win over the ones that are always there.

    Attributes:
        ssh_config: the config file, for ``ssh -F``.
        known_hosts: the only known hosts file that the entry names.
        key: the key that the server lets in.
        public_key: its public half.
    """

    def __init__(self, directory: Path, alias: str, user: str, extra: tuple[str, ...]) -> None:
        self.directory = directory
        self.alias = alias
        self.user = user
        self.ssh_config = directory / "ssh_config"
        self.known_hosts = directory / "known_hosts"
        self.key = directory / "user_key"
        self.public_key = make_key(self.key)
        self._extra = extra
        self._offered_key = self.key
        self._port = 0
        self._host_key = ""

    def point_to(self, port: int, host_key: str) -> None:
        """Write all files for a server on this port with this public host key."""
        self._port = port
        self._host_key = host_key
        self.trust_host_key()
        self._write_config()

    def append_config(self, *lines: str) -> None:
        """Add lines to the alias' entry."""
        self._extra += lines
        self._write_config()

    def trust_host_key(self) -> None:
        """Put the server's real key into the known hosts file."""
        line = known_hosts_line(self._port, self._host_key)
        self.known_hosts.write_text(line, encoding="ascii")

    def forget_host_key(self) -> None:
        """Leave no key in the known hosts file: the host is unknown."""
        self.known_hosts.write_text("", encoding="ascii")

    def change_host_key(self) -> None:
        """Put another key into the known hosts file: the host's key has changed."""
        line = known_hosts_line(self._port, self._other_key("other_host_key"))
        self.known_hosts.write_text(line, encoding="ascii")

    def offer_wrong_key(self) -> None:
        """Offer a key that the server does not let in."""
        self._other_key("wrong_key")
        self._offered_key = self.directory / "wrong_key"
        self._write_config()

    def offer_right_key(self) -> None:
        """Offer the key that the server lets in."""
        self._offered_key = self.key
        self._write_config()

    def _other_key(self, name: str) -> str:
        path = self.directory / name
        public = path.with_name(f"{name}.pub")
        return public.read_text(encoding="ascii") if public.exists() else make_key(path)

    def _write_config(self) -> None:
        entry = ClientEntry(
            self.alias, self._port, self.user, self._offered_key, self.known_hosts, self._extra
        )
        self.ssh_config.write_text(str(entry), encoding="utf-8")
