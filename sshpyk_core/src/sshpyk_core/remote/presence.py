"""Who is attached to a supervisor, and what follows when nobody is."""

import math
import time
from typing import Any, Callable, Dict, Optional, Set

from .attachment import Attachment
from .kernel import Kernel
from .reactor import Reactor, Timer

UNKNOWN_PATIENCE = 60.0
"""Seconds that a kernel lives on with nobody attached, while nobody knows that it has started."""


MOST_ABSENT = 32
"""Programs that may be away at once: each holds descriptors and memory, and may never come back."""

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
        self,
        reactor: Reactor,
        detached_timeout: float,
        on_over: Callable[[str], None],
        persistent: bool = False,
    ) -> None:
        """Begin to wait for the first.

        Args:
            reactor: the process's.
            detached_timeout: seconds to wait for somebody once a kernel is known to have started.
            on_over: told for how long nobody has come when that is too long.
            persistent: wait for as long as the kernel runs, once it is known to have started.

        Raises:
            ValueError: one cannot wait for so long.
        """
        if not (math.isfinite(detached_timeout) and detached_timeout >= 0):
            raise ValueError("detached_timeout is %r" % detached_timeout)
        self._reactor = reactor
        self._detached_timeout = detached_timeout
        self._on_over = on_over
        self._persistent = persistent
        self._timer: Optional[Timer] = None
        self._since: Optional[float] = None
        self._attached_since: Optional[float] = None
        self._ends_at: Optional[float] = None
        self.attachments: Dict[str, Attachment] = {}
        self.start_seen = False
        """Whether a program has heard that a kernel has started."""
        self.left = False
        """Whether the last program to attach has said that it will not come back."""
        self._leaving: Set[Attachment] = set()
        self._absent: Dict[str, float] = {}
        self._absent_timer: Optional[Timer] = None
        self.update()

    @property
    def attached(self) -> bool:
        """Whether somebody is attached now, and means to stay."""
        there = (each for each in self.attachments.values() if each.connected)
        return any(each not in self._leaving for each in there)

    @property
    def shared(self) -> bool:
        """Whether several programs are attached now."""
        return sum(each.connected for each in self.attachments.values()) > 1

    def over(self, kernel: Kernel) -> bool:
        """Say whether there is nobody, and nothing that somebody could come back for."""
        return self.left and not kernel.running and not self.attachments

    def leave(self, attachment: Attachment) -> None:
        """Take note that a program will not come back: nothing is kept for it when it is gone."""
        self.left = self.start_seen = True
        self._leaving.add(attachment)

    def forget_who_left(self) -> None:
        """Keep nothing any more for programs that have left."""
        for name, each in list(self.attachments.items()):
            if each in self._leaving and not each.connected:
                del self.attachments[name]
                self._leaving.remove(each)
                each.leave()

    # --- those who are away ------------------------------------------------------------------

    def _give_up_absent(self) -> None:
        """Give up programs that were away for too long, or are too many, while others came.

        The last to go is not given up while nobody is there: it is waited for by itself.
        """
        now = self._reactor.clock()
        away = {name for name, each in self.attachments.items() if not each.connected}
        since = sorted((self._absent.get(name, now), name) for name in away)
        kept = since if self.attached else since[:-1]
        limit = now - self._detached_timeout
        due = [name for at, name in kept if at <= limit]
        due += [name for _, name in kept[len(due) : max(0, len(kept) - MOST_ABSENT)]]
        self._absent = {name: at for at, name in since if name not in due}
        for name in due:
            attachment = self.attachments.pop(name)
            self._leaving.discard(attachment)
            attachment.leave()
        if len(kept) > len(due) and self._absent_timer is None:
            patience = max(0.0, kept[len(due)][0] - limit)
            self._absent_timer = self._reactor.call_later(patience, self._absent_long_enough)

    def _absent_long_enough(self) -> None:
        self._absent_timer = None
        self._give_up_absent()

    # --- how long the supervisor waits -------------------------------------------------------

    def update(self, kernel_runs: bool = False) -> None:
        """Begin to wait when the last has gone, stop waiting when somebody has come."""
        self._give_up_absent()
        if self.attached:
            self._stop_waiting()
            self._since = None
            self._attached_since = self._attached_since or time.time()
            return
        now = time.time()
        if self._since is None:
            self._since = now
            self._attached_since = None
        if self._persistent and self.start_seen and kernel_runs:
            self._stop_waiting()
        elif self._timer is None:
            self._wait(now)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._ends_at = None

    def _wait(self, now: float) -> None:
        patience, setting = self._detached_timeout, " (detached_timeout)"
        if not self.start_seen and patience > UNKNOWN_PATIENCE:
            patience, setting = UNKNOWN_PATIENCE, ""
        words = "nobody was connected for %s%s" % (duration(patience), setting)
        self._ends_at = now + patience
        self._timer = self._reactor.call_later(patience, lambda: self._on_over(words))

    def status(self) -> Dict[str, Any]:
        """Say what the state file tells of it; times in seconds since the epoch."""
        return {
            "attached": self.attached,
            "attached_since": self._attached_since,
            "detached_since": self._since,
            "ends_at": self._ends_at,
        }
