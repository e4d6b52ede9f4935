"""How much memory and processor time process groups use: from /proc, elsewhere from ps(1)."""

import os
import subprocess
import time
from typing import Callable, Dict, Iterable, List, NamedTuple

from .identity import LINUX

INTERVAL = 0.2
"""Seconds over which the share of a processor is measured."""


class Process(NamedTuple):
    """One, with memory in bytes and processor time in seconds."""

    pid: int
    parent: int
    group: int
    memory: int
    seconds: float


class Usage(NamedTuple):
    """What a process and all that belongs to it use; 100 percent is one processor."""

    memory: int
    seconds: float
    percent: float


def measure(pids: Iterable[int]) -> Dict[int, Usage]:
    """Measure what some process groups use, for :data:`INTERVAL` seconds.

    Args:
        pids: their leaders; what these have started belongs to them, in whatever group.

    Returns:
        By leader; those that have ended are left out.
    """
    wanted = list(pids)
    if not wanted:
        return {}
    before, began = _all(), time.monotonic()
    time.sleep(INTERVAL)
    after, lasted = _all(), time.monotonic() - began
    found = {}
    for pid in wanted:
        members = _members(pid, after)
        if not members:
            continue
        earlier = {each.pid: each.seconds for each in _members(pid, before)}
        # One that began or ended meanwhile does not count: its time may be that of long before.
        spent = sum(each.seconds - earlier.get(each.pid, each.seconds) for each in members)
        found[pid] = Usage(
            sum(each.memory for each in members),
            round(sum(each.seconds for each in members), 2),
            round(max(0.0, 100 * spent / lasted), 1),
        )
    return found


def _members(leader: int, processes: List[Process]) -> List[Process]:
    """Give the processes of a group, and those that descend from its leader."""
    children: Dict[int, List[Process]] = {}
    for each in processes:
        children.setdefault(each.parent, []).append(each)
    found = {each.pid: each for each in processes if leader in (each.group, each.pid)}
    todo = list(found.values())
    while todo:
        for child in children.get(todo.pop().pid, []):
            if child.pid not in found:
                found[child.pid] = child
                todo.append(child)
    return list(found.values())


def _from_proc() -> List[Process]:
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % name, "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if len(fields) > 21 and fields[0] not in (b"Z", b"X"):
            seconds = (int(fields[11]) + int(fields[12])) / tick
            memory = int(fields[21]) * page
            found.append(Process(int(name), int(fields[1]), int(fields[2]), memory, seconds))
    return found


def _from_ps() -> List[Process]:
    command = ["ps", "-A", "-o", "pid=,ppid=,pgid=,rss=,time="]
    try:
        env = dict(os.environ, LC_ALL="C")
        said = subprocess.check_output(command, env=env, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return []
    found = []
    for line in said.decode("ascii", "replace").splitlines():
        words = line.split()
        if len(words) == 5 and all(each.isdigit() for each in words[:4]):
            pid, parent, group, memory = map(int, words[:4])
            found.append(Process(pid, parent, group, memory * 1024, seconds_of(words[4])))
    return found


def seconds_of(text: str) -> float:
    """Give the seconds that ps(1) means: ``[[days-]hours:]minutes:seconds``."""
    days, _, clock = text.rpartition("-")
    seconds = 0.0
    try:
        for part in clock.split(":"):
            seconds = 60 * seconds + float(part)
        return seconds + 86400 * int(days or 0)
    except ValueError:
        return 0.0


_all: Callable[[], List[Process]] = _from_proc if LINUX else _from_ps
