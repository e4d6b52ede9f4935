"""What the flags of ``sshpyk config`` say about the host, checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sshpyk_core.cli.ssh_entry.errors import SshConfigError
from sshpyk_core.errors import ConfigError
from sshpyk_core.ssh_config import validate_alias

__all__ = ["Setting", "Wanted", "checked_host"]


@dataclass(frozen=True)
class Setting:
    """One line of an entry.

    Attributes:
        keyword: of ssh_config(5).
        value: as it is written there.
        why: a sentence, for the comment above it.
    """

    keyword: str
    value: str
    why: str


@dataclass(frozen=True)
class Wanted:
    """What the user says of the host; None leaves it to ssh.

    Attributes:
        hostname: its name or address.
        user: whom to log in as.
        port: of its SSH server.
        identity_file: the private key.
        proxy_jump: the hosts on the way, as ssh_config(5) has them.
    """

    hostname: str | None = None
    user: str | None = None
    port: int | None = None
    identity_file: str | None = None
    proxy_jump: str | None = None

    def settings(self) -> Iterator[Setting]:
        """Give the lines that say so.

        Raises:
            SshConfigError: a value cannot stand in an ssh config file.
        """
        if self.hostname is not None:
            yield Setting("HostName", _word("--hostname", self.hostname), "Where it is.")
        if self.user is not None:
            yield Setting("User", _word("--user", self.user), "Who you are there.")
        if self.port is not None:
            yield Setting("Port", str(self.port), "Where its SSH server listens.")
        if self.proxy_jump is not None:
            value = _word("--proxy-jump", self.proxy_jump)
            yield Setting("ProxyJump", value, "The way there.")
        if self.identity_file is not None:
            yield Setting("IdentityFile", _file(self.identity_file), "Your key for it.")
            why = "Offer no other key: servers take a few only."
            yield Setting("IdentitiesOnly", "yes", why)


def checked_host(host: str) -> str:
    """Give the word after ``Host``.

    Raises:
        ConfigError: ssh or a shell could take it for something else.
        SshConfigError: it is more than a host's name.
    """
    validate_alias(host)
    name = host.rpartition("@")[2]
    if name != host:
        user = host.rpartition("@")[0]
        raise SshConfigError(f"An entry is for a host alone: sshpyk config {name} --user {user}")
    if not re.fullmatch(r"[\w.:-]+", host):
        raise ConfigError(f"{host!r} cannot be the name of an entry of the ssh config")
    return host


def _word(flag: str, value: str) -> str:
    if not re.fullmatch(r"[^\s\"'\\#,=-][^\s\"'\\#]*", value) or not value.isprintable():
        raise SshConfigError(f"{flag} {value!r:.200} cannot stand in an ssh config file.")
    return value


def _file(value: str) -> str:
    if not value.strip() or '"' in value or value.startswith("-") or not value.isprintable():
        raise SshConfigError(f"--identity-file {value!r:.200} cannot stand in an ssh config file.")
    return f'"{value}"' if re.search(r"[\s#']", value) else value
