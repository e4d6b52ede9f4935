"""What a program that holds a kernel can be told."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["Order", "Wish"]


class Wish(enum.Enum):
    """What is to happen."""

    INTERRUPT = "interrupt"
    RESTART = "restart"
    END = "end"
    """Shut the kernel down, or leave it where it is to stay."""
    SHUTDOWN = "shut down"
    LEAVE = "leave"


@dataclass(frozen=True)
class Order:
    """A wish, and the signal that it came as; 0 for a key."""

    wish: Wish
    signum: int = 0
