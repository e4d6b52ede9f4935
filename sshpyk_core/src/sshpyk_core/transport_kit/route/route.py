"""The way to a target: through which hosts, and with whose settings (ssh_config(5), ProxyJump).

A transport connects to the first host of the route (by that one's ProxyCommand where it has one),
through that connection to the second, and so on. The rules are those of ssh: every jump host has
its own settings, the user and port of the jump on top; the first one's own jump hosts come before
it, those that the others name are passed over for the ones listed before them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from sshpyk_core.errors import ConnectError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.route.jump import Jump, parse_jumps
from sshpyk_core.transport_kit.route.proxy_tokens import expand_tokens
from sshpyk_core.types import Target

__all__ = ["ReadSettings", "route"]

ReadSettings = Callable[[Target, Mapping[str, str]], Awaitable[HostSettings]]
"""Gives a host's settings: the target, and keywords of ssh_config(5) that win over its files.

:func:`sshpyk_core.ssh_config.read_settings` is one that asks ssh. The target of a jump host is the
asked one under another alias, with the same options: those that ssh would take from its command
line do not hold for jump hosts.
"""

_MAX_HOPS = 10


async def route(target: Target, read: ReadSettings) -> tuple[HostSettings, ...]:
    """Find the hosts to go through: the nearest first, the target itself last.

    Args:
        target: where to.
        read: gives each host's settings.

    Raises:
        ConfigError: a ProxyJump is not one.
        ConnectError: jump hosts lead in a circle, or there are more than ten; or what ``read``
            raises.
    """
    hosts = [await read(target, {})]
    seen = [Jump(target.alias)]
    while jumps := _jumps(hosts[0]):
        chain = [*jumps, *seen]
        if jumps[0] in seen:
            raise _circle(target, chain, "lead in a circle")
        if len(hosts) + len(jumps) > _MAX_HOPS + 1:
            raise _circle(target, chain, f"are more than {_MAX_HOPS}")
        seen.insert(0, jumps[0])
        hosts[:0] = [await _settings(target, jumps, index, read) for index in range(len(jumps))]
    return tuple(hosts)


def _jumps(settings: HostSettings) -> list[Jump]:
    # ssh puts the jump hosts into a ProxyCommand, so that one's tokens are known in them.
    value = settings.proxy_jump
    return parse_jumps(value and expand_tokens(settings, value))


async def _settings(
    target: Target, jumps: list[Jump], index: int, read: ReadSettings
) -> HostSettings:
    jump, before = jumps[index], jumps[:index]
    overrides = jump.settings
    if before:
        overrides["ProxyJump"] = ",".join(map(str, before))
    return await read(replace(target, alias=jump.host), overrides)


def _circle(target: Target, chain: list[Jump], what: str) -> ConnectError:
    way = " -> ".join(map(str, chain))
    fix = "Correct ProxyJump in the ssh configuration; `ProxyJump none` ends the chain at a host."
    return ConnectError(target.alias, "find the way there", f"jump hosts {what}: {way}", fix)
