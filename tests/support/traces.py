"""What a kernel start that failed must not leave behind, here or there."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sshpyk_core.background import background

from support import processes
from support.far import FarSide
from support.openssh import local_ssh

__all__ = ["leaving_nothing", "listening_ports"]

LISTENING = "0A"
GONE_WITHIN = 10.0


@dataclass(frozen=True)
class Traces:
    """What belongs to this process at some moment.

    Attributes:
        ports: TCP ports that it listens on.
        threads: its threads, without the one of the background loop.
        files: everything below the test's home, where the runtime directories are too.
    """

    ports: frozenset[int]
    threads: frozenset[threading.Thread]
    files: frozenset[Path]

    def are_in(self, others: Traces) -> bool:
        """Say whether nothing has come to these others."""
        return (
            self.ports <= others.ports
            and self.threads <= others.threads
            and self.files <= others.files
        )


@contextmanager
def leaving_nothing(far: FarSide, within: float = 1) -> Iterator[None]:
    """Fail when what is done inside leaves a port, a thread, a file or a process behind.

    On the host the remote package may stay, and the folder for supervisors, empty. Processes may
    take a while to end; this process's own traces are given ``within`` seconds: a thread that has
    told its end lives on for a moment.
    """
    assert background.loop.is_running()
    before, kept_before = _look(far), _kept(far)
    assert far.server.processes() == []
    yield
    deadline = time.monotonic() + within
    while not (after := _look(far)).are_in(before) and time.monotonic() < deadline:
        time.sleep(0.01)  # of what another thread tidies up, nothing tells when it is done
    assert after.ports <= before.ports
    assert after.threads <= before.threads, after.threads - before.threads
    assert after.files <= before.files
    assert processes.wait_gone(lambda: local_ssh(far.server), GONE_WITHIN) == []
    assert processes.wait_gone(far.server.processes, GONE_WITHIN) == []
    assert far.supervisors() == []
    new = _kept(far) - kept_before
    assert all(name.endswith(".pyz") or name == "supervisors" for name in new), new


def _kept(far: FarSide) -> set[str]:
    """Give what lies in the directory of the remote package."""
    return {path.name for path in (far.server.home / ".cache/sshpyk").glob("*")}


def listening_ports() -> frozenset[int]:
    """Give the TCP ports that this process listens on, from proc_pid_net(5)."""
    mine = {_target(entry) for entry in Path("/proc/self/fd").iterdir()}
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING and f"socket:[{fields[9]}]" in mine:
                ports.add(int(fields[1].rpartition(":")[2], 16))
    return frozenset(ports)


def _target(descriptor: Path) -> str:
    try:
        return os.readlink(descriptor)
    except FileNotFoundError:
        return ""


def _look(far: FarSide) -> Traces:
    # Ours, and those in which asyncio reaps a child before Python 3.12: they end with the child.
    known = ("sshpyk", "waitpid-", "asyncio-waitpid-")
    threads = frozenset(t for t in threading.enumerate() if not t.name.startswith(known))
    return Traces(listening_ports(), threads, frozenset(far.local.home.rglob("*")))
