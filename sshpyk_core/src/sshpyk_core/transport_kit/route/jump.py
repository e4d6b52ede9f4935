"""The jump hosts of one ProxyJump (ssh_config(5)), as values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from sshpyk_core.errors import ConfigError
from sshpyk_core.ssh_config import validate_alias

__all__ = ["Jump", "parse_jumps"]

# `host`, `host:port`, `[address]`, `[address]:port`; ssh wants an IPv6 address in brackets too.
_PLACE = re.compile(
    r"(?:\[(?P<address>[^\[\]/]+)\]|(?P<host>[^\[\]:/]+))(?::(?P<port>[0-9]{1,5}))?"
)
# Nothing that a shell reads, nor what separates jump hosts; such names are ssh's to refuse as well.
_USER = re.compile(r"(?!-)[^\s\x00-\x1f\x7f'\"`$;&<>|(){},]+(?<!\\)")


@dataclass(frozen=True)
class Jump:
    """One jump host, as ``-J`` takes it.

    Attributes:
        host: its alias, name or address.
        user: the name to log in as; None leaves it to the host's own settings.
        port: the TCP port; None likewise.
    """

    host: str
    user: str | None = None
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Jump:
        """Read ``[user@]host[:port]`` or ``ssh://[user@]host[:port]``.

        Raises:
            ConfigError: it is neither, or holds what ssh or a shell could take for something else.
        """
        place, uri = text, text.lower().startswith("ssh://")
        if uri:
            place = text[len("ssh://") :].removesuffix("/")
        user, at, place = place.rpartition("@")
        if uri:
            user = unquote(user)
        match = _PLACE.fullmatch(place)
        if not match or (at and not _USER.fullmatch(user)):
            raise ConfigError(f"ProxyJump: {text!r} is no jump host: it is [user@]host[:port]")
        host = match["address"] or match["host"]
        try:
            validate_alias(host)
        except ConfigError as error:
            raise ConfigError(f"ProxyJump: {error}") from error
        port = int(match["port"]) if match["port"] else None
        if port is not None and not 0 < port < 65536:
            raise ConfigError(f"ProxyJump: {text!r} has no valid port")
        return cls(host, user or None, port)

    @property
    def settings(self) -> dict[str, str]:
        """What it sets for its host, by keyword of ssh_config(5)."""
        found = {"User": self.user, "Port": self.port}
        return {key: str(value) for key, value in found.items() if value is not None}

    def __str__(self) -> str:
        """As ProxyJump takes it."""
        user = "" if self.user is None else f"{self.user}@"
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"{user}{host}{port}"


def parse_jumps(text: str | None) -> list[Jump]:
    """Read the value of ProxyJump, nearest first; None and ``none`` are no jump hosts.

    Raises:
        ConfigError: a part of it is no jump host.
    """
    if text is None or text.lower() == "none":
        return []
    return [Jump.parse(part) for part in text.split(",")]
