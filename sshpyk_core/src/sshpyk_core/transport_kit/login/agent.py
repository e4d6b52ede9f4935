"""Which ssh-agent the settings of a host name (ssh_config(5), IdentityAgent and ForwardAgent)."""

from __future__ import annotations

import os
import sys

from sshpyk_core.host_settings import HostSettings

__all__ = ["agent_path", "forwarded_agent_path"]


def agent_path(settings: HostSettings) -> str | None:
    """Return the agent's socket (IdentityAgent, SSH_AUTH_SOCK); None where there is none.

    On Windows an empty path stands for the agents that are usual there.
    """
    named = next(iter(settings.all("identityagent")), "SSH_AUTH_SOCK")
    if named.lower() == "none":
        return None
    return _path(settings, "$SSH_AUTH_SOCK" if named == "SSH_AUTH_SOCK" else named)


def forwarded_agent_path(settings: HostSettings) -> str | None:
    """Return the socket of the agent that commands on the host may use; None: of none."""
    named = settings.get("forwardagent") or "no"
    if named.lower() in ("yes", "true"):
        return agent_path(settings)
    return None if named.lower() in ("no", "false") else _path(settings, named)


def _path(settings: HostSettings, named: str) -> str | None:
    path = os.environ.get(named[1:], "") if named.startswith("$") else settings.expand(named)
    return path if path or sys.platform == "win32" else None
