"""The end of the kernel's process, which is told after that of its connections.

The system closes the connections of a process first, yet may tell of the process first. A program
that hears of its end may speak to the kernel at once: what it says is not to go into a connection
that nobody reads any more, but into the one that it makes to the next process.
"""

from typing import Mapping, Optional

from .attachment import Attachment
from .kernel import Kernel
from .reactor import Reactor, Timer

PATIENCE = 0.5
"""Seconds that the end of a process is held back while it has connections.

A process that it has forked may hold them, and a full spool keeps their end from being seen.
"""


class Departure:
    """Takes note of the end of the kernel's process at the right moment."""

    def __init__(
        self, reactor: Reactor, kernel: Kernel, attachments: Mapping[str, Attachment]
    ) -> None:
        """Wait for the end of the first process."""
        self._reactor = reactor
        self._kernel = kernel
        self._attachments = attachments
        self._timer: Optional[Timer] = None

    def child_exited(self) -> None:
        """See whether it was the kernel's process; called after each SIGCHLD."""
        if self._kernel.exited and self._timer is None:
            self._timer = self._reactor.call_later(PATIENCE, self._reap)
            self.stream_ended()

    def stream_ended(self) -> None:
        """See whether that was the last connection of a process that has ended."""
        if self._timer is not None and not any(each.hears for each in self._attachments.values()):
            self._timer.cancel()
            # In the next turn, when the program has been told of the connection.
            self._timer = self._reactor.call_later(0, self._reap)

    def _reap(self) -> None:
        self._timer = None
        self._kernel.reap()
