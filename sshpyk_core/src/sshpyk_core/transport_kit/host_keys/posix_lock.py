"""A file for one writer at a time, where systems have flock(2)."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

assert sys.platform != "win32"

import fcntl  # noqa: E402 - not there on Windows

__all__ = ["locked"]


@contextlib.contextmanager
def locked(file: int) -> Iterator[None]:
    """Wait until no other process of ours holds an open file; go on where there are no locks.

    Without one, the end of a line that another process is about to write may be looked for too
    early: an empty line comes of that, and no worse.
    """
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX)
    yield
