"""The host that this machine itself connects to on the way to a target: its first jump host."""

from __future__ import annotations

import os
from dataclasses import dataclass

from sshpyk_core.errors import ConfigError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.route.route import route
from sshpyk_core.transport_kit.settings.extra import extra_settings
from sshpyk_core.transport_kit.settings.reader import SettingsReader
from sshpyk_core.types import Target

__all__ = ["FirstHop", "find_first_hop"]


@dataclass(frozen=True)
class FirstHop:
    """Where the way to a target begins.

    Attributes:
        settings: of the host that is connected to first.
        is_jump_host: whether it is another than the target.
        has_control_socket: whether a control master of the user's may be open to it, for which
            neither its name nor its port has to be reached.
    """

    settings: HostSettings
    is_jump_host: bool
    has_control_socket: bool

    @property
    def words(self) -> str:
        """What to call it."""
        return f"the jump host {self.settings.hostname}" if self.is_jump_host else "the host"


async def find_first_hop(target: Target) -> FirstHop:
    """Read the settings of the hosts on the way.

    Raises:
        ConfigError, ConnectError: they cannot be read.
    """
    try:
        extra = dict(extra_settings.read(target.options.get("options", {})))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"transport_options: options must be {extra_settings.takes}") from error
    hosts = await route(target, SettingsReader(target, extra, frozenset()))
    return FirstHop(hosts[0], len(hosts) > 1, _has_control_socket(hosts[-1]))


def _has_control_socket(settings: HostSettings) -> bool:
    path = settings.control_path
    return path is not None and os.path.exists(os.path.expanduser(path))
