"""The end of the kernel's process, told after that of the connections on which clients speak to it.

The system closes the connections of a process first, yet may tell of the process first. A program
that hears of its end may speak to the kernel at once: what it says is not to go into a connection
that nobody reads any more, but into the one that it makes to the next process.
"""

from typing import Mapping, Optional, Set

from .attachment import Attachment
from .kernel import Kernel
from .reactor import Reactor, Timer
from .stream import KernelStream

PATIENCE = 0.5
"""Seconds that the end of a process is held back while clients may speak to it.

A process that it has forked may hold its connections, and a full spool keep their end from being
seen.
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
        self._outlived: Set[KernelStream] = set()
        """Streams that were there longer than processes before."""

    def child_exited(self) -> None:
        """See whether it was the kernel's process; called after each SIGCHLD."""
        if self._kernel.exited:
            if self._timer is None:
                self._timer = self._reactor.call_later(PATIENCE, self._reap)
            self.stream_ended()

    def stream_ended(self) -> None:
        """See whether that was the last connection to a process that has ended."""
        if self._timer is not None and self._speaking() <= self._outlived:
            self._timer.cancel()
            # Not from here: the stream's CLOSE is queued after this.
            self._timer = self._reactor.call_later(0, self._reap)

    def _speaking(self) -> Set[KernelStream]:
        return {stream for each in self._attachments.values() for stream in each.speaking}

    def _reap(self) -> None:
        self._timer = None
        if self._kernel.exited:
            self._outlived = self._speaking()
            self._kernel.reap()
