"""What the demo itself has to complain about."""

from __future__ import annotations

__all__ = ["DemoError"]


class DemoError(Exception):
    """A step did not do what it is there to show; the message says what came instead."""
