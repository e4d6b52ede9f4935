"""The server side of one session channel: a command of the current user, its pipes, its end.

The behaviour follows OpenSSH's sshd without a terminal: the command runs as ``SHELL -c COMMAND``
with a pipe for each of its three streams, a lost connection is end of file on its input, and the
channel ends when the command has ended and nobody holds its output any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from sshpyk_core.testing.pipes import InputPipe, OutputPipe, open_pipe

__all__ = ["ExecSession", "ExecSettings"]

CHANNEL_BUFFER_BYTES = 4 << 20
FINISH_SECONDS = 2.0
MODES = ("wb", "rb", "rb")


@dataclass(frozen=True)
class ExecSettings:
    """How commands run.

    Attributes:
        shell: the login shell; it is called with ``-c`` and the command as the client sent it.
        env: the whole environment of a command.
        home: the directory in which a command starts.
        sftp_server: the program behind the subsystem ``sftp``; None refuses the subsystem.
    """

    shell: str
    env: Mapping[str, str]
    home: Path
    sftp_server: str | None


class ExecSession(asyncssh.SSHServerSession[bytes]):
    """Run what one session channel asks for.

    Args:
        settings: how commands run.
        started: called with the session when its command starts.
        ended: called with the session when nothing of its command is left here.
        closed: called when it counts no more: after the command, or with a channel that had none.
    """

    def __init__(
        self,
        settings: ExecSettings,
        started: Callable[[ExecSession], None],
        ended: Callable[[ExecSession], None],
        closed: Callable[[], None],
    ) -> None:
        """Wait for the client's request."""
        self._settings = settings
        self._started = started
        self._ended = ended
        self._closed = closed
        self._argv: list[str] = []
        self._process: asyncio.subprocess.Process | None = None
        self._early_signals: list[str] = []
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """Prepare the three pipes' ends on this side."""
        chan.set_write_buffer_limits(high=CHANNEL_BUFFER_BYTES)
        self._channel = chan
        self._input = InputPipe(chan)
        self._outputs = (OutputPipe(chan, None), OutputPipe(chan, asyncssh.EXTENDED_DATA_STDERR))

    def exec_requested(self, command: str) -> bool:
        """Accept any command."""
        self._argv = [self._settings.shell, "-c", command]
        return True

    def shell_requested(self) -> bool:
        """Accept a shell that reads its commands from the channel."""
        self._argv = [self._settings.shell]
        return True

    def subsystem_requested(self, subsystem: str) -> bool:
        """Accept ``sftp`` where there is a program for it."""
        if subsystem != "sftp" or self._settings.sftp_server is None:
            return False
        self._argv = [self._settings.sftp_server]
        return True

    def session_started(self) -> None:
        """Start the command."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._started(self)

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Pass input on."""
        self._input.write(data)

    def eof_received(self) -> bool:
        """Half-close: the command reads end of file and its output goes on."""
        self._input.end()
        return True

    def signal_received(self, signal: str) -> None:
        """Signal the command's process group (RFC 4254, section 6.9)."""
        if self._process is None:
            self._early_signals.append(signal)
        else:
            self._send_signal(signal)

    def pause_writing(self) -> None:
        """Stop reading from the command: the client's window is full."""
        for output in self._outputs:
            output.hold(True)

    def resume_writing(self) -> None:
        """Read from the command again."""
        for output in self._outputs:
            output.hold(False)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the command end of file, and nobody to write to."""
        self._input.detach()
        for output in self._outputs:
            output.close()
        if self._task is None:
            self._closed()

    async def finish(self) -> None:
        """Wait until the command is gone; kill its process group if that takes too long."""
        if self._task is None:
            return
        await asyncio.wait([self._task], timeout=FINISH_SECONDS)
        self._send_signal("KILL")
        self._input.abort()
        await asyncio.wait([self._task])

    def _send_signal(self, name: str) -> None:
        number = getattr(signal, f"SIG{name}", None)
        process = self._process
        if process is None or process.returncode is not None or number is None:
            return
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError):  # it has ended in this moment
                os.killpg(process.pid, number)

    async def _run(self) -> None:
        try:
            self._process = await self._start()
            for name in self._early_signals:
                self._send_signal(name)
            for output in self._outputs:
                await output.ended.wait()
            # No end of file before the status is known: OpenSSH's client answers it by closing the
            # channel, and asyncssh sends nothing more on a channel that the client has closed.
            self._report(await self._process.wait())
        except OSError as error:
            self._refuse(error)
        finally:
            self._input.end()
            self._ended(self)
            self._closed()

    async def _start(self) -> asyncio.subprocess.Process:
        """Start the process on pipes of our own: asyncio's would be sockets on some Pythons."""
        pipes = [open_pipe() for _ in range(3)]
        theirs = (pipes[0][0], pipes[1][1], pipes[2][1])
        ours = (pipes[0][1], pipes[1][0], pipes[2][0])
        try:
            process = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=theirs[0],
                stdout=theirs[1],
                stderr=theirs[2],
                env={**self._settings.env, **self._connection_variables()},
                cwd=self._settings.home,
                start_new_session=True,
            )
        except OSError:
            for descriptor in ours:
                os.close(descriptor)
            raise
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        await self._connect(ours)
        return process

    async def _connect(self, descriptors: tuple[int, int, int]) -> None:
        """Join our ends of the pipes to the channel."""
        loop = asyncio.get_running_loop()
        stdin, stdout, stderr = (
            os.fdopen(d, m, 0) for d, m in zip(descriptors, MODES, strict=True)
        )
        await loop.connect_write_pipe(lambda: self._input, stdin)
        await loop.connect_read_pipe(lambda: self._outputs[0], stdout)
        await loop.connect_read_pipe(lambda: self._outputs[1], stderr)

    def _connection_variables(self) -> dict[str, str]:
        """Say which connection it is, as ssh(1) has it under ENVIRONMENT."""
        peer = self._channel.get_extra_info("peername")
        here = self._channel.get_extra_info("sockname")
        if not peer or not here:
            return {}
        return {
            "SSH_CLIENT": f"{peer[0]} {peer[1]} {here[1]}",
            "SSH_CONNECTION": f"{peer[0]} {peer[1]} {here[0]} {here[1]}",
        }

    def _report(self, status: int) -> None:
        """Send the exit status or the signal, and close the channel."""
        names = {member.value: member.name.removeprefix("SIG") for member in signal.Signals}
        if -status in names:
            self._channel.exit_with_signal(names[-status])
        else:
            self._channel.exit(abs(status))

    def _refuse(self, error: OSError) -> None:
        """Say why the command did not run, as sshd does: on its standard error."""
        if not self._channel.is_closing():
            self._channel.write_stderr(f"{self._argv[0]}: {error.strerror}\n".encode())
            self._channel.exit(1)
