"""What is said of one kernel that runs, in words for people."""

from __future__ import annotations

from dataclasses import dataclass

from sshpyk_core.cli.page import printable
from sshpyk_core.cli.running_there.finding import Found

__all__ = ["NOTHING", "Described", "describe", "length", "size"]

NOTHING = "-"
"""What is not known, or not there."""

_UNITS = ((86400 * 365, "y"), (86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True)
class Described:
    """What the columns say of a kernel, and what else there is to say.

    Attributes:
        columns: by their headings, in order.
        notebook: the path that Jupyter gave; empty when there is none.
        notes: what is unusual.
    """

    columns: dict[str, str]
    notebook: str
    notes: tuple[str, ...]


def describe(found: Found, owner: str) -> Described:
    """Describe a kernel.

    Args:
        found: the kernel.
        owner: who is asking, as supervisors record it: the notes name others.
    """
    kernel = found.kernel
    running = found.answer.running
    now = running.now if running else 0.0
    cpu = NOTHING if kernel.cpu_percent is None else f"{kernel.cpu_percent:.0f} %"
    columns = {
        "ID": found.id,
        "HOST": found.answer.label,
        "KERNEL": kernel.kernel or NOTHING,
        "SINCE": NOTHING if kernel.since is None else f"{length(now - kernel.since)} ago",
        "STATE": _state(found, now),
        "MEMORY": size(kernel.memory),
        "CPU": cpu,
        "SPOOL": _spool(found),
    }
    cleaned = {heading: _line(text) for heading, text in columns.items()}
    notes = tuple(_line(note) for note in _notes(found, owner))
    return Described(cleaned, _line(kernel.session_name or ""), notes)


def _line(text: str) -> str:
    return printable(text).replace("\n", "?")


def _state(found: Found, now: float) -> str:
    kernel = found.kernel
    if kernel.attached:
        return f"attached{_for(kernel.attached_since, now)}"
    if kernel.attached is None:
        return NOTHING
    words = f"detached{_for(kernel.detached_since, now)}"
    if kernel.ends_at is None:
        return f"{words}, stays" if kernel.detached_since is not None else words
    return f"{words}, ends in {length(kernel.ends_at - now)}"


def _spool(found: Found) -> str:
    kernel = found.kernel
    if kernel.spool_memory is None and kernel.spool_disk is None:
        return NOTHING
    waiting = size((kernel.spool_memory or 0) + (kernel.spool_disk or 0))
    return f"{waiting} full" if kernel.spool_full else waiting


def _notes(found: Found, owner: str) -> list[str]:
    kernel = found.kernel
    notes = []
    if kernel.owner and kernel.owner != owner:
        notes.append(f"started by {kernel.owner}")
    if kernel.elsewhere:
        notes.append(f"runs on {kernel.host}, which shares the directory with {found.answer.label}")
    elif not kernel.answers:
        notes.append(f"its supervisor does not answer: sshpyk stop --force {found.id} ends it")
    if kernel.pid is None and kernel.returncode is not None:
        code = kernel.returncode
        how = f"signal {-code}" if code < 0 else f"exit status {code}"
        notes.append(f"its process has ended with {how}")
    if kernel.spool_full:
        notes.append("the spool was full: output may be missing")
    return notes


def length(seconds: float) -> str:
    """Word a time in the largest unit that it fills."""
    seconds = max(0.0, seconds)
    size, unit = next((one for one in _UNITS if seconds >= one[0]), _UNITS[-1])
    return f"{seconds // size:.0f} {unit}"


def _for(since: float | None, now: float) -> str:
    return f" {length(now - since)}" if since is not None else ""


def size(count: int | None) -> str:
    """Word a number of bytes in the largest unit that it fills."""
    if count is None:
        return NOTHING
    amount = float(max(0, count))
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if amount >= 10 or unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"
