"""What a test leaves behind in this process and on this machine."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from sshpyk_core.testing.conformance.patience import patiently

__all__ = ["Traces", "Watch"]

GONE_WITHIN_SECONDS = 8.0
_LOOK_AGAIN_SECONDS = 0.02
# Those in which asyncio looks up names, or reaps a child before Python 3.12: the loop's own, which
# the test ends, or an embedded server's.
_ASYNCIO_THREADS = ("asyncio_", "asyncio-waitpid-", "waitpid-")
_DESCRIPTORS = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"


@dataclass(frozen=True)
class Traces:
    """What there is at some moment.

    Attributes:
        threads: of this process.
        descriptors: open ones of this process: number and what it is, where the system tells.
        processes: on this side: process ids and names.
        files: below the test's home.
    """

    threads: frozenset[str]
    descriptors: frozenset[str]
    processes: frozenset[str]
    files: frozenset[str]

    def beyond(self, before: Traces) -> list[str]:
        """Name all that was not there before."""
        parts = (
            ("thread", self.threads - before.threads),
            ("open descriptor", self.descriptors - before.descriptors),
            ("process", self.processes - before.processes),
            ("file", self.files - before.files),
        )
        return [f"{kind}: {one}" for kind, left in parts for one in sorted(left)]


class Watch:
    """Looks for what is left since the moment when it was made.

    Args:
        home: HOME of the test.
        settle: called before each look; gives descriptors that are to be there.
    """

    def __init__(self, home: Path, settle: Callable[[], frozenset[int]]) -> None:
        """Remember what there is now."""
        self._home = home
        self._settle = settle
        self._known = frozenset(psutil.pids())
        self._before = self._look()

    def left(self) -> list[str]:
        """Name what is there now and was not then."""
        return self._look().beyond(self._before)

    def wait(self) -> list[str]:
        """Wait until nothing is left; name what does not go."""
        deadline = time.monotonic() + patiently(GONE_WITHIN_SECONDS)
        while left := self.left():
            if time.monotonic() > deadline:
                return left
            time.sleep(_LOOK_AGAIN_SECONDS)  # of most of these, nothing tells when they are gone
        return []

    @asynccontextmanager
    async def leaving_nothing(self) -> AsyncIterator[None]:
        """Fail when what is done inside leaves something behind, while the loop goes on."""
        yield
        deadline = time.monotonic() + patiently(GONE_WITHIN_SECONDS)
        while left := self.left():
            assert time.monotonic() < deadline, "left behind:\n" + "\n".join(left)
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def _look(self) -> Traces:
        wanted = self._settle()
        return Traces(
            frozenset(
                f"{thread.name} ({thread.ident})"
                for thread in threading.enumerate()
                if not thread.name.startswith(_ASYNCIO_THREADS)
            ),
            frozenset(_descriptors(wanted)),
            frozenset(_processes(self._home, self._known)),
            frozenset(str(path.relative_to(self._home)) for path in self._home.rglob("*")),
        )


def _descriptors(wanted: frozenset[int]) -> list[str]:
    if sys.platform == "win32":
        return []
    found = []
    for name in os.listdir(_DESCRIPTORS):
        with suppress(OSError):  # the one with which they are listed
            os.fstat(int(name))
            if int(name) not in wanted:
                found.append(f"{name} {_destination(name)}")
    return found


def _destination(name: str) -> str:
    try:
        return os.readlink(f"{_DESCRIPTORS}/{name}")
    except OSError:  # not Linux
        return ""


def _processes(home: Path, known: frozenset[int]) -> list[str]:
    """Find the processes that the test started: its children, and those with its home."""
    found = []
    for pid in psutil.pids():
        if pid not in known:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process = psutil.Process(pid)
                if _is_ours(process, str(home)):
                    found.append(f"{pid} {process.name()}")
    return found


def _is_ours(process: psutil.Process, home: str) -> bool:
    if process.status() == psutil.STATUS_ZOMBIE:
        return bool(process.ppid() == os.getpid())
    environment = process.environ()
    if environment.get("HOME") == home:
        return True
    # A child with SSH_CONNECTION is a command that an embedded server runs: the far side.
    return bool(process.ppid() == os.getpid()) and "SSH_CONNECTION" not in environment
