"""Short-lived programs of this machine that are asked something: ``ssh -G``, ``ps``."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import SubprocessStreamProtocol
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Answer", "LocalTool", "ask_tool", "kill_group", "start_group"]

_READ_LIMIT_BYTES = 64 * 1024
_KEPT_BYTES = 1024 * 1024


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
    process = await start_group(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said = asyncio.gather(_beginning(process.stdout), _beginning(process.stderr))
        output, errors = await asyncio.wait_for(_ended(process, said), limit_seconds)
    finally:
        await process.end()
    status = process.returncode if process.returncode is not None else -1
    return Answer(status, output.decode(errors="replace"), errors.decode(errors="replace"))


async def _beginning(stream: asyncio.StreamReader | None) -> bytes:
    """Read to the end, and keep the first of it: what runs on a host may print without end."""
    kept = bytearray()
    while stream is not None and (data := await stream.read(_READ_LIMIT_BYTES)):
        kept += data[: _KEPT_BYTES - len(kept)]
    return bytes(kept)


async def _ended(
    process: LocalTool, said: asyncio.Future[tuple[bytes, bytes]]
) -> tuple[bytes, bytes]:
    words = await said
    await process.wait()
    return words


class LocalTool(asyncio.subprocess.Process):
    """A local process that leads a session of its own."""

    def __init__(
        self, pipes: asyncio.SubprocessTransport, streams: SubprocessStreamProtocol
    ) -> None:
        """Wrap what :func:`start_group` started."""
        super().__init__(pipes, streams, asyncio.get_running_loop())
        self._pipes = pipes

    async def end(self) -> None:
        """Kill it with all that it has started, unless it has ended; close its pipes here."""
        if self.returncode is None:
            kill_group(self)
            await self.wait()
        self._pipes.close()


async def start_group(*command: str, **how: Any) -> LocalTool:
    """Start a process in a session of its own; when cancelled, kill all that it has started.

    Args:
        command: its command line.
        how: what its streams are, and its environment, as :meth:`asyncio.loop.subprocess_exec` has
            them.

    Raises:
        OSError: it cannot be started.
    """
    loop = asyncio.get_running_loop()

    def streams() -> SubprocessStreamProtocol:
        return SubprocessStreamProtocol(limit=_READ_LIMIT_BYTES, loop=loop)

    # When cancelled itself, it kills the process alone, which may have children already.
    starting = asyncio.ensure_future(
        loop.subprocess_exec(streams, *command, start_new_session=True, **how)
    )
    try:
        return LocalTool(*await asyncio.shield(starting))
    except asyncio.CancelledError:
        await asyncio.wait([starting])
        if not starting.cancelled() and starting.exception() is None:
            await LocalTool(*starting.result()).end()
        raise


def kill_group(process: asyncio.subprocess.Process) -> None:
    """Kill a process that leads its own session, with all that it started there."""
    # macOS gives EPERM for a group that has ended and is not yet reaped.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
