"""Why a supervisor is no more, for a program that was not connected when it ended.

A few words in a file by the supervisor's name, beside the folder of those that live: whoever ends a
supervisor or finds it dead writes them, as it may be another who is asked later.
"""

import os
import time
from contextlib import suppress
from typing import Optional

from . import state

FOLDER = "ended"
"""Folder, beside that of the supervisors, with a file for each that came to an end unasked."""

KEPT = 30 * 24 * 3600.0
"""Seconds that somebody may take to come back and ask."""


def _path(directory: str) -> str:
    supervisors, name = os.path.split(directory)
    return os.path.join(os.path.dirname(supervisors), FOLDER, name)


def leave(directory: str, words: str) -> None:
    """Write down why the supervisor with this directory is no more; a full disk forgets it."""
    path = _path(directory)
    with suppress(OSError):
        state.private_directory(os.path.dirname(path))
        state.write_private(path, words.encode("utf-8", "replace"))


def read(directory: str) -> Optional[str]:
    """Give what was written down; None where nothing was."""
    path = _path(directory)
    try:
        if not state.is_ours(os.path.dirname(path)):
            return None
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "replace")
    except OSError:
        return None


def forget_old(base: str) -> None:
    """Remove those that nobody has come back for."""
    folder = os.path.join(base, FOLDER)
    if not state.is_ours(folder):
        return
    with suppress(OSError):
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if state.NAME.match(name) and time.time() - os.lstat(path).st_mtime > KEPT:
                os.unlink(path)
