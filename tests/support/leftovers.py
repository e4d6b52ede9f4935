"""Processes, and what a supervisor that was killed has left, for tests of what becomes of both."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sshpyk_core.remote import state

__all__ = ["DEAD_FOR_LONG", "Spawn", "ended", "left", "named", "spawning"]

DEAD_FOR_LONG = 1e9
"""A time of day that is long ago."""

Spawn = Callable[..., "subprocess.Popen[str]"]


@contextmanager
def spawning() -> Iterator[Spawn]:
    """Start processes in groups of their own, which end with the test."""
    started: list[subprocess.Popen[str]] = []

    def run(*command: str, **options: Any) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        started.append(
            subprocess.Popen(
                command, stdin=pipe, stdout=pipe, text=True, start_new_session=True, **options
            )
        )
        return started[-1]

    try:
        yield run
    finally:
        for each in started:
            each.kill()
            each.communicate()


def ended() -> int:
    """Give the number of a process that has ended and whose number is not used yet again."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def named(word: str) -> str:
    """Give a supervisor's name that is different for each word."""
    return f"{zlib.crc32(word.encode()):032x}"


def left(base: Path, name: str = "one", **known: Any) -> Path:
    """Write what a supervisor that was killed leaves, with what is said of it."""
    directory = base / state.SUPERVISORS / named(name)
    directory.mkdir(mode=0o700)
    usual = {
        "host": socket.gethostname(),
        "boot_id": state.boot_id(),
        "changed": time.time(),
        "supervisor_pid": ended(),
        "supervisor_started": "1",
        "pid": None,
        "kernel_started": None,
    }
    state.write_json(str(directory / state.STATE_FILE), {**usual, **known})
    return directory
