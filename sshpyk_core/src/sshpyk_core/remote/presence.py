"""Who is attached to a supervisor, and what follows when nobody is."""

import math
import time
from typing import Any, Callable, Dict, Optional

from .attachment import Attachment
from .kernel import Kernel
from .reactor import Reactor, Timer

UNKNOWN_PATIENCE = 60.0
"""Seconds that a kernel lives on with nobody attached, while nobody knows that it has started."""


UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"))


def duration(seconds: float) -> str:
    """Word a time in the largest unit that gives a whole number."""
    for size, unit in UNITS:
        if seconds >= size and seconds % size == 0:
            return "%d %s%s" % (seconds // size, unit, "s" if seconds > size else "")
    return "%g s" % seconds


class Presence:
    """The programs that hold a supervisor, and the time that it waits for one to come back."""

    def __init__(
        self, reactor: Reactor, detached_timeout: float, on_over: Callable[[str], None]
    ) -> None:
        """Begin to wait for the first.

        Args:
            reactor: the process's.
            detached_timeout: seconds to wait for somebody once a kernel is known to have started.
            on_over: told for how long nobody has come when that is too long.

        Raises:
            ValueError: one cannot wait for so long.
        """
        if not (math.isfinite(detached_timeout) and detached_timeout >= 0):
            raise ValueError("detached_timeout is %r" % detached_timeout)
        self._reactor = reactor
        self._detached_timeout = detached_timeout
        self._on_over = on_over
        self._timer: Optional[Timer] = None
        self._since: Optional[float] = None
        self._attached_since: Optional[float] = None
        self._ends_at: Optional[float] = None
        self.attachments: Dict[str, Attachment] = {}
        self.start_seen = False
        """Whether a program has heard that a kernel has started."""
        self.left = False
        """Whether the last program to attach has said that it will not come back."""
        self.update()

    @property
    def attached(self) -> bool:
        """Whether somebody is attached now."""
        return any(each.connected for each in self.attachments.values())

    def over(self, kernel: Kernel) -> bool:
        """Say whether there is nobody, and nothing that somebody could come back for."""
        return self.left and not kernel.running and not self.attached

    def update(self) -> None:
        """Begin to wait when the last has gone, stop waiting when somebody has come."""
        if self.attached:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._since = self._ends_at = None
            self._attached_since = self._attached_since or time.time()
        elif self._timer is None:
            patience, setting = self._detached_timeout, " (detached_timeout)"
            if not self.start_seen and patience > UNKNOWN_PATIENCE:
                patience, setting = UNKNOWN_PATIENCE, ""
            words = "nobody was connected for %s%s" % (duration(patience), setting)
            self._since = time.time()
            self._attached_since = None
            self._ends_at = self._since + patience
            self._timer = self._reactor.call_later(patience, lambda: self._on_over(words))

    def status(self) -> Dict[str, Any]:
        """Say what the state file tells of it; times in seconds since the epoch."""
        return {
            "attached": self.attached,
            "attached_since": self._attached_since,
            "detached_since": self._since,
            "ends_at": self._ends_at,
        }
