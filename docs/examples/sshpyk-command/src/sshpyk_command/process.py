"""A local program whose three streams are those of a command on the host."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import SubprocessStreamProtocol
from collections.abc import Sequence

READ_LIMIT_BYTES = 1024 * 1024
PATIENCE_SECONDS = 0.5
"""How long a command may take to end by itself when its input has ended."""
TIDY_SECONDS = 3.0
"""How long it may clear up after a hang-up, before it is killed."""


class _Streams(SubprocessStreamProtocol):
    """asyncio's streams, and the end of the program apart from theirs."""

    def __init__(self) -> None:
        super().__init__(limit=READ_LIMIT_BYTES, loop=asyncio.get_running_loop())
        self.exited: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def process_exited(self) -> None:
        super().process_exited()
        self.exited.set_result(None)


class CommandProcess:
    """What ``sshpyk_launch`` gives: a RemoteProcess."""

    def __init__(self, transport: asyncio.SubprocessTransport, streams: _Streams) -> None:
        """Wrap what :meth:`start` started."""
        assert streams.stdin
        assert streams.stdout
        assert streams.stderr
        self.stdin, self.stdout, self.stderr = streams.stdin, streams.stdout, streams.stderr
        self._transport = transport
        self._exited = streams.exited

    @classmethod
    async def start(cls, arguments: Sequence[str]) -> CommandProcess:
        """Start a program; none is left behind when this is cancelled.

        Raises:
            OSError: it cannot be started.
        """
        starting = asyncio.ensure_future(cls._start(arguments))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            await asyncio.wait([starting])
            if starting.exception() is None:
                await starting.result().terminate()
            raise

    @classmethod
    async def _start(cls, arguments: Sequence[str]) -> CommandProcess:
        loop = asyncio.get_running_loop()
        # In a session of its own, where no Ctrl-C in a terminal reaches it.
        return cls(*await loop.subprocess_exec(_Streams, *arguments, start_new_session=True))

    @property
    def freed(self) -> bool:
        """Whether it has ended and all that it wrote has been read."""
        return self._transport.is_closing()

    async def wait(self) -> int:
        """Return the exit status, minus the signal's number when one ended the program."""
        await asyncio.wait([self._exited])
        status = self._transport.get_returncode()
        assert status is not None
        return status

    async def terminate(self) -> None:
        """Let it read end of file, as a lost connection would; end it if that does not do."""
        try:
            self.stdin.close()
            await asyncio.wait([self._exited], timeout=PATIENCE_SECONDS)
            self._signal("SIGHUP")
            await asyncio.wait([self._exited], timeout=TIDY_SECONDS)
        finally:
            self.kill()
        await asyncio.wait([self._exited])

    def kill(self) -> None:
        """Kill it, with the processes of its group; close the pipes when it has ended."""
        self._signal("SIGKILL")
        self._exited.add_done_callback(lambda _: self._transport.close())

    def _signal(self, name: str) -> None:  # by name, as Windows knows neither
        if not self._exited.done():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if sys.platform == "win32":
                    self._transport.kill()
                else:
                    os.killpg(self._transport.get_pid(), getattr(signal, name))
