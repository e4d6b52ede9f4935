"""The settings that hold for one host: keywords of ssh_config(5) with typed values.

The values are those that ``ssh -G`` prints, or what a transport's own reader made of the files. A
keyword that is absent has the default of ssh_config(5).
"""

from __future__ import annotations

import getpass
import os
import re
import shlex
import socket
import sys
from dataclasses import dataclass
from typing import Literal

__all__ = ["HostSettings", "StrictChecking"]

StrictChecking = Literal["yes", "no", "ask", "accept-new"]

_MULTIPLE_LINES = ("identityfile", "certificatefile", "sendenv", "setenv")
_STRICT: dict[str, StrictChecking] = {
    "yes": "yes",
    "true": "yes",
    "no": "no",
    "false": "no",
    "off": "no",
    "accept-new": "accept-new",
}
# Where the next file of a list begins: ssh prints lists without quotes, and names hold spaces.
_NEXT_FILE = re.compile(r"\s+(?=[/~%\\]|[A-Za-z]:[/\\]|__PROGRAMDATA__|none\b)")


@dataclass(frozen=True)
class HostSettings:
    """The settings that ssh would use for an alias.

    Attributes:
        alias: the name that was asked for.
        entries: all lines of the answer in order: keyword in lower case, value.
        login: the command with which a user reaches the host in a terminal; empty where nobody
            knows more than the alias.
    """

    alias: str
    entries: tuple[tuple[str, str], ...]
    login: tuple[str, ...] = ()

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

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Tell whether a yes-or-no keyword is on."""
        value = self.get(key)
        return default if value is None else value.lower() in ("yes", "true")

    def words(self, key: str) -> list[str]:
        """Return the members of a comma-separated list, in order; empty when it is absent."""
        return [word for word in (self.get(key) or "").split(",") if word]

    def number(self, key: str) -> int | None:
        """Return a number, or a time as seconds (sshd_config(5), TIME FORMATS); None: no such."""
        value = (self.get(key) or "").lower()
        if not re.fullmatch(r"(\d+[smhdw]?)+", value):
            return None
        units = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
        parts = re.findall(r"(\d+)([smhdw]?)", value)
        return sum(int(count) * units[unit] for count, unit in parts)

    @property
    def login_line(self) -> str:
        """The command with which a user reaches the host in a terminal, as one line of shell."""
        return shlex.join(self.login or ("ssh", self.alias))

    # Where it is

    @property
    def name(self) -> str:
        """The name that was asked for, without a user and a port."""
        return self.get("host") or self.alias.rpartition("@")[2]

    @property
    def hostname(self) -> str:
        """The real name or address to connect to."""
        return self.get("hostname") or self.name

    @property
    def port(self) -> int:
        """The TCP port to connect to."""
        return self.number("port") or 22

    @property
    def user(self) -> str:
        """The name to log in as."""
        return self.get("user") or getpass.getuser()

    @property
    def proxy_jump(self) -> str | None:
        """The jump hosts, comma-separated, nearest first."""
        return self.get("proxyjump")

    @property
    def proxy_command(self) -> str | None:
        """The command whose standard input and output reach the host."""
        return self.get("proxycommand")

    @property
    def control_path(self) -> str | None:
        """Where the user's own control socket would lie; None when there is none."""
        return self.get("controlpath")

    # How the connection behaves

    @property
    def connect_timeout(self) -> int | None:
        """Seconds until an unanswered connection is given up; None leaves it to the system."""
        return self.number("connecttimeout")

    @property
    def server_alive_interval(self) -> int:
        """Seconds of silence after which the server is asked for a sign of life; 0: never."""
        return self.number("serveraliveinterval") or 0

    @property
    def server_alive_count_max(self) -> int:
        """How many questions without an answer end the connection."""
        value = self.number("serveralivecountmax")
        return 3 if value is None else value

    @property
    def compression(self) -> bool:
        """Whether to compress what is sent."""
        return self.flag("compression")

    @property
    def ciphers(self) -> list[str]:
        """The ciphers to offer, best first; empty leaves it to the library."""
        return self.words("ciphers")

    @property
    def macs(self) -> list[str]:
        """The message authentication codes to offer, best first; empty as for ciphers."""
        return self.words("macs")

    @property
    def kex_algorithms(self) -> list[str]:
        """The key exchange algorithms to offer, best first; empty as for ciphers."""
        return self.words("kexalgorithms")

    @property
    def host_key_algorithms(self) -> list[str]:
        """The host key algorithms to accept, best first; empty as for ciphers."""
        return self.words("hostkeyalgorithms")

    # Who the host is

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
        """The user's known hosts files, expanded; empty when there is to be none."""
        return self._files("userknownhostsfile")

    @property
    def global_known_hosts_files(self) -> list[str]:
        """The system's known hosts files."""
        return self._files("globalknownhostsfile")

    @property
    def revoked_host_keys(self) -> str | None:
        """The file that lists host keys to refuse everywhere, expanded."""
        value = self.get("revokedhostkeys")
        return self.expand(value) if value else None

    @property
    def strict_host_key_checking(self) -> StrictChecking:
        """What becomes of a host whose key is not known."""
        return _STRICT.get((self.get("stricthostkeychecking") or "").lower(), "ask")

    @property
    def hash_known_hosts(self) -> bool:
        """Whether names are hashed when a known hosts file is added to."""
        return self.flag("hashknownhosts")

    # Who we are

    @property
    def identity_files(self) -> list[str]:
        """The private keys to try, expanded; the files need not exist."""
        return self._files("identityfile")

    @property
    def certificate_files(self) -> list[str]:
        """The certificates that go with the keys, expanded."""
        return self._files("certificatefile")

    @property
    def identities_only(self) -> bool:
        """Whether only the keys that the configuration names are offered, whatever an agent has."""
        return self.flag("identitiesonly")

    @property
    def preferred_authentications(self) -> list[str]:
        """The ways to log in (RFC 4252), in the order to try them; empty leaves it to ssh(1)."""
        return self.words("preferredauthentications")

    @property
    def pubkey_authentication(self) -> bool:
        """Whether keys may be offered."""
        # It may also be `unbound` or `host-bound`.
        return (self.get("pubkeyauthentication") or "yes").lower() not in ("no", "false")

    @property
    def password_authentication(self) -> bool:
        """Whether a password may be sent."""
        return self.flag("passwordauthentication", default=True)

    @property
    def kbd_interactive_authentication(self) -> bool:
        """Whether the server may ask questions (RFC 4256)."""
        known = "kbdinteractiveauthentication"
        key = known if self.supports(known) else "challengeresponseauthentication"
        return self.flag(key, default=True)

    # File names

    def _files(self, key: str) -> list[str]:
        lines = self.all(key)
        if key not in _MULTIPLE_LINES:
            lines = [name for line in lines for name in _split(line.strip())]
        return [self.expand(line) for line in lines if line.lower() != "none"]

    def expand(self, text: str) -> str:
        """Replace ``~`` and the tokens of ssh_config(5) that name files depend on."""
        local = socket.gethostname()
        tokens = {
            "%": "%",
            "d": os.path.expanduser("~"),
            "h": self.hostname,
            "i": _uid(),
            "k": self.host_key_alias or self.name,
            "L": local.split(".")[0],
            "l": local,
            "n": self.name,
            "p": str(self.port),
            "r": self.user,
            "u": getpass.getuser(),
        }
        text = re.sub(r"%(.)", lambda match: tokens.get(match[1], match[0]), text)
        # ssh of Windows prints its default files with this name for the folder.
        text = text.replace("__PROGRAMDATA__", os.environ.get("PROGRAMDATA", "__PROGRAMDATA__"))
        return os.path.expanduser(text)


def _split(line: str) -> list[str]:
    absolute = _NEXT_FILE.match(f" {line}")
    return _NEXT_FILE.split(line) if absolute else line.split()


def _uid() -> str:
    if sys.platform == "win32":
        return ""
    return str(os.getuid())
