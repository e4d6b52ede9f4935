"""The control master behind a session: the user's own where one is open, else one of ours."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from sshpyk_core.errors import ConnectError, HostUnreachableError
from sshpyk_core.local_tool import ask_tool, start_group

from sshpyk_openssh import private_directory
from sshpyk_openssh.askpass import Askpass
from sshpyk_openssh.command import SshCommand
from sshpyk_openssh.failures import connect_error, spoken, try_it
from sshpyk_openssh.mux import MuxConnection, MuxRefusedError, MuxTimeoutError, session_body

__all__ = ["Master", "find_open", "open_at", "start", "start_time"]

_log = logging.getLogger(__name__)

# Where nobody is asked, what takes longer hangs: a FIDO key or a slow directory service fits.
_LOG_IN_LIMIT_SECONDS = 120.0
# A master that was opened by others may sit on a dead network without knowing it.
_PROBE_LIMIT_SECONDS = 5.0
_PS_LIMIT_SECONDS = 3.0


@dataclass(frozen=True)
class Master:
    """A control master that answers.

    Attributes:
        path: its control socket.
        keeper: a connection to it that stays open: it ends when the master ends, and keeps a
            master that has ControlPersist from ending while we live.
        directory: the private directory of a master of ours; None for the user's.
        pid: its process.
        started: when that process started, as the system tells it; None when it does not.
    """

    path: str
    keeper: MuxConnection
    directory: Path | None
    pid: int
    started: str | None

    @property
    def ours(self) -> bool:
        """Whether we started it, and so end it."""
        return self.directory is not None

    async def release(self) -> None:
        """End a master of ours with all that belongs to it; let go of the user's."""
        try:
            if self.directory is not None and not self.keeper.ended.done():
                await self.keeper.stop_master()
        except (MuxTimeoutError, MuxRefusedError):
            await self._kill()
        finally:
            if self.directory is not None:
                shutil.rmtree(self.directory, ignore_errors=True)
            await self.keeper.aclose()

    async def _kill(self) -> None:
        if sys.platform == "win32" or self.started is None:
            return
        if await start_time(self.pid) == self.started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


async def find_open(command: SshCommand) -> Master | None:
    """Return the user's own control master for the target, if one is open and really works.

    It answers on its socket also when the network behind it has gone, or when the server allows no
    further session on it; so one trivial command has to come back.
    """
    path = command.settings.control_path
    if path is None or not _is_mine(path):
        return None
    return await open_at(path, command)


async def open_at(path: str, command: SshCommand) -> Master | None:
    """Return the control master that listens at a path, as one that is not ours to end.

    Args:
        path: its control socket.
        command: for whom.
    """
    try:
        keeper = await MuxConnection.open(path)
    except OSError:
        return None
    try:
        pid = await keeper.alive()
        await asyncio.wait_for(_probe(path), _PROBE_LIMIT_SECONDS)
    except (OSError, MuxRefusedError, asyncio.TimeoutError) as error:
        _log.debug("%s: its open control master is of no use: %r", command.target.alias, error)
        await keeper.aclose()
        return None
    except BaseException:
        await keeper.aclose()
        raise
    return Master(path, keeper, None, pid, None)


async def start(command: SshCommand, askpass: Askpass, keep_in: Path | None = None) -> Master:
    """Start a control master of our own, and return when it is logged in.

    Args:
        command: for whom.
        askpass: answers what ssh asks until then.
        keep_in: where to put one that stays when it has no clients; None for one that does not.

    Raises:
        ConnectError: the subclass that fits what ssh said.
    """
    directory = private_directory.make(keep_in)
    path = directory / secrets.token_hex(2)
    try:
        await _log_in(command, askpass, path, kept=keep_in is not None)
        keeper = await MuxConnection.open(str(path))
        try:
            pid = await keeper.alive()
            return Master(str(path), keeper, directory, pid, await start_time(pid))
        except BaseException:
            await keeper.aclose()
            raise
    except BaseException as error:
        await _undo(path)
        if isinstance(error, (OSError, MuxRefusedError)):
            raise _no_socket(command, error) from error
        raise


async def _log_in(command: SshCommand, askpass: Askpass, path: Path, *, kept: bool) -> None:
    said = path.with_suffix(".log")
    with said.open("wb") as errors:
        # A file, not a pipe: the master in the background keeps it open for good. And in a session
        # of its own, away from the terminal, so that a Ctrl-C there does not end it.
        process = await start_group(
            *command.master(str(path), kept=kept),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=errors,
            env=askpass.environment,
        )
    askpass.started(process.pid, lambda: process.returncode is None)
    limit = _LOG_IN_LIMIT_SECONDS if command.unattended else None
    try:
        status = await asyncio.wait_for(askpass.while_logging_in(process.wait()), limit)
    except asyncio.TimeoutError as error:
        words = f"{spoken(_read(said))}\nno login within {_LOG_IN_LIMIT_SECONDS:.0f} s".strip()
        raise HostUnreachableError(
            command.target.alias, "connect", words, try_it(command)
        ) from error
    finally:
        await process.end()
    if command.options.verbose:
        _log.debug("%s: ssh says:\n%s", command.target.alias, _read(said))
    if status != 0:
        raise connect_error(command, _read(said))


def _is_mine(path: str) -> bool:
    """Tell whether a control socket belongs to this user: others could lay one out in /tmp."""
    with contextlib.suppress(OSError):
        return sys.platform != "win32" and os.stat(path).st_uid == os.geteuid()
    return False


async def _undo(path: Path) -> None:
    """End what may have slipped into the background before it was killed, and clean up."""
    try:
        keeper = await MuxConnection.open(str(path))
    except OSError:
        pass
    else:
        await Master(str(path), keeper, path.parent, 0, None).release()
    finally:
        shutil.rmtree(path.parent, ignore_errors=True)


async def _probe(path: str) -> None:
    connection = await MuxConnection.open(path)
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        try:
            body = session_body("exit 0", (), agent=False)
            await connection.open_session(body, [nowhere] * 3)
        finally:
            os.close(nowhere)
        await asyncio.wait([connection.ended])
    finally:
        await connection.aclose()


def _no_socket(command: SshCommand, error: Exception) -> ConnectError:
    fix = 'Set the transport option "multiplex" to "never" in the kernel spec.'
    words = f"ssh logged in, but its control socket does not answer: {error}"
    return ConnectError(command.target.alias, "connect", words, fix)


def _read(path: Path) -> str:
    return path.read_text(errors="replace")


async def start_time(pid: int) -> str | None:
    """Return what tells a process from any other with its number; None when it is not known.

    One that has ended and is not reaped yet counts as gone.
    """
    try:
        if sys.platform == "linux":
            boot = _read(Path("/proc/sys/kernel/random/boot_id")).strip()
            facts = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()  # proc(5)
            return None if facts[0] in "ZX" else f"{facts[19]} {boot}"
        answer = await ask_tool(["ps", "-o", "lstart=", "-p", str(pid)], _PS_LIMIT_SECONDS)
    except (OSError, IndexError, asyncio.TimeoutError):
        return None
    return answer.output.strip() or None
