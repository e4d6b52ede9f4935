"""A file for one writer at a time on Windows, where to append is a seek and a write."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

assert sys.platform == "win32"

import msvcrt  # noqa: E402 - only there on Windows

__all__ = ["locked"]

_FAR_BEHIND = 0x7FFFFFFF
"""Behind the text, which others may read meanwhile."""


@contextlib.contextmanager
def locked(file: int) -> Iterator[None]:
    """Wait until no other process of ours holds an open file.

    Raises:
        OSError: another held it for ten seconds.
    """
    _lock(file, msvcrt.LK_LOCK)
    try:
        yield
    finally:
        _lock(file, msvcrt.LK_UNLCK)


def _lock(file: int, mode: int) -> None:
    os.lseek(file, _FAR_BEHIND, os.SEEK_SET)
    msvcrt.locking(file, mode, 1)
