"""What the owner of a kernel is told by the kernel's supervisor, in values of this side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["KernelWatcher", "SpoolFull"]


@dataclass(frozen=True)
class SpoolFull:
    """Unread output found no more room on the host.

    Attributes:
        waited: bytes that it took up to then.
        refusal: why the host's disk took no more; empty when spool_limit was reached.
    """

    waited: int
    refusal: str


class KernelWatcher(Protocol):
    """Told on the background loop, each thing once."""

    def exited(self, returncode: int) -> None:
        """Take note of how a process of the kernel ended; minus a signal's number."""

    def started_late(self) -> None:
        """Take note of a start that nobody here waits for: given up, or another program's."""

    def spool_full(self, full: SpoolFull) -> None:
        """Take note that the supervisor has stopped reading what the kernel says."""

    def supervisor_gone(self, reason: str) -> None:
        """Take note that there is no supervisor any more, and so no kernel."""

    def reattached(self) -> None:
        """Take note that the supervisor is heard over a new link."""
