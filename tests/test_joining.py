"""A kernel that runs is joined by other programs, and goes on when they leave."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sshpyk_core.errors import KernelEndedError, KernelTakenError, SupervisorGoneError
from sshpyk_core.kernel.launch_request import KernelFacts, LocalPlace
from sshpyk_core.kernel.live_kernel import GONE_RETURNCODE, LiveKernel
from support.far import FarSide, MakeFarSide, state_of
from support.kernels import execute
from support.live import LAUNCH, client_of, ended_by, live_kernel, on_loop
from support.managers import READY

pytestmark = pytest.mark.ways(servers=["sshd"], why="supervisors do not see it")

HERE = LocalPlace()


@asynccontextmanager
async def joined(far: FarSide) -> AsyncIterator[tuple[LiveKernel, LiveKernel, KernelFacts]]:
    """Have two programs at one kernel; give the second one's facts too."""
    async with live_kernel(far) as first, live_kernel(far) as second:
        await on_loop(first.start(LAUNCH))
        assert first.directory is not None
        yield first, second, await on_loop(second.attach(first.directory, HERE))
    assert await asyncio.to_thread(far.left_behind) == []


async def test_a_second_program_joins_a_kernel_and_leaves_it_running(far: FarSide) -> None:
    async with live_kernel(far) as first, live_kernel(far) as second:
        started = await on_loop(first.start(LAUNCH))
        assert started.connection == LAUNCH.connection
        async with client_of(started) as client:
            await execute(client, "x = 41")
        (supervisor,) = far.supervisors()
        facts = await on_loop(second.attach(str(supervisor), HERE))
        assert facts.connection.key == LAUNCH.connection.key
        assert (facts.pid, facts.kernel_name) == (started.pid, "python3")
        assert facts.argv == started.argv
        assert set(facts.ports.values()).isdisjoint(started.ports.values())
        async with client_of(facts) as client:
            assert (await execute(client, "print(x + 1)")).text == "42\n"

        await on_loop(second.leave())
        assert (second.returncode, first.returncode) == (0, None)
        async with client_of(started) as client:
            assert (await execute(client, "print(x)")).text == "41\n"
        await on_loop(first.leave())
        await on_loop(second.attach(str(supervisor), HERE, exclusive=True))
    assert await asyncio.to_thread(far.left_behind) == []


async def test_each_program_learns_of_an_end_and_of_a_restart_by_the_other(far: FarSide) -> None:
    async with joined(far) as (first, second, facts):
        ends = asyncio.gather(ended_by(first), ended_by(second))
        await on_loop(second.signal(signal.SIGKILL))
        assert await asyncio.wait_for(ends, READY) == [-signal.SIGKILL] * 2
        again = await on_loop(second.start(LAUNCH))
        assert again.ports == facts.ports
        assert again.connection == facts.connection
        assert again.pid != facts.pid
        # What was told to the first came before what the second has its client answer.
        async with client_of(again) as client:
            await execute(client, "y = 2")
        assert (first.returncode, second.returncode) == (None, None)
        # One that has seen the end, and starts it too, gets the process that runs by now.
        same = await on_loop(first.start(LAUNCH))
        assert same.pid == again.pid
        async with client_of(same) as client:
            assert (await execute(client, "print(y)")).text == "2\n"


async def test_of_two_programs_that_find_it_dead_one_starts_it(far: FarSide) -> None:
    async with joined(far) as (first, second, _):
        ends = asyncio.gather(ended_by(first), ended_by(second))
        await on_loop(first.signal(signal.SIGKILL))
        await asyncio.wait_for(ends, READY)
        starts = [on_loop(each.start(LAUNCH)) for each in (first, second)]
        one, other = await asyncio.gather(*starts)
        assert one.pid == other.pid
        (supervisor,) = far.supervisors()
        assert state_of(supervisor)["generation"] == 2


async def test_a_joined_kernel_survives_a_lost_connection(far: FarSide) -> None:
    async with joined(far) as (_, second, facts), client_of(facts) as client:
        (bridge,) = far.bridges()
        message_id = client.execute("import time; time.sleep(0.5); print('still here')")
        os.kill(bridge.pid, signal.SIGKILL)
        while True:
            message = await client.get_iopub_msg(timeout=READY)
            if (
                message["parent_header"].get("msg_id") == message_id
                and "text" in message["content"]
            ):
                break
        assert message["content"]["text"] == "still here\n"
        assert second.returncode is None


async def test_a_kernel_that_is_wanted_alone_goes_to_one_program(far: FarSide) -> None:
    async with live_kernel(far) as first, live_kernel(far) as second, live_kernel(far) as third:
        await on_loop(first.start(LAUNCH))
        directory = str(first.directory)
        with pytest.raises(KernelTakenError):
            await on_loop(second.attach(directory, HERE, exclusive=True))
        assert (second.directory, second.returncode) == (None, None)
        await on_loop(first.leave())
        both = [on_loop(each.attach(directory, HERE, exclusive=True)) for each in (second, third)]
        outcomes = await asyncio.gather(*both, return_exceptions=True)
        assert {type(each) for each in outcomes} == {KernelFacts, KernelTakenError}
    assert await asyncio.to_thread(far.left_behind) == []


async def test_a_kernel_that_has_ended_is_not_joined(far: FarSide) -> None:
    async with joined(far) as (first, second, _), live_kernel(far) as third:
        (supervisor,) = far.supervisors()
        await on_loop(first.signal(signal.SIGKILL))
        await ended_by(first)
        with pytest.raises(KernelEndedError, match="signal 9"):
            await on_loop(third.attach(str(supervisor), HERE))
        ended = asyncio.create_task(ended_by(second))
        assert await ended == -signal.SIGKILL
        await on_loop(first.end())
        with pytest.raises(SupervisorGoneError):
            await on_loop(third.attach(str(supervisor), HERE))
        assert third.returncode is None


async def test_the_other_program_learns_that_a_kernel_was_stopped(far: FarSide) -> None:
    async with joined(far) as (first, second, _):
        ended = asyncio.create_task(ended_by(second))
        await on_loop(first.end())
        assert await asyncio.wait_for(ended, READY) == GONE_RETURNCODE


async def test_a_kernel_is_left_although_its_host_is_away(
    make_far: MakeFarSide, caplog: pytest.LogCaptureFixture
) -> None:
    far = make_far()
    async with live_kernel(far) as first, live_kernel(far) as second:
        await on_loop(first.start(LAUNCH))
        (supervisor,) = far.supervisors()
        await asyncio.to_thread(far.server.stop)
        await asyncio.to_thread(wait_until_detached, supervisor)
        await on_loop(first.leave())
        assert "the kernel python3 runs on there" in caplog.text
        assert first.returncode == 0
        await asyncio.to_thread(far.server.start)
        await on_loop(second.attach(str(supervisor), HERE, exclusive=True))
    assert await asyncio.to_thread(far.left_behind) == []


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)  # nothing tells of it


async def test_a_leaving_that_is_cancelled_comes_to_its_end(far: FarSide) -> None:
    async with joined(far) as (first, second, _):
        (supervisor,) = far.supervisors()
        pid = state_of(supervisor)["supervisor_pid"]
        os.kill(pid, signal.SIGSTOP)
        try:
            leaving = asyncio.create_task(on_loop(second.leave()))
            await until(lambda: second.directory is None)
            leaving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await leaving
        finally:
            os.kill(pid, signal.SIGCONT)
        await until(lambda: second.returncode is not None)
        assert (second.returncode, first.returncode) == (0, None)


def wait_until_detached(supervisor: Path) -> None:
    deadline = time.monotonic() + READY
    while state_of(supervisor)["attached"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)  # nothing tells when a file has changed


async def test_a_persistent_kernel_stays_for_as_long_as_it_runs(far: FarSide) -> None:
    async with live_kernel(far, persistent=True, detached_timeout=0.5) as kernel:
        await on_loop(kernel.start(LAUNCH))
        (supervisor,) = far.supervisors()
        await on_loop(kernel.leave())
        about = state_of(supervisor)
        assert (about["attached"], about["ends_at"]) == (False, None)
        await asyncio.sleep(1)  # that nothing happens is what is to be seen
        assert far.supervisors() == [supervisor]
        os.kill(about["pid"], signal.SIGKILL)
        assert await asyncio.to_thread(far.left_behind) == []
