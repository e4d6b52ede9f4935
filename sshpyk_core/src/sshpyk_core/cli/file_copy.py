"""Keeps a copy of a file that is about to be rewritten."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from pathlib import Path

__all__ = ["keep_copy"]


def keep_copy(file: Path, *, hidden: bool = False, mode: int | None = None) -> Path:
    """Copy a file to ``NAME.bak-NUMBER`` beside it; no file that is there is overwritten.

    Args:
        file: what to copy.
        hidden: whether the copy's name starts with a dot.
        mode: of the copy; that of the file if not given.

    Raises:
        OSError: the copy cannot be written.
    """
    content = file.read_bytes()
    mode = stat.S_IMODE(file.stat().st_mode) if mode is None else mode
    dot = "." if hidden else ""
    for number in itertools.count(1):
        copy = file.with_name(f"{dot}{file.name}.bak-{number}")
        try:
            out = open(copy, "xb", opener=_private)  # noqa: SIM115 - closed below
        except FileExistsError:
            continue
        try:
            with out:
                out.write(content)
            os.chmod(copy, mode)
        except BaseException:
            with contextlib.suppress(OSError):
                copy.unlink()
            raise
        return copy
    raise AssertionError


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
