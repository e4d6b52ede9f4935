"""Signals to processes of the host."""

from __future__ import annotations

import asyncio

from sshpyk_core.testing.conformance.remote import sh
from sshpyk_core.testing.conformance.runner import within
from sshpyk_core.testing.conformance.topic import Topic
from sshpyk_core.testing.conformance.trial import SOON_SECONDS, Trial
from sshpyk_core.types import RemoteProcess

__all__ = ["Signals"]

TRAP = """
import os, signal, sys
def trap(*_):
    os.write(1, b"got it\\n")
    os._exit(5)
signal.signal(signal.SIGUSR1, trap)
print(os.getpid(), int(signal.SIGUSR1), flush=True)
while True:
    signal.pause()
"""
GROUP = """
import os, subprocess, sys
if os.getpgid(0) != os.getpid():
    os.setpgid(0, 0)
child = subprocess.Popen(["sleep", "600"])
print(os.getpid(), child.pid, flush=True)
child.wait()
"""


class Signals(Topic):
    """``sshpyk_signal``."""

    async def test_signal_0_asks_whether_a_process_is_there(self, trial: Trial) -> None:
        async with trial.session() as session:
            process = await trial.launch(session, sh("echo $$; exec cat"))
            pid = int(await _said(process))
            assert await trial.transport.signal(session, pid, 0) is True
            process.stdin.close()
            assert await process.wait() == 0
            await process.terminate()
            assert await trial.transport.signal(session, pid, 0) is False

    async def test_a_signal_is_delivered(self, trial: Trial) -> None:
        async with trial.session() as session:
            process = await trial.launch(session, trial.python(TRAP))
            pid, signum = map(int, (await _said(process)).split())
            assert await trial.transport.signal(session, pid, signum) is True
            assert await within(SOON_SECONDS, process.stdout.read(), "a trap") == b"got it\n"
            assert await within(SOON_SECONDS, process.wait(), "the end by a signal") == 5
            await process.terminate()

    async def test_a_negative_pid_is_a_process_group(self, trial: Trial) -> None:
        async with trial.session() as session:
            process = await trial.launch(session, trial.python(GROUP))
            leader, child = map(int, (await _said(process)).split())
            assert await trial.transport.signal(session, -leader, 0) is True
            assert await trial.transport.signal(session, -leader, 9) is True
            await within(SOON_SECONDS, process.wait(), "the end by a signal")
            await process.terminate()
            for pid in (leader, child, -leader):
                while await trial.transport.signal(session, pid, 0):
                    await asyncio.sleep(0.05)  # until whoever inherited it has reaped it
            assert await trial.transport.signal(session, -leader, 9) is False


async def _said(process: RemoteProcess) -> bytes:
    return await within(SOON_SECONDS, process.stdout.read(100), "a first line")
