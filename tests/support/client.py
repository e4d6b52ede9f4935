"""The client side of a test server, with keys that OpenSSH's own program makes."""

from __future__ import annotations

import subprocess
from pathlib import Path

from sshpyk_core.testing.client_files import ClientFiles

from support.require import require_program

__all__ = ["ClientSide", "make_key", "run_ssh"]


def make_key(path: Path) -> str:
    """Make an ed25519 key pair; return the public half."""
    keygen = require_program("ssh-keygen", "openssh-client")
    command = [keygen, "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path.with_name(f"{path.name}.pub").read_text(encoding="ascii")


def run_ssh(
    config: Path, alias: str, command: str, *options: str, stdin: bytes = b"", timeout: float = 30
) -> subprocess.CompletedProcess[bytes]:
    """Run a command on a host with the system's ssh client."""
    ssh = require_program("ssh", "openssh-client")
    arguments = [ssh, "-F", str(config), *options, "--", alias, command]
    return subprocess.run(arguments, input=stdin, capture_output=True, timeout=timeout, check=False)


class ClientSide(ClientFiles):
    """The files that a client of one server reads, right or spoilt.

    Args:
        directory: where they are written.
        alias: the host's name in the config file.
        user: whom to log in as.
        extra: lines of the alias' entry; they win over the ones that are always there.

    Attributes:
        public_key: the public half of the key that the server lets in.
    """

    def __init__(self, directory: Path, alias: str, user: str, extra: tuple[str, ...]) -> None:
        super().__init__(directory, alias, user, extra, make_key)
        self.public_key = make_key(self.key)
