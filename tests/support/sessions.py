"""The sessions that this process holds open: to be closed before their servers are."""

from __future__ import annotations

import sys

from sshpyk_core.background import background

__all__ = ["close_hosts"]


def close_hosts() -> None:
    """Let go of every host of this process; supervisors that a test has left stay, and show."""
    module = sys.modules.get("sshpyk_core.hosts")
    if module is not None:
        background.call(module.hosts.aclose(), timeout=30)
