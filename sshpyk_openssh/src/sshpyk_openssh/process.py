"""A remote command over one connection of its own: where ssh cannot multiplex, or must not."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import Process, SubprocessStreamProtocol
from collections.abc import Mapping, Sequence

from sshpyk_openssh.pipes import READ_LIMIT_BYTES, enlarge

__all__ = ["SingleProcess"]

_END_LIMIT_SECONDS = 2.0


class SingleProcess:
    """A local ``ssh`` whose three streams are those of the remote command."""

    def __init__(self, transport: asyncio.SubprocessTransport, process: Process) -> None:
        """Wrap what :meth:`start` started."""
        self._transport = transport
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.stdin: asyncio.StreamWriter = process.stdin
        self.stdout: asyncio.StreamReader = process.stdout
        self.stderr: asyncio.StreamReader = process.stderr

    @classmethod
    async def start(cls, arguments: Sequence[str], env: Mapping[str, str]) -> SingleProcess:
        """Start ssh; it has not connected yet when this returns.

        Args:
            arguments: the whole command line.
            env: its whole environment.

        Raises:
            OSError: it cannot be started.
        """
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.subprocess_exec(
            lambda: SubprocessStreamProtocol(limit=READ_LIMIT_BYTES, loop=loop),
            *arguments,
            env=env,
            # Away from the terminal, so that a Ctrl-C there does not end it.
            start_new_session=True,
        )
        for descriptor in (0, 1):
            pipe = transport.get_pipe_transport(descriptor)
            handle = pipe.get_extra_info("pipe") if pipe is not None else None
            if handle is not None and not handle.closed:  # it may have ended already
                enlarge(handle.fileno())
        return cls(transport, Process(transport, protocol, loop))

    @property
    def pid(self) -> int:
        """The process id of ssh."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether ssh has not ended yet."""
        return self._process.returncode is None

    async def wait(self) -> int:
        """Return the exit status; 255 also when a signal ended the command, or ssh failed."""
        status = await self._process.wait()
        return status if status >= 0 else 255

    async def terminate(self) -> None:
        """End ssh, reap it and close the streams; harmless when it has ended."""
        try:
            if self.running:
                self._signal(kill=False)
                await asyncio.wait_for(self._process.wait(), _END_LIMIT_SECONDS)
        except asyncio.TimeoutError:
            self._signal(kill=True)
            await self._process.wait()
        finally:
            self._transport.close()

    def _signal(self, *, kill: bool) -> None:
        # macOS gives EPERM for a group that has ended and is not yet reaped.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL if kill else signal.SIGTERM)
