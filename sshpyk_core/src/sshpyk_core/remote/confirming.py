"""An errand: what is left of one supervisor, by processes whose start was compared just now.

It is for somebody who wants to end a supervisor that does not answer, or waits for its end. What a
dead one has left is cleared away, as :mod:`.orphans` does.

========== ======================================================================
told       meaning
========== ======================================================================
lives      whether it runs, or may run for all that can be known here
words      what became of it, for people
elsewhere  whether it is another machine's, that shares the directory
supervisor its process; null where that is not certain
kernel     the leader of the kernel's process group; null likewise
========== ======================================================================
"""

import os
import time
from typing import Any, Dict, Mapping

from . import identity, orphans, state

MOST_WAIT = 15.0
"""Seconds that it may wait for the end."""

INTERVAL = 0.05
"""Seconds between two looks: nothing tells of the end of a process that is not one's child."""


def run(request: Mapping[str, Any]) -> Dict[str, Any]:
    """Look at the supervisor with that ``directory``; ``wait`` so many seconds for its end."""
    directory = str(request["directory"])
    deadline = time.monotonic() + min(MOST_WAIT, max(0.0, float(request.get("wait") or 0)))
    while True:
        known = state.read_json(os.path.join(directory, state.STATE_FILE))
        account = orphans.account_for(directory)
        # A directory that is just being removed is not gone yet.
        lives = account.lives or os.path.isdir(directory)
        if not lives or orphans.is_elsewhere(known) or time.monotonic() >= deadline:
            break
        time.sleep(INTERVAL)
    return dict(_certain(known), lives=lives, words=account.words)


def _certain(known: Mapping[str, Any]) -> Dict[str, Any]:
    elsewhere = orphans.is_elsewhere(known)
    booted = state.boot_id()
    recorded = not elsewhere and known.get("boot_id", booted) == booted
    found = {"supervisor": "supervisor_started", "kernel": "kernel_started"}
    pids = {"supervisor": known.get("supervisor_pid"), "kernel": known.get("pid")}
    certain = {
        name: pids[name] if recorded and identity.is_same(pids[name], known.get(started)) else None
        for name, started in found.items()
    }
    return dict(certain, elsewhere=elsewhere)
