"""An errand: the supervisors on this host, their kernels, and what these use.

The answer: ``supervisors`` (what :data:`TOLD` names of each, and directory, answers, elsewhere,
memory in bytes, cpu_seconds, cpu_percent), ``ended`` (name and words of those that were found dead
just now) and ``now``, the host's time. What is not known is null. Times are in seconds since the
epoch.
"""

import os
import time
from typing import Any, Dict, List, Mapping, Tuple

from . import asking, identity, orphans, state, usage

PATIENCE = 1.0
"""Seconds that a supervisor may take to answer."""

MOST = 500
"""Supervisors that are told of."""

MOST_TEXT = 2000
"""Characters of one text."""

MOST_DIRECTORIES = 50

TOLD = (
    *("kernel", "for", "since", "attached", "attached_since", "detached_since", "ends_at", "pid"),
    *("supervisor_pid", "returncode", "generation", "session_name", "python", "spool_memory"),
    *("spool_disk", "spool_full", "host"),
)
"""Never the token."""


def run(request: Mapping[str, Any]) -> Dict[str, Any]:
    """Look where supervisors may be; ``directories`` are further ones of the remote package."""
    wanted = list(request.get("directories") or [])
    if len(wanted) > MOST_DIRECTORIES or not all(isinstance(each, str) for each in wanted):
        raise ValueError("directories must be at most %d paths" % MOST_DIRECTORIES)
    living, ended = _accounted(wanted)
    replies = asking.ask(living, {"do": "status"}, PATIENCE)
    rows = [_row(directory, replies[directory]) for directory in living]
    used = usage.measure(_own_kernels(rows))
    for row in rows:
        known = used.get(row["pid"]) if not row["elsewhere"] else None
        row["memory"] = known.memory if known else None
        row["cpu_seconds"] = known.seconds if known else None
        row["cpu_percent"] = known.percent if known else None
        del row["kernel_started"]
    return {"supervisors": rows, "ended": ended, "now": time.time()}


def _accounted(wanted: List[str]) -> Tuple[List[str], List[Dict[str, str]]]:
    """Give the directories of those that live, and what became of the others."""
    # By the real path: one folder may be reached by several.
    directories: Dict[str, str] = {}
    for each in [None, *wanted]:
        for base in orphans.bases(os.environ, each):
            for directory in orphans.directories(base):
                directories.setdefault(os.path.realpath(directory), directory)
    living: List[str] = []
    ended: List[Dict[str, str]] = []
    for directory in directories.values():
        account = orphans.account_for(directory)
        if account.lives:
            living.append(directory)
        else:
            ended.append({"name": os.path.basename(directory), "words": account.words})
    return living[:MOST], ended[:MOST]


def _row(directory: str, reply: asking.Reply) -> Dict[str, Any]:
    """Give what is told of one: what it says itself, else what its state file says."""
    recorded = state.read_json(os.path.join(directory, state.STATE_FILE))
    known = reply.ok if reply.ok is not None else recorded
    row: Dict[str, Any] = {name: _bounded(known.get(name)) for name in TOLD}
    row["name"] = os.path.basename(directory)
    row["directory"] = directory
    row["answers"] = reply.ok is not None
    row["elsewhere"] = orphans.is_elsewhere(recorded)
    row["kernel_started"] = known.get("kernel_started")
    return row


def _bounded(value: Any) -> Any:
    return value[:MOST_TEXT] if isinstance(value, str) else value


def _own_kernels(rows: List[Dict[str, Any]]) -> List[int]:
    """Give the kernels' processes, where a number certainly means that process."""
    return [
        row["pid"]
        for row in rows
        if not row["elsewhere"] and identity.is_same(row["pid"], row["kernel_started"])
    ]
