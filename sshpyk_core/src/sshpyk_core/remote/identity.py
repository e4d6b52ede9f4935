"""Which process a number means.

Process numbers are used again. A process is known by its number together with the time at which
it started, and nothing is killed by a number alone.
"""

import os
import subprocess
import sys
from typing import Any, List, Optional

LINUX = sys.platform == "linux"

GONE = (b"Z", b"X")
"""States of a process that has exited and was not reaped yet."""


def start_of(pid: int) -> Optional[str]:
    """Give the time at which a process started, in whatever form this system tells it.

    Args:
        pid: of any process; one that has exited and was not reaped yet counts as gone.

    Returns:
        What never changes for this process and differs for the next one with its number; None
        when there is no such process. On Linux the field ``starttime`` of proc_pid_stat(5),
        elsewhere what ps(1) says.
    """
    return _start_from_proc(pid) if LINUX else _start_from_ps(pid)


def _start_from_proc(pid: int) -> Optional[str]:
    fields = _stat(pid)
    return fields[19].decode("ascii") if fields and fields[0] not in GONE else None


def _stat(pid: int) -> List[bytes]:
    """Give the fields of proc_pid_stat(5) from the state on; none when there is no process."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            content = file.read()
    except OSError:
        return []
    # Before them stands the program's name in parentheses, and it may itself have any of these.
    return content.rpartition(b")")[2].split()


def _start_from_ps(pid: int) -> Optional[str]:
    command = ["ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)]
    try:
        # The same words for everybody who asks, wherever they say that they are.
        env = dict(os.environ, LC_ALL="C", TZ="UTC")
        said = subprocess.check_output(command, env=env, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return None
    words = said.decode("ascii", "replace").split()
    return None if not words or words[0].startswith("Z") else " ".join(words[1:])


def is_same(pid: Any, started: Any) -> bool:
    """Say whether a process that was recorded with its start still runs."""
    return isinstance(pid, int) and pid > 0 and bool(started) and start_of(pid) == started


def members(group: int) -> List[int]:
    """Give the processes of a process group that still run; none where there is no /proc."""
    found = []
    for name in os.listdir("/proc") if LINUX else ():
        fields = _stat(int(name)) if name.isdigit() else []
        if fields and fields[0] not in GONE and int(fields[2]) == group:
            found.append(int(name))
    return found


def mentions(pid: int, text: bytes) -> bool:
    """Say whether a process was given this text, in an argument or in its environment."""
    for name in ("cmdline", "environ"):
        try:
            with open("/proc/%d/%s" % (pid, name), "rb") as file:
                if text in file.read():
                    return True
        except OSError:
            continue  # it has ended, or is not ours to look at
    return False
