"""What a transport says of itself, beside its hooks: the constant ``DECLARATION`` of its module.

Differences between transports are declared here, so that nobody has to know them by name: the
conformance suite tests what is declared, ``sshpyk transports`` shows it.
"""

from __future__ import annotations

import enum
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sshpyk_core.types import KeptLogin, Target

__all__ = ["Capability", "Declaration", "LoginKeeper", "NoOptions"]


class Capability(enum.Enum):
    """Something that a transport may do and need not."""

    NETWORK = "network"
    """Its sessions are connections over TCP, which can be refused, be cut, or fall silent."""
    LOGIN = "login"
    """Its host asks for credentials, and it can ask a person for them."""
    HOST_KEYS = "host-keys"
    """Its host proves who it is by a key that is looked up in known hosts files."""
    SSH_CONFIG = "ssh-config"
    """It takes a host's settings from the user's ssh config."""
    JUMP_HOSTS = "jump-hosts"
    """It follows ProxyJump over several hops, and ProxyCommand."""
    EXIT_SIGNALS = "exit-signals"
    """The status of a command that a signal ended tells which."""
    FORWARD_TCP = "forward-tcp"
    """It forwards TCP ports, port 0 included."""
    FORWARD_UNIX = "forward-unix"
    """It forwards unix-domain sockets, at either end."""
    KEPT_LOGIN = "kept-login"
    """It can leave a connection open that later sessions use, of other programs too."""


@dataclass(frozen=True)
class LoginKeeper:
    """What a transport with the capability KEPT_LOGIN gives besides its hooks.

    A login is kept for one target, however that is used: options that only say how much is logged,
    say, make no difference. ``sshpyk_connect`` uses it without being told, before it logs in anew,
    unless it does not work. None of these asks anybody.

    Attributes:
        options: with these on top of a target's own, ``sshpyk_connect`` leaves the connection that
            it makes open when the session is closed, if that is possible for the target.
        find: gives the login that is kept for a target and works now, else None.
        end: ends the one that is kept for a target, also one that hangs; tells whether there was
            one. What the user has opened by other means stays.
        appears: returns as soon as a login that is kept for a target works; starts no program
            while it waits, which may be for days.
    """

    options: Mapping[str, Any]
    find: Callable[[Target], Awaitable[KeptLogin | None]]
    end: Callable[[Target], Awaitable[bool]]
    appears: Callable[[Target], Awaitable[None]]


@dataclass(frozen=True)
class NoOptions:
    """The options of a transport that has none."""


@dataclass(frozen=True)
class Declaration:
    """What a transport says of itself.

    Attributes:
        options: a frozen dataclass whose fields are made by
            :func:`sshpyk_core.transport_kit.options.option`.
        capabilities: what it can do beyond what every transport must.
        programs: the local programs that it cannot do without, as found on PATH.
        keeper: keeps logins; there exactly with the capability KEPT_LOGIN.
    """

    options: type = NoOptions
    capabilities: frozenset[Capability] = field(default_factory=frozenset)
    programs: tuple[str, ...] = ()
    keeper: LoginKeeper | None = None

    def missing_programs(self) -> list[str]:
        """List the programs that are not on this machine's PATH."""
        return [program for program in self.programs if shutil.which(program) is None]
