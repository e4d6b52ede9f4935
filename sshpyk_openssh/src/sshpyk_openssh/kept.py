"""Control masters that outlive the program that started them, until they are lost or ended."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import shutil
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from sshpyk_core.types import KeptLogin, Target

from sshpyk_openssh import command as ssh_command
from sshpyk_openssh import private_directory
from sshpyk_openssh.askpass import Askpass
from sshpyk_openssh.command import SshCommand
from sshpyk_openssh.kept_record import Record, folder, record_path
from sshpyk_openssh.master import Master, open_at, start, start_time
from sshpyk_openssh.mux import MuxConnection

__all__ = ["appears", "end", "find", "find_open", "start_kept"]

_log = logging.getLogger(__name__)

# Between two looks at a file: no program is started for it.
_GLANCE_SECONDS = 2.0
_GLANCES_BETWEEN_TRIES = 15


async def find_open(command: SshCommand) -> Master | None:
    """Return the control master that is kept for a target, if there is one and it really works.

    One that does not is left alone: its network may come back. What is left of one that has ended
    is removed.
    """
    path = _record_path(command)
    record = Record.read(path) if path else None
    if path is None or record is None:
        return None
    # One in /tmp may have been cleaned away, and another user may listen under its name.
    private = private_directory.is_private(Path(record.socket).parent)
    found = await open_at(record.socket, command) if private else None
    if found is None and not await _lives(record):
        _forget(path, record)
    return found


async def start_kept(command: SshCommand, askpass: Askpass) -> Master:
    """Start a control master that is kept; where there is no place for it, one that is not.

    Args:
        command: for whom.
        askpass: answers what ssh asks until it is logged in.

    Raises:
        ConnectError: the subclass that fits what ssh said.
    """
    place = folder(make=True)
    if place is None:
        _log.warning("%s: no place to keep a login", command.target.alias)
        return await start(command, askpass)
    path = record_path(command, place)
    before = Record.read(path)  # of one that does not work, else it would be used
    made = await start(command, askpass, place)
    try:
        record = Record(made.path, made.pid, made.started or "", time.time())
        if not record.write(path, replace=False):
            old = Record.read(path)
            # Somebody else may have logged in at the same time.
            if old != before and (other := await find_open(command)):
                await made.release()
                return other
            record.write(path, replace=True)
            if old is not None:
                await _end(old)
    except OSError as error:
        _log.warning("%s: the login cannot be kept: %s", command.target.alias, error)
        return made
    except BaseException:
        await made.release()
        raise
    return replace(made, directory=None)


async def find(target: Target) -> KeptLogin | None:
    """Tell of the control master that is kept for a target, if it works: see LoginKeeper."""
    command = await ssh_command.prepare(target, None)
    if command.options.multiplex == "never":
        return None
    path = _record_path(command)
    record = Record.read(path) if path else None
    found = await find_open(command)
    if found is None or record is None:
        return None
    await found.release()
    return KeptLogin(record.since)


async def end(target: Target) -> bool:
    """End the control master that is kept for a target: see LoginKeeper."""
    command = await ssh_command.prepare(target, None)
    path = _record_path(command)
    record = Record.read(path) if path else None
    if path is None or record is None:
        return False
    lived = await _lives(record)
    await _end(record)
    _forget(path, record)
    return lived


async def appears(target: Target) -> None:
    """Wait until a control master is kept for a target that works: see LoginKeeper."""
    command = await ssh_command.prepare(target, None)
    if command.options.multiplex == "never":  # it would not be used
        await asyncio.get_running_loop().create_future()
    before: Record | None = None
    for glance in itertools.count():
        path = _record_path(command)
        record = Record.read(path) if path else None
        # One that did not work is tried again now and then: its network may have come back.
        if record is not None and (record != before or glance % _GLANCES_BETWEEN_TRIES == 0):
            before = record
            if (found := await find_open(command)) is not None:
                await found.release()
                return
        await asyncio.sleep(_GLANCE_SECONDS)


def _record_path(command: SshCommand) -> Path | None:
    place = folder()
    return record_path(command, place) if place else None


async def _lives(record: Record) -> bool:
    return bool(record.started) and await start_time(record.pid) == record.started


async def _end(record: Record) -> None:
    """Tell it to end; kill it if it does not. Its directory goes with it."""
    directory = Path(record.socket).parent
    if not directory.name.startswith(private_directory.PREFIX):
        return
    try:
        if not private_directory.is_private(directory):
            raise PermissionError(f"{directory} is open to others")
        keeper = await MuxConnection.open(record.socket)
    except OSError:  # it hangs, or its socket is gone, or another's
        if sys.platform != "win32" and await _lives(record):
            with contextlib.suppress(ProcessLookupError):
                os.kill(record.pid, signal.SIGKILL)
        shutil.rmtree(directory, ignore_errors=True)
    else:
        await Master(record.socket, keeper, directory, record.pid, record.started or None).release()


def _forget(path: Path, record: Record) -> None:
    """Remove what is left of one that has ended, unless another has taken its place."""
    directory = Path(record.socket).parent
    if directory.name.startswith(private_directory.PREFIX):
        shutil.rmtree(directory, ignore_errors=True)
    if Record.read(path) == record:
        path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # others may be kept there
        path.parent.rmdir()
        path.parent.parent.rmdir()
