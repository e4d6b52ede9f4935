"""The argument lists of every ``ssh`` that this transport starts.

ssh takes the first value that it meets for a setting, the command line before any file. So what a
user's configuration must not do to us is set first, then the further settings of the kernel spec.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from sshpyk_core.ssh_config import HostSettings, program, resolve
from sshpyk_core.transport_kit.options import parse
from sshpyk_core.types import Prompter, Target

from sshpyk_openssh.options import Options

__all__ = ["SshCommand", "prepare"]

# Each of these turns a plain session into something else when a user has it in their configuration.
_NEUTRAL = (
    "RemoteCommand=none",
    "RequestTTY=no",
    "PermitLocalCommand=no",
    "ClearAllForwardings=yes",
    "ForwardX11=no",
    "Tunnel=no",
)
# Younger keywords, set only where `ssh -G` printed them: an older ssh refuses the unknown.
_NEUTRAL_WHERE_KNOWN = ("ForkAfterAuthentication=no", "StdinNull=no", "SessionType=default")
# A host that drops packets would otherwise hold us for the system's two minutes.
_CONNECT_TIMEOUT_SECONDS = 30
# How long a master without clients stays: long enough to hand over to us, short enough not to
# linger when this process is killed. While we hold a connection to it, it does not end.
_PERSIST_SECONDS = 10
# One that is kept outlives a short outage as its TCP connection does, and ends in a long one.
_KEPT_ALIVE = ("ServerAliveInterval=60", "ServerAliveCountMax=10")


@dataclass(frozen=True)
class SshCommand:
    """Builds argument lists for one target.

    Attributes:
        target: what the kernel spec says about the host.
        settings: what ``ssh -G`` says about it.
        options: the transport's options.
        unattended: nobody answers a question of ssh.
    """

    target: Target
    settings: HostSettings
    options: Options
    unattended: bool

    @property
    def proxied(self) -> bool:
        """Whether the host is reached through a jump host or a proxy command."""
        return bool(self.settings.proxy_jump or self.settings.proxy_command)

    def master(self, socket_path: str, *, kept: bool = False) -> list[str]:
        """Start a control master; exits with 0 when it is logged in and in the background.

        Args:
            socket_path: where its control socket will be.
            kept: whether it is to stay when it has no clients.
        """
        # A master that persists sends its proxy's messages to /dev/null unless it is verbose; they
        # are the only ones that say what went wrong at a jump host.
        verbose = self.options.verbose or int(self.proxied)
        persist = "yes" if kept else str(_PERSIST_SECONDS)
        alive = _KEPT_ALIVE if kept and not self.settings.server_alive_interval else ()
        return [
            *program(self.target),
            *("-N", "-f", "-S", socket_path),
            *_pairs(["ControlMaster=yes", f"ControlPersist={persist}", *alive]),
            *_loudness(verbose),
            *self._common(),
            *("--", self.target.alias),
        ]

    def single(self, remote_command: str, *, probing: bool = False) -> list[str]:
        """Run one remote command over a connection of its own.

        Only a probe is verbose: in all others ssh's words would mix with the command's own.
        """
        return [
            *program(self.target),
            "-T",
            *_pairs(["ControlMaster=no", "ControlPath=none"]),
            *_loudness(self.options.verbose if probing else 0),
            *_pairs(self._known(_NEUTRAL_WHERE_KNOWN)),
            *self._common(),
            *("--", self.target.alias, remote_command),
        ]

    def single_forward(self, specification: str) -> list[str]:
        """Carry one forward over a connection of its own.

        ClearAllForwardings would clear it too, so the user's own come along and may fail.
        """
        return [
            *program(self.target),
            # Being verbose, it says when it has set up what it forwards.
            *("-N", "-v", "-L", specification),
            *_pairs(["ControlMaster=no", "ControlPath=none", "ExitOnForwardFailure=no"]),
            *_pairs(self._known(_NEUTRAL_WHERE_KNOWN[:2])),
            *self._common(without="ClearAllForwardings=yes"),
            *("--", self.target.alias),
        ]

    def _common(self, without: str = "") -> list[str]:
        mode = ["BatchMode=yes"] if self.unattended else []
        if self.settings.connect_timeout is None:
            mode.append(f"ConnectTimeout={_CONNECT_TIMEOUT_SECONDS}")
        ours = [setting for setting in _NEUTRAL if setting != without]
        return [*_pairs(ours), *_pairs(mode), *self.options.arguments]

    def _known(self, settings: tuple[str, ...]) -> list[str]:
        return [setting for setting in settings if self.settings.supports(setting.split("=")[0])]


async def prepare(target: Target, prompter: Prompter | None) -> SshCommand:
    """Check a target's options, ask ssh for its settings, and return the builder for it.

    Raises:
        ConfigError: the alias or an option is wrong.
        ConnectError: ssh is missing or does not accept the configuration.
    """
    options = parse(Options, target.options, "openssh")
    settings = await resolve(target, options.arguments)
    unattended = prompter is None
    if sys.platform == "win32":
        # There ssh asks by itself, which it must not do for a prompter that only remembers.
        unattended = unattended or not getattr(prompter, "in_person", True)
    return SshCommand(target, settings, options, unattended=unattended)


def _pairs(settings: list[str]) -> list[str]:
    return [word for setting in settings for word in ("-o", setting)]


def _loudness(verbose: int) -> list[str]:
    # Not quieter than INFO, whatever the user's configuration says: there the reasons are told.
    return ["-v"] * verbose if verbose else ["-o", "LogLevel=INFO"]
