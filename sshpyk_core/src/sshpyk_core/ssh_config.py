"""What ``ssh -G`` says of a host, for every transport.

Only ssh itself reads its configuration right (Include, Match, canonical names, tokens), so it is
asked instead of parsing the files: ssh(1), option ``-G``. The keys are those of ssh_config(5) in
lower case. A key that this version of ssh does not know is absent from the answer.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import re
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from sshpyk_core.errors import ConfigError, ConnectError
from sshpyk_core.local_tool import ask_tool
from sshpyk_core.types import Target

__all__ = [
    "HostSettings",
    "program",
    "resolve",
    "validate_alias",
]

# `ssh -G` runs the user's own `Match exec` commands, which may look something up on the network.
_RESOLVE_LIMIT_SECONDS = 20.0
_ALIAS = re.compile(r"[\w.@:%+=,/-]+")
_MULTIPLE_LINES = ("identityfile", "certificatefile", "sendenv", "setenv")


@dataclass(frozen=True)
class HostSettings:
    """The settings that ssh would use for an alias.

    Attributes:
        alias: the name that was asked for.
        entries: all lines of the answer in order: keyword in lower case, value.
    """

    alias: str
    entries: tuple[tuple[str, str], ...]

    def all(self, key: str) -> list[str]:
        """Return every value of a keyword, in order; empty when there is none."""
        return [value for name, value in self.entries if name == key.lower()]

    def get(self, key: str) -> str | None:
        """Return the first value of a keyword; None when it is absent or ``none``."""
        values = self.all(key)
        return values[0] if values and values[0].lower() != "none" else None

    def supports(self, key: str) -> bool:
        """Tell whether this version of ssh printed the keyword, so knows it."""
        return bool(self.all(key))

    def flag(self, key: str) -> bool:
        """Tell whether a yes-or-no keyword is on."""
        return (self.get(key) or "no").lower() in ("yes", "true")

    @property
    def hostname(self) -> str:
        """The real name or address to connect to."""
        return self.get("hostname") or self.alias

    @property
    def port(self) -> int:
        """The TCP port to connect to."""
        return int(self.get("port") or 22)

    @property
    def user(self) -> str:
        """The name to log in as."""
        return self.get("user") or getpass.getuser()

    @property
    def control_path(self) -> str | None:
        """Where the user's own control socket would lie; None when there is none."""
        return self.get("controlpath")

    @property
    def proxy_jump(self) -> str | None:
        """The jump hosts, comma-separated, nearest first."""
        return self.get("proxyjump")

    @property
    def proxy_command(self) -> str | None:
        """The command whose standard input and output reach the host."""
        return self.get("proxycommand")

    @property
    def connect_timeout(self) -> int | None:
        """Seconds until an unanswered connection is given up; None leaves it to the system."""
        value = self.get("connecttimeout")
        return int(value) if value and value.isdigit() else None

    @property
    def host_key_alias(self) -> str | None:
        """The name under which known hosts files list the host, when it is another."""
        return self.get("hostkeyalias")

    @property
    def known_hosts_name(self) -> str:
        """The name under which the host stands in a known hosts file (sshd(8))."""
        if self.host_key_alias:
            return self.host_key_alias
        return self.hostname if self.port == 22 else f"[{self.hostname}]:{self.port}"

    @property
    def user_known_hosts_files(self) -> list[str]:
        """The user's known hosts files, expanded; empty when checking is left to others."""
        return self._files("userknownhostsfile")

    @property
    def global_known_hosts_files(self) -> list[str]:
        """The system's known hosts files."""
        return self._files("globalknownhostsfile")

    @property
    def identity_files(self) -> list[str]:
        """The private keys to try, expanded; the files need not exist."""
        return self._files("identityfile")

    @property
    def certificate_files(self) -> list[str]:
        """The certificates that go with the keys, expanded."""
        return self._files("certificatefile")

    @property
    def identity_agent(self) -> str | None:
        """The agent's socket, expanded, or ``SSH_AUTH_SOCK``; None when nothing is set."""
        value = self.get("identityagent")
        return self.expand(value) if value else None

    def _files(self, key: str) -> list[str]:
        lines = self.all(key) if key in _MULTIPLE_LINES else " ".join(self.all(key)).split()
        return [self.expand(line) for line in lines if line.lower() != "none"]

    def expand(self, text: str) -> str:
        """Replace ``~`` and the tokens of ssh_config(5) that name files depend on."""
        local = socket.gethostname()
        tokens = {
            "%": "%",
            "d": os.path.expanduser("~"),
            "h": self.hostname,
            "i": _uid(),
            "k": self.host_key_alias or self.alias,
            "L": local.split(".")[0],
            "l": local,
            "n": self.alias,
            "p": str(self.port),
            "r": self.user,
            "u": getpass.getuser(),
        }
        text = re.sub(r"%(.)", lambda match: tokens.get(match[1], match[0]), text)
        return os.path.expanduser(text)


def _uid() -> str:
    if sys.platform == "win32":
        return ""
    return str(os.getuid())


def validate_alias(alias: str) -> None:
    """Refuse an alias that ssh or a shell could take for something else.

    Raises:
        ConfigError: it is empty, starts with ``-`` or holds white space, control characters or
            shell syntax.
    """
    if not alias:
        raise ConfigError("the ssh host alias is empty")
    if alias.rpartition("@")[2].startswith("-"):
        raise ConfigError(f"the ssh host alias {alias!r} starts with '-', as options do")
    if not _ALIAS.fullmatch(alias):
        wrong = "".join(dict.fromkeys(c for c in alias if not _ALIAS.fullmatch(c)))
        raise ConfigError(f"the ssh host alias {alias!r} holds what no host name may: {wrong!r}")


def program(target: Target) -> list[str]:
    """Return the start of each command line: the ssh program, and ``-F`` where the spec has it."""
    ssh = os.path.expanduser(target.ssh) if target.ssh else "ssh"
    config = ["-F", os.path.expanduser(target.ssh_config)] if target.ssh_config else []
    return [ssh, *config]


async def resolve(target: Target, arguments: Sequence[str] = ()) -> HostSettings:
    """Ask ssh for the settings of a target; connects to nothing.

    Args:
        target: whose alias, ssh program and ssh config file to use.
        arguments: further options of ssh to take into account, such as ``-o Key=value``.

    Raises:
        ConfigError: the alias is not one.
        ConnectError: there is no ssh program, or it does not accept the configuration.
    """
    validate_alias(target.alias)
    tried = "read its ssh settings"
    command = [*program(target), "-G", *arguments, "--", target.alias]
    try:
        answer = await ask_tool(command, _RESOLVE_LIMIT_SECONDS)
    except asyncio.TimeoutError as error:  # an OSError too, on Python >= 3.11
        said = f"`ssh -G` gave no answer within {_RESOLVE_LIMIT_SECONDS:.0f} s"
        fix = "Look for a `Match exec` in the ssh configuration that does not end."
        raise ConnectError(target.alias, tried, said, fix) from error
    except OSError as error:
        fix = "Install an OpenSSH client, or name one as `ssh` in the kernel spec."
        raise ConnectError(target.alias, tried, f"{command[0]}: {error.strerror}", fix) from error
    if answer.status != 0:
        fix = "Correct the ssh configuration that the message names."
        raise ConnectError(target.alias, tried, answer.errors, fix)
    pairs = (line.partition(" ") for line in answer.output.splitlines() if line.strip())
    return HostSettings(target.alias, tuple((key.lower(), value) for key, _, value in pairs))
