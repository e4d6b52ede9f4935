"""What ``ssh -G`` says of a host, for every transport.

Only ssh itself reads its configuration right (Include, Match, canonical names, tokens), so it is
asked instead of parsing the files: ssh(1), option ``-G``. The keys are those of ssh_config(5) in
lower case. A key that this version of ssh does not know is absent from the answer.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping, Sequence

from sshpyk_core.errors import ConfigError, ConnectError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.local_tool import ask_tool
from sshpyk_core.types import Target

__all__ = [
    "HostSettings",
    "program",
    "read_settings",
    "resolve",
    "validate_alias",
]

# `ssh -G` runs the user's own `Match exec` commands, which may look something up on the network.
_RESOLVE_LIMIT_SECONDS = 20.0
_ALIAS = re.compile(r"[\w.@:%+=,/-]+")


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
        said = answer.errors.replace("\r\n", "\n")  # ssh ends its lines for a raw terminal
        raise ConnectError(target.alias, tried, said, fix)
    pairs = (line.partition(" ") for line in answer.output.splitlines() if line.strip())
    entries = tuple((key.lower(), value) for key, _, value in pairs)
    return HostSettings(target.alias, entries, (*program(target), *arguments, target.alias))


async def read_settings(target: Target, overrides: Mapping[str, str]) -> HostSettings:
    """Ask ssh for the settings of a target, some of which are given.

    Args:
        target: whose alias, ssh program and ssh config file to use.
        overrides: keywords of ssh_config(5) and values that win over the configuration.

    Raises:
        ConfigError: the alias is not one.
        ConnectError: there is no ssh program, or it does not accept the configuration.
    """
    settings = (("-o", f"{key}={value}") for key, value in overrides.items())
    return await resolve(target, [word for pair in settings for word in pair])
