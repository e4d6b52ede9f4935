"""The kernels for programs; ``sshpyk ps --help`` documents the object."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from sshpyk_core.cli.page import printable
from sshpyk_core.cli.running_there.asking import HostAnswer
from sshpyk_core.cli.running_there.finding import Found, merged
from sshpyk_core.errors import HostError

__all__ = ["told"]

TIMES = ("since", "attached_since", "detached_since", "ends_at")


def told(answers: Sequence[HostAnswer]) -> dict[str, Any]:
    """Give all that is known."""
    return {
        "complete": not any(each.error for each in answers),
        "kernels": [_kernel(each) for each in merged(answers)],
        "hosts": [_host(each) for each in answers],
    }


def _kernel(found: Found) -> dict[str, Any]:
    facts = dataclasses.asdict(found.kernel)
    now = found.answer.running.now if found.answer.running else 0.0
    for name in TIMES:
        when = facts[name]
        facts[name] = _iso(when)
        facts[f"{name}_seconds"] = None if when is None else round(when - now, 3)
    runs_on = facts.pop("host")
    alias = found.answer.destination.target.alias
    return {"id": found.id, "host": alias, "runs_on": runs_on, **facts}


def _host(answer: HostAnswer) -> dict[str, Any]:
    target = answer.destination.target
    facts: dict[str, Any] = {"host": target.alias, "transport": target.transport}
    facts["asked"] = answer.running is not None
    facts["now"] = _iso(answer.running.now) if answer.running else None
    facts["ended"] = [dataclasses.asdict(e) for e in answer.running.ended] if answer.running else []
    facts["problem"] = None
    if isinstance(answer.error, HostError):
        error = answer.error
        cause = f"could not {error.tried}: {error.answer}"
        facts["problem"] = {"cause": printable(cause), "fix": printable(error.fix)}
    elif answer.error is not None:
        facts["problem"] = {"cause": printable(str(answer.error)), "fix": ""}
    return facts


def _iso(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    try:
        when = datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, ValueError, OSError):  # no clock shows such a time
        return None
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
