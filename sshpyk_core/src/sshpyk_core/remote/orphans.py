"""What a supervisor that was killed has left on this host: ended, removed, and told of.

Nothing is believed of a process but what its number and its start time say together, and nothing
is touched that may belong to another machine with the same home directory.
"""

import os
import shutil
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import Any, List, Mapping, NamedTuple, Optional

from . import endings, identity, rendezvous, state

FIRST_STATE_PATIENCE = 60.0
"""Seconds that a directory may be without a readable state file before it counts as left."""


class Account(NamedTuple):
    """What became of a supervisor."""

    lives: bool
    """Whether it runs, or may run for all that can be known here."""
    words: str
    """For the user, as the end of a sentence about the kernel."""


def account_for(directory: str) -> Account:
    """Find out what became of a supervisor; where it is dead, end and remove what it left.

    Args:
        directory: the supervisor's. Only one of this user's, directly in a folder with the name
            that such folders have, is ever removed, and no link is followed to it.
    """
    if not state.is_supervisors(directory):
        return Account(False, endings.read(directory) or "its supervisor has ended")
    known = state.read_json(os.path.join(directory, state.STATE_FILE))
    restarted = _restarted(known)
    if is_elsewhere(known):
        return Account(True, "its supervisor runs on another machine, %s" % known["host"])
    if _lives(directory, known, restarted):
        return Account(True, "its supervisor%s cannot be reached" % _number(known))
    if restarted:
        words = "the host has been restarted since"
    elif "supervisor_pid" in known:
        words = "its supervisor was killed" + _number(known) + _end_kernel(directory, known)
    elif _age(directory) < FIRST_STATE_PATIENCE:
        # It begins, or is being removed.
        return Account(False, endings.read(directory) or "its supervisor has not told anything")
    else:
        words = "its supervisor ended before it had told anything"
    # Before it goes: who asks at the same time finds the one or the other.
    endings.leave(directory, words)
    shutil.rmtree(directory, ignore_errors=True)
    return Account(False, words)


def sweep(base: str) -> List[str]:
    """Account for each supervisor whose directory is below ``base``; give what is told of the dead.

    Args:
        base: directory of the remote package.
    """
    accounts = [account_for(directory) for directory in directories(base)]
    return [account.words for account in accounts if not account.lives]


def directories(base: str) -> List[str]:
    """Give the directories of supervisors below ``base``, also of dead ones; forget old endings."""
    folder = os.path.join(base, state.SUPERVISORS)
    if state.is_planted_link(base):
        return []
    endings.forget_old(base)
    try:
        paths = [os.path.join(folder, name) for name in os.listdir(folder)]
    except OSError:
        return []
    return [path for path in paths if state.is_supervisors(path)]


def bases(env: Mapping[str, str], wanted: Optional[str] = None) -> List[str]:
    """Give the directories in which supervisors may have been started from here.

    Args:
        env: the environment of the login.
        wanted: what a kernel spec asks for, if it does.
    """
    own = os.path.dirname(os.path.abspath(sys.argv[0]))
    return [*state.candidates(wanted, env), own]


def _age(directory: str) -> float:
    """Give the seconds since something in it was made or removed."""
    try:
        return time.time() - os.lstat(directory).st_mtime
    except OSError:
        return 0.0


def _restarted(known: Mapping[str, Any]) -> bool:
    """Say whether the record is from before the host was booted."""
    here = state.boot_id()
    return bool(here and known.get("boot_id")) and known["boot_id"] != here


def is_elsewhere(known: Mapping[str, Any]) -> bool:
    """Say whether the record is another machine's, with which this one shares the directory."""
    if known.get("host", socket.gethostname()) != socket.gethostname():
        return True
    # Some machines share even a name.
    if known.get("machine", state.machine_id()) != state.machine_id():
        return True
    # Copies of a machine share its id too; the same one has not written since it was booted.
    changed = known.get("changed")
    return _restarted(known) and isinstance(changed, float) and changed > state.boot_time() > 0


def _lives(directory: str, known: Mapping[str, Any], restarted: bool) -> bool:
    recorded = (known.get("supervisor_pid"), known.get("supervisor_started"))
    if not restarted and identity.is_same(*recorded):
        return True
    # Its process may not be seen from here (another container) or not be on record (a full disk).
    try:
        rendezvous.connect(directory).close()
    except (ConnectionRefusedError, FileNotFoundError):
        return False
    except OSError:
        return True
    return True


def _end_kernel(directory: str, known: Mapping[str, Any]) -> str:
    """Kill what runs of the kernel, if that is certain; tell what became of it."""
    pid = known.get("pid")
    if not isinstance(pid, int):
        return ""
    fate = "has ended too"
    if _is_the_group(pid, known.get("kernel_started"), directory):
        with suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
            fate = "was stopped with it"
    return ", and its kernel (pid %d) %s" % (pid, fate)


def _is_the_group(pid: int, started: Optional[str], directory: str) -> bool:
    """Say whether the process group with this number is still the kernel's.

    It is when its leader is the process on record. The leader may have ended before the kernel,
    where the kernel spec's command only starts another (``conda run``): the number of a group is
    not used again while the group has members, so one of them that knows this directory is enough.
    """
    if identity.is_same(pid, started):
        return True
    own = os.path.join(state.SUPERVISORS, os.path.basename(directory))
    return any(identity.mentions(each, os.fsencode(own)) for each in identity.members(pid))


def _number(known: Mapping[str, Any]) -> str:
    return " (pid %s)" % known["supervisor_pid"] if "supervisor_pid" in known else ""
