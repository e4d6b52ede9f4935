"""What paramiko raises when something is gone, and closing where that does not matter."""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

from paramiko.ssh_exception import SSHException

__all__ = ["GONE", "close"]

GONE = (SSHException, EOFError, OSError)
"""What paramiko raises when a connection or a channel fails."""


class _Closable(Protocol):
    def close(self) -> object: ...


def close(channel: _Closable) -> None:
    """Close a channel, on a thread; harmless when its connection has ended."""
    with suppress(*GONE):
        channel.close()
