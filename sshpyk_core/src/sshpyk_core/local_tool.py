"""Short-lived programs of this machine that are asked something: ``ssh -G``, ``ps``."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Answer", "ask_tool", "kill_group"]


@dataclass(frozen=True)
class Answer:
    """What a short-lived program gave.

    Attributes:
        status: its exit status.
        output: what it wrote to standard output.
        errors: what it wrote to standard error.
    """

    status: int
    output: str
    errors: str


async def ask_tool(command: Sequence[str], limit_seconds: float) -> Answer:
    """Run a short-lived local program that asks nobody, with all that it starts.

    Raises:
        OSError: it cannot be started.
        asyncio.TimeoutError: it did not end within the limit; it has been killed.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), limit_seconds)
    finally:
        if process.returncode is None:
            kill_group(process)
            await process.wait()
    status = process.returncode if process.returncode is not None else -1
    return Answer(status, output.decode(errors="replace"), errors.decode(errors="replace"))


def kill_group(process: asyncio.subprocess.Process) -> None:
    """Kill a process that leads its own session, with all that it started there."""
    with contextlib.suppress(ProcessLookupError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
