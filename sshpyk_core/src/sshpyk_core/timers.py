"""When silence on a link means what."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LONGEST_PING", "LinkTimers"]

LONGEST_PING = 60.0
"""Seconds that ``ping_after`` may be: a bridge that hears nothing for ten times as long ends."""


@dataclass(frozen=True)
class LinkTimers:
    """When the far end is asked for a sign of life, and when it is given up, in seconds.

    Attributes:
        ping_after: silence after which it is asked, and asked again.
        dead_after: silence after which it is given up.
        awake_patience: the same for the first answer after a suspend.
    """

    ping_after: float = 5.0
    dead_after: float = 20.0
    awake_patience: float = 3.0

    def strictest(self, other: LinkTimers) -> LinkTimers:
        """Give the smaller of each: kernels that share a link may want different ones."""
        return LinkTimers(
            min(self.ping_after, other.ping_after),
            min(self.dead_after, other.dead_after),
            min(self.awake_patience, other.awake_patience),
        )
