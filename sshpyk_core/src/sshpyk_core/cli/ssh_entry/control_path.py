"""A path for the socket of shared connections that is short enough for a unix socket."""

from __future__ import annotations

import os
import re
import sys

from sshpyk_core import ssh_config
from sshpyk_core.types import Target

__all__ = ["LONGEST", "control_path"]

LONGEST = 86 if sys.platform == "darwin" else 90
"""Characters that a ControlPath may have: ssh binds it with 17 more at first, of 104 or 108."""


async def control_path(target: Target) -> str | None:
    """Choose a ControlPath; None when every one would be too long."""
    for path in _candidates():
        answer = await ssh_config.resolve(target, ["-o", f"ControlPath={path}"])
        if len(os.fsencode(answer.get("controlpath") or "")) <= LONGEST:
            return path
    return None


def _candidates() -> list[str]:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    found = ["~/.ssh/cm-%C"]
    if re.fullmatch(r"/[\w./-]+", runtime) and os.path.isdir(runtime):
        found.append(f"{runtime}/cm-%C")
    return found
