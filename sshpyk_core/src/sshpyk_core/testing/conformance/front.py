"""The server as a test sees it: a real one behind a relay, with the files of a client.

Everything that can be spoilt is spoilt here, in front of the real server, so that every server can
be spoilt alike and one server may serve many tests.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sshpyk_core.testing.client_files import (
    ClientEntry,
    ClientFiles,
    known_hosts_line,
    write_private,
)
from sshpyk_core.testing.conformance.servers import RunningServer
from sshpyk_core.testing.relay import Relay

__all__ = ["ConformanceServer", "serving"]


class ConformanceServer:
    """A real SSH server behind a relay of its own, and what a client needs to reach it.

    Args:
        real: the server.
        relay: a relay that runs, in front of the server.
        directory: private, for the client's files.

    Attributes:
        real: as given.
        relay: as given: cuts connections, falls silent, refuses.
        files: the client's files: forget, change or revoke the host key, offer a wrong user key.
        alias: the server's name in ``ssh_config``.
        port: the TCP port on 127.0.0.1 that a client connects to.
        directory: where the client's files are.
    """

    def __init__(self, real: RunningServer, relay: Relay, directory: Path) -> None:
        """Write the files of a client that can log in."""
        self.real = real
        self.relay = relay
        self.port = relay.port
        self.directory = directory
        self.alias = "there"
        self.files = ClientFiles(directory, self.alias, real.user, real.ssh_config, make_key)
        write_private(self.files.key, real.user_key.read_bytes())
        self.files.point_to(self.port, real.host_key)

    @property
    def ssh_config(self) -> Path:
        """The client's config file, with the entry ``alias``."""
        return self.files.ssh_config

    @property
    def known_hosts(self) -> Path:
        """The only known hosts file that the entry names."""
        return self.files.known_hosts

    @property
    def user_key(self) -> Path:
        """The private key that the server lets in."""
        return self.files.key

    @property
    def user(self) -> str:
        """Whom to log in as."""
        return self.real.user

    def configure(self, *lines: str) -> None:
        """Add lines to the server's entry in ``ssh_config``, before any other entry is added."""
        self.files.append_config(*lines)

    def protect_key(self, passphrase: str) -> None:
        """Encrypt the user's private key."""
        import asyncssh

        key = asyncssh.read_private_key(self.user_key)
        self.user_key.unlink()
        content = key.export_private_key("openssh", passphrase, rounds=1, ignore_few_rounds=True)
        write_private(self.user_key, content)

    @contextmanager
    def behind(self, *, alias: str = "beyond", lines: Sequence[str] = ()) -> Iterator[Relay]:
        """Make a second way to the real server, with this one as its jump host.

        Args:
            alias: the name of its entry in ``ssh_config``.
            lines: more of the entry's lines; they win.

        Returns:
            The relay that is that entry's host.
        """
        with self.another_way(alias=alias, lines=(*lines, f"ProxyJump {self.alias}")) as relay:
            yield relay

    @contextmanager
    def another_way(self, *, alias: str, lines: Sequence[str] = ()) -> Iterator[Relay]:
        """Make a second way to the real server, with an entry of its own in ``ssh_config``.

        Args:
            alias: the name of the entry.
            lines: more of its lines; they win.

        Returns:
            The relay that is that entry's host.
        """
        with Relay(self.real.port) as relay:
            known_hosts = self.directory / f"known_hosts_{alias}"
            line = known_hosts_line(relay.port, self.real.host_key)
            known_hosts.write_text(line, encoding="ascii")
            extra = (*lines, *self.real.ssh_config)
            entry = ClientEntry(alias, relay.port, self.user, self.user_key, known_hosts, extra)
            with self.ssh_config.open("a", encoding="utf-8") as file:
                file.write(str(entry))
            yield relay


@contextmanager
def serving(real: RunningServer) -> Iterator[ConformanceServer]:
    """Put a relay and new client files in front of a server."""
    directory = Path(tempfile.mkdtemp(prefix="sshpyk-"))
    try:
        with Relay(real.port) as relay:
            yield ConformanceServer(real, relay, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def make_key(path: Path) -> str:
    """Make an ed25519 private key in a new file; return its public half."""
    import asyncssh

    key = asyncssh.generate_private_key("ssh-ed25519")
    write_private(path, key.export_private_key())
    return key.export_public_key().decode("ascii")
