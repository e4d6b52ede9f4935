"""What is worth knowing of the ssh settings of a host and of those on the way to it.

Nothing here demands any setting of anybody: an alias that ``ssh`` can use is enough.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.route.route import route
from sshpyk_core.transport_kit.settings.extra import extra_settings
from sshpyk_core.transport_kit.settings.keywords import UNDERSTOOD
from sshpyk_core.transport_kit.settings.reader import SettingsReader
from sshpyk_core.types import Finding, Target

__all__ = ["Hop", "Setting", "notable", "read_hops"]


@dataclass(frozen=True)
class Setting:
    """One setting of a host.

    Attributes:
        keyword: of ssh_config(5).
        value: as ssh has it.
        finding: how that stands.
    """

    keyword: str
    value: str
    finding: Finding


@dataclass(frozen=True)
class Hop:
    """One host on the way, and its settings that are worth knowing.

    Attributes:
        alias: its name.
        jump: whether it is only gone through.
        settings: in the order in which they matter.
    """

    alias: str
    jump: bool
    settings: tuple[Setting, ...]


async def read_hops(target: Target) -> tuple[Hop, ...]:
    """Read the settings of a target and of its jump hosts, the nearest first; connects to nothing.

    Raises:
        ConfigError, ConnectError: they cannot be read, or make no way.
    """
    read = SettingsReader(target, _extra(target), UNDERSTOOD)
    hosts = await route(target, read)
    return tuple(
        Hop(settings.alias, settings is not hosts[-1], tuple(notable(settings, target.transport)))
        for settings in hosts
    )


def _extra(target: Target) -> Mapping[str, str]:
    """Give the further settings in the kernel spec; of wrong ones the transport tells."""
    try:
        return dict(extra_settings.read(target.options.get("options", {})))
    except (ValueError, TypeError, LookupError):
        return {}


def notable(settings: HostSettings, transport: str = "openssh") -> Iterator[Setting]:
    """Choose what is worth knowing of one host's settings.

    Args:
        settings: of the host.
        transport: which goes there: some settings concern the ssh program only.
    """
    yield _fine("HostName", settings.hostname)
    yield _fine("User", settings.user)
    yield _fine("Port", str(settings.port))
    if settings.proxy_jump:
        yield _told("ProxyJump", settings.proxy_jump, "goes through another host")
    elif settings.proxy_command:
        yield _told("ProxyCommand", settings.proxy_command, "goes through a command")
    yield from _identities(settings)
    yield _host_key_checking(settings)
    if settings.control_path and transport == "openssh":
        yield _told("ControlPath", settings.control_path, "that control master is used if open")
    if settings.server_alive_interval:
        interval = str(settings.server_alive_interval)
        yield _told("ServerAliveInterval", interval, "not needed: sshpyk asks by itself")
    if settings.flag("forwardagent"):
        yield _told("ForwardAgent", "yes", "not needed for kernels")


def _identities(settings: HostSettings) -> Iterator[Setting]:
    if not settings.pubkey_authentication:
        yield _told("PubkeyAuthentication", "no", "no key is offered")
        return
    there = [file for file in settings.identity_files if os.path.exists(file)]
    for file in there:
        yield _fine("IdentityFile", file)
    if not there:
        yield _told("IdentityFile", "none is there", "keys can only come from an agent")


def _host_key_checking(settings: HostSettings) -> Setting:
    keyword, strict = "StrictHostKeyChecking", settings.strict_host_key_checking
    if strict != "no":
        return _fine(keyword, strict)
    cause = "a host that is not the one you mean would be taken for it"
    fix = f"Set `{keyword} accept-new` or remove the line."
    return Setting(keyword, strict, Finding("warning", cause, fix))


def _fine(keyword: str, value: str) -> Setting:
    return Setting(keyword, value, Finding("ok", ""))


def _told(keyword: str, value: str, cause: str) -> Setting:
    return Setting(keyword, value, Finding("info", cause))
