"""See, await and end processes of this machine, never one that only inherited a process id."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

__all__ = [
    "Process",
    "children_of",
    "is_alive",
    "kill",
    "program",
    "running",
    "wait_ended",
    "wait_gone",
    "with_home",
]


@dataclass(frozen=True)
class Process:
    """A process as it was when it was seen; two are equal only when they are the same process."""

    pid: int
    started: int
    command: str = field(compare=False)

    def __str__(self) -> str:
        return f"{self.pid} {self.command}"


def with_home(home: Path) -> list[Process]:
    """Find every process whose environment says ``HOME=<home>``."""
    wanted = f"HOME={home}".encode()
    return [_describe(pid) for pid in _pids() if wanted in _read(pid, "environ").split(b"\0")]


def running(name: str) -> list[Process]:
    """Find every process that runs a program of this name."""
    return [each for each in map(_describe, _pids()) if program(each) == name]


def with_home_below(folder: Path) -> list[Process]:
    """Find every process whose home directory is in a folder."""
    wanted = f"HOME={folder}/".encode()
    return [
        _describe(pid)
        for pid in _pids()
        if any(line.startswith(wanted) for line in _read(pid, "environ").split(b"\0"))
    ]


def children_of(pid: int) -> list[Process]:
    """Find a process's children and theirs, down to the last."""
    parents: dict[int, list[int]] = {}
    for other in _pids():
        if state := _stat(other):
            parents.setdefault(int(state[1]), []).append(other)
    found: list[int] = []
    todo = [pid]
    while todo:
        todo = [child for parent in todo for child in parents.get(parent, [])]
        found += todo
    return [process for process in map(_describe, found) if is_alive(process)]


def is_alive(process: Process) -> bool:
    """Say whether it still runs; one that has exited and waits for its parent does not."""
    state = _stat(process.pid)
    return bool(state) and state[0] != "Z" and int(state[19]) == process.started


def program(process: Process) -> str:
    """Give the name of the program that it runs; empty when it has exited."""
    return _read(process.pid, "comm").decode(errors="replace").strip()


def wait_gone(find: Callable[[], list[Process]], timeout: float) -> list[Process]:
    """Wait until ``find`` finds nothing; return what it still finds after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while processes := find():
        left = deadline - time.monotonic()
        if left <= 0:
            return processes
        _wait_for_exit(processes, left)
    return []


def wait_ended(some: Sequence[Process], timeout: float) -> list[Process]:
    """Wait until these have ended; return those that still run after ``timeout`` seconds."""
    return wait_gone(lambda: [each for each in some if is_alive(each)], timeout)


def kill(find: Callable[[], list[Process]]) -> None:
    """Kill whatever ``find`` finds, and what that starts meanwhile; return when it is gone."""
    deadline = time.monotonic() + 10
    while (processes := find()) and time.monotonic() < deadline:
        for process in processes:
            with suppress(ProcessLookupError), ExitStack() as stack:
                descriptor = _pidfd(process.pid, stack)
                if is_alive(process):
                    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        _wait_for_exit(processes, 1)


def _wait_for_exit(processes: list[Process], timeout: float) -> None:
    """Wait until each has exited, at most ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    for process in processes:
        with suppress(ProcessLookupError), ExitStack() as stack:
            poll = select.poll()
            poll.register(_pidfd(process.pid, stack), select.POLLIN)
            poll.poll(max(0, deadline - time.monotonic()) * 1000)


def _pidfd(pid: int, stack: ExitStack) -> int:
    descriptor = os.pidfd_open(pid)
    stack.callback(os.close, descriptor)
    return descriptor


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _describe(pid: int) -> Process:
    command = _read(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()
    state = _stat(pid)
    return Process(pid, int(state[19]) if state else 0, command)


def _stat(pid: int) -> list[str]:
    """Give the fields of proc_pid_stat(5) from the state on; none when it is gone."""
    return _read(pid, "stat").decode(errors="replace").rpartition(")")[2].split()


def _read(pid: int, name: str) -> bytes:
    """Read a file of a process; one that has gone or is not ours reads as empty."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""
