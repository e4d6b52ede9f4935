"""A program that was suspended finds out at once whether its connection is still good."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from sshpyk_core.testing.relay import Relay
from support.far import FarSide
from support.managers import READY

from sshpyk_core import suspend

MakeFarSide = Callable[..., FarSide]

LONG = 600.0

SUSPEND = suspend.NOTICED + suspend.LONGEST_NAP + 0.5
"""Seconds of a suspend that is sure to be noticed."""

PROGRAM = """
import sys
from jupyter_client.manager import KernelManager

manager = KernelManager(kernel_name="far")
manager.start_kernel()
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=60)
print("ready", file=sys.stderr, flush=True)
for line in sys.stdin:
    client.execute_interactive(line, timeout=60)
    print("done", file=sys.stderr, flush=True)
client.stop_channels()
manager.shutdown_kernel(now=True)
"""


class Program:
    """A program with a kernel; what it logs comes on its standard error."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def says(self, words: str) -> str:
        assert self.process.stderr is not None
        while True:
            line = (await asyncio.wait_for(self.process.stderr.readline(), READY)).decode()
            assert line, self.lines
            self.lines.append(line)
            if words in line:
                return line

    async def run(self, code: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{code}\n".encode())
        await self.process.stdin.drain()

    async def suspend(self) -> None:
        self.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(SUSPEND)
        self.process.send_signal(signal.SIGCONT)


@asynccontextmanager
async def program_with_kernel() -> AsyncIterator[Program]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, stdin=pipe, stdout=pipe, stderr=pipe
    )
    program = Program(process)
    try:
        await program.says("ready")
        yield program
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.ways(servers=["sshd"], why="a relay stands before it")
async def test_a_suspend_over_which_the_connection_died_is_noticed_at_once(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    with Relay(far.server.port) as relay:
        far.server.reach_through(relay.port)
        # Without a suspend, silence would not be noticed within this test.
        far.install("far", ping_after=60, dead_after=600)
        async with program_with_kernel() as program:
            relay.silence()
            await program.suspend()
            lost = await program.says("connection lost")
            assert "nothing was heard for " in lost
            relay.resume()
            await program.says("connected again")
            await program.run("print('here')")
            await program.says("done")
            program.process.stdin.close()
            assert await asyncio.wait_for(program.process.wait(), READY) == 0
    assert far.left_behind() == []


async def test_a_suspend_over_which_the_connection_held_changes_nothing(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    async with program_with_kernel() as program:
        await program.suspend()
        await program.run("print('here')")
        await program.says("done")
        await asyncio.sleep(suspend.LONGEST_NAP)
        program.process.stdin.close()
        assert await asyncio.wait_for(program.process.wait(), READY) == 0
        assert not any("connection lost" in line for line in program.lines)
    assert far.left_behind() == []


async def test_a_sleep_tells_of_a_suspend_and_ends_with_it() -> None:
    assert await suspend.suspended_within(0.01) is False
    sleeping = asyncio.create_task(suspend.suspended_within(LONG))
    await asyncio.sleep(0)
    time.sleep(SUSPEND)  # noqa: ASYNC251 (the loop is to stand still)
    assert await asyncio.wait_for(sleeping, READY) is True
