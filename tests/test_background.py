"""The background loop: work that is cancelled has been undone, and a fork has a loop of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from sshpyk_core.background import background

FORKED = """
import asyncio, os, sys, threading, warnings
from sshpyk_core.background import background
from sshpyk_core.hosts import hosts
from sshpyk_core.types import Target

warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)

async def where():
    return asyncio.get_running_loop(), threading.get_ident(), hosts.get(Target("nowhere"))

mine = background.call(where(), 10)
assert background.call(where(), 10) == mine
pid = os.fork()
if pid == 0:
    status = 1
    try:
        theirs = background.call(where(), 10)
        assert theirs[0] is not mine[0], "the loop is the parent's"
        assert theirs[2] is not mine[2], "the host is the parent's"
        assert background.call(where(), 10) == theirs
        background.call(hosts.aclose(), 10)
        status = 0
    finally:
        sys.stderr.flush()
        os._exit(status)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert background.call(where(), 10) == mine
"""

ENDING = """
import atexit
from sshpyk_core.background import background

async def close():
    print("sessions are closed")

background.before_exit(close)
atexit.register(print, "a library ends its threads")
background.before_exit(close)
background.loop
"""


async def test_a_cancelled_run_returns_only_when_the_work_has_been_undone() -> None:
    loop = asyncio.get_running_loop()
    begun, cancelled, may_undo = asyncio.Event(), asyncio.Event(), asyncio.Event()
    undone: list[bool] = []

    async def work() -> None:
        assert asyncio.get_running_loop() is background.loop
        release = asyncio.Event()
        loop.call_soon_threadsafe(begun.set)
        try:
            await asyncio.Event().wait()
        finally:
            released = asyncio.run_coroutine_threadsafe(may_undo.wait(), loop)
            loop.call_soon_threadsafe(cancelled.set)
            released.add_done_callback(lambda _: background.loop.call_soon_threadsafe(release.set))
            await release.wait()
            undone.append(True)

    run = asyncio.create_task(background.run(work()))
    await asyncio.wait_for(begun.wait(), 10)
    run.cancel()
    await asyncio.wait_for(cancelled.wait(), 10)
    assert not run.done()
    may_undo.set()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(run, 10)
    assert undone == [True]


async def test_work_that_ends_gives_its_result_or_its_error() -> None:
    async def work(error: Exception | None) -> int:
        if error is not None:
            raise error
        return 5

    assert await background.run(work(None)) == 5
    with pytest.raises(LookupError, match="not there"):
        await background.run(work(LookupError("not there")))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork on Windows")
def test_a_forked_process_has_a_loop_and_hosts_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKED], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_sessions_are_closed_once_and_before_a_library_ends_its_threads() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDING], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.splitlines() == ["sessions are closed", "a library ends its threads"]
    assert (done.returncode, done.stderr) == (0, "")
