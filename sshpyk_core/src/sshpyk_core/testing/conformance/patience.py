"""How long the suite waits: as is right for a busy machine, and longer on a slow one."""

from __future__ import annotations

import os

__all__ = ["patiently"]

_FACTOR = float(os.environ.get("SSHPYK_CONFORMANCE_PATIENCE", "1"))


def patiently(seconds: float) -> float:
    """Give a limit in seconds as it holds on this machine."""
    return seconds * _FACTOR
