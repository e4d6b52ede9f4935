"""What a transport says of itself, beside its hooks: the constant ``DECLARATION`` of its module.

Differences between transports are declared here, so that nobody has to know them by name: the
conformance suite tests what is declared, ``sshpyk transports`` shows it.
"""

from __future__ import annotations

import enum
import shutil
from dataclasses import dataclass, field

__all__ = ["Capability", "Declaration", "NoOptions"]


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
    """

    options: type = NoOptions
    capabilities: frozenset[Capability] = field(default_factory=frozenset)
    programs: tuple[str, ...] = ()

    def missing_programs(self) -> list[str]:
        """List the programs that are not on this machine's PATH."""
        return [program for program in self.programs if shutil.which(program) is None]
