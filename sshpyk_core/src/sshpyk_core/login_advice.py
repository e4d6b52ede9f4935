"""The command that logs in for every kernel of a target, and the advice to run it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from sshpyk_core.errors import ConnectError
from sshpyk_core.types import Target

__all__ = ["advise_login", "connection_flags", "login_command"]


def login_command(target: Target) -> str:
    """Write the ``sshpyk login`` that makes the connection which this target would make."""
    transport = target.transport if target.transport != Target.transport else None
    flags = connection_flags(transport, target.options, target.ssh_config, target.ssh)
    return shlex.join(["sshpyk", "login", target.alias, *flags])


def connection_flags(
    transport: str | None,
    options: Mapping[str, Any],
    ssh_config: str | None,
    ssh: str | None,
) -> list[str]:
    """Write the flags with which a command gets to a host; what is None is not said.

    Args:
        transport: its name.
        options: of the transport.
        ssh_config: the ssh config file.
        ssh: the ssh program.
    """
    said = (
        ("--transport", transport),
        *(("--transport-option", f"{key}={json.dumps(value)}") for key, value in options.items()),
        ("--ssh-config", ssh_config),
        ("--ssh", ssh),
    )
    return [word for flag, value in said if value is not None for word in (flag, value)]


def advise_login(error: ConnectError, target: Target) -> None:
    """Add the command to what an error tells the user to do."""
    advice = f"For all kernels there, log in once in a terminal: `{login_command(target)}`"
    error.fix = f"{error.fix}\n{advice}".strip()
