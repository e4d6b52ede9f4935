"""Ports for a kernel to bind, picked on the host that it runs on and kept for it.

Where the system allows it (Linux), a bound socket that never listens keeps each port ours: nobody
else is given it, while the kernel's own socket, which sets SO_REUSEADDR as libzmq does, may bind
beside it. So two kernels that start at the same moment never get the same port, and a restarted
kernel finds its own ports free.
"""

import socket
import sys
from typing import Dict, List

from .wire import PORTS

KEEP = sys.platform.startswith("linux")


class Ports:
    """Five ports on the loopback interface."""

    def __init__(self) -> None:
        """Pick them.

        Raises:
            OSError: the system has none left.
        """
        self._sockets: List[socket.socket] = []
        self.numbers: Dict[str, int] = {}
        for name in PORTS:
            holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self._sockets.append(holder)
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind(("127.0.0.1", 0))
            self.numbers[name] = holder.getsockname()[1]
        if not KEEP:
            self.release()

    def release(self) -> None:
        """Give them back."""
        for holder in self._sockets:
            holder.close()
        self._sockets = []


def listens(port: int) -> bool:
    """Say whether somebody listens on a loopback port; on loopback this never blocks."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
