"""A file that is written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(file: Path, content: bytes, mode: int | None = None) -> None:
    """Write a file beside, then put it in its place at once.

    Args:
        file: what is written, and replaced if it is there.
        content: of it.
        mode: of it; for nobody but its owner if not given.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    descriptor, partial = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as new:
            new.write(content)
        if mode is not None:
            os.chmod(partial, mode)
        os.replace(partial, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise
