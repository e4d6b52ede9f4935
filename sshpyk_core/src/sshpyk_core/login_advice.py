"""The command that logs in for every kernel of a target, and the advice to run it."""

from __future__ import annotations

import json
import shlex

from sshpyk_core.errors import ConnectError
from sshpyk_core.types import Target

__all__ = ["advise_login", "login_command"]


def login_command(target: Target) -> str:
    """Write the ``sshpyk login`` that makes the connection which this target would make."""
    words = ["sshpyk", "login", target.alias]
    if target.transport != Target.transport:
        words += ["--transport", target.transport]
    for key, value in target.options.items():
        words += ["--transport-option", f"{key}={json.dumps(value)}"]
    if target.ssh_config:
        words += ["--ssh-config", target.ssh_config]
    if target.ssh:
        words += ["--ssh", target.ssh]
    return shlex.join(words)


def advise_login(error: ConnectError, target: Target) -> None:
    """Add the command to what an error tells the user to do."""
    advice = f"For all kernels there, log in once in a terminal: `{login_command(target)}`"
    error.fix = f"{error.fix}\n{advice}".strip()
