"""The state file of a supervisor: what it is, since when, for whom; for people and for bridges."""

import os
import socket
import time
from contextlib import suppress
from typing import Any, Callable, Dict

from . import identity, state
from .reactor import Reactor

FRESH = 3600.0
"""Seconds after which it is written anew: one that is old is of an earlier boot."""


class Record:
    """Writes the state file, with what is the same all the time and what ``facts()`` gives."""

    def __init__(
        self,
        reactor: Reactor,
        directory: str,
        known: Dict[str, Any],
        facts: Callable[[], Dict[str, Any]],
    ) -> None:
        """Write nothing yet.

        Args:
            reactor: the process's.
            directory: the supervisor's.
            known: what it was started with.
            facts: asked each time.
        """
        self._reactor = reactor
        self._path = os.path.join(directory, state.STATE_FILE)
        self._facts = facts
        self._known = {
            "supervisor": os.path.basename(directory),
            "supervisor_pid": os.getpid(),
            "supervisor_started": identity.start_of(os.getpid()),
            "host": socket.gethostname(),
            "boot_id": state.boot_id(),
            "machine": state.machine_id(),
            "since": time.time(),
            **known,
        }

    def keep_fresh(self) -> None:
        """Write it now and every hour."""
        self.write()
        self._reactor.call_later(FRESH, self.keep_fresh)

    def content(self) -> Dict[str, Any]:
        """Give what it tells at this moment."""
        return dict(self._known, **self._facts(), changed=time.time())

    def write(self) -> None:
        """Write it; a full disk must not end a kernel, and leaves the older one."""
        with suppress(OSError):
            state.write_json(self._path, self.content())
