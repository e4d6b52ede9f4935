"""What the user is told when a kernel's unread output found no more room on the host."""

from __future__ import annotations

from sshpyk_core.link.watcher import SpoolFull

__all__ = ["spool_warning"]


def spool_warning(kernel: str, full: SpoolFull) -> str:
    """Word it: what had no room is lost by the time at which this is heard.

    Args:
        kernel: name of its kernel spec.
        full: what the supervisor told.
    """
    waited = _size(full.waited)
    if full.refusal:
        met = f"the host's disk refused more after {waited} ({full.refusal})"
        fix = "Free some of the disk there, or name another directory as remote_dir."
    else:
        met, fix = f"{waited} waited (spool_limit)", "Raise spool_limit."
    return (
        f"nobody fetched the output of the kernel {kernel} for so long that {met}; "
        f"what it printed beyond that is lost. {fix}"
    )


def _size(count: int) -> str:
    for unit, size in (("GiB", 1024**3), ("MiB", 1024**2)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1024:.1f} KiB"
