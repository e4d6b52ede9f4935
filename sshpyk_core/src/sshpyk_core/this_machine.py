"""Whether a host is this very machine, as in tests, demonstrations and tutorials."""

from __future__ import annotations

import socket
from pathlib import Path

from sshpyk_core.link.link import BridgeHello

__all__ = ["is_this_machine"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def is_this_machine(hello: BridgeHello) -> bool:
    """Compare what a bridge says of its host with what is true here.

    Containers on one machine have the same boot id, but each its own host name.
    """
    try:
        boot_id = _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:  # not Linux
        boot_id = ""
    return hello.host == socket.gethostname() and hello.boot_id in ("", boot_id)
