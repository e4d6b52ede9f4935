"""A connection that is lost in the middle of a start, a restart, an interrupt or a shutdown."""

from __future__ import annotations

import asyncio
import os
import random
import signal

import pytest
from jupyter_client.manager import AsyncKernelManager
from sshpyk_core.backoff import SHORT_LIFE
from sshpyk_core.errors import KernelStartError
from support import processes
from support.far import MakeFarSide
from support.gate import gate
from support.kernels import execute
from support.managers import READY, answer_to, busy, connected_to, started
from support.programs import program_with_kernel
from support.said import listened

WHO = "import os; print(os.getpid())"


async def shut_down(*managers: AsyncKernelManager) -> None:
    for manager in managers:
        await manager.shutdown_kernel(now=True)


# --- a start -------------------------------------------------------------------------------------


async def test_a_start_that_is_cut_goes_on_over_the_next_connection(make_far: MakeFarSide) -> None:
    far = make_far()
    with gate(far.server.home / "gate") as slow, listened() as said:
        far.install("slow", remote_precmd=slow.wait_in_shell)
        manager = AsyncKernelManager(kernel_name="slow")
        start = asyncio.create_task(manager.start_kernel())
        try:
            await asyncio.wait_for(slow.reached(), READY)
            await asyncio.to_thread(far.server.cut)
            await said.wait_for("connected again")
            assert not start.done()
            slow.open()
            await start
            assert len(far.supervisors()) == 1
            async with connected_to(manager) as client:
                assert (await execute(client, "print('here')")).text == "here\n"
        finally:
            await shut_down(manager)
    assert far.left_behind() == []


@pytest.mark.ways(servers=["sshd"], why="its connections are processes of their own")
@pytest.mark.parametrize("late", [False, True], ids=["lost", "late"])
async def test_a_start_whose_request_is_lost_or_comes_late_makes_one_kernel(
    make_far: MakeFarSide, late: bool
) -> None:
    far = make_far()
    manager = AsyncKernelManager(kernel_name="far")
    async with started() as (first, client):
        (bridge,) = far.bridges()
        before = far.supervisors()
        try:
            with listened() as said:
                os.kill(bridge.pid, signal.SIGSTOP)
                start = asyncio.create_task(manager.start_kernel())
                # Returns without an answer, after what was sent before it has gone.
                await first.interrupt_kernel()
                await asyncio.to_thread(far.server.cut)
                await said.wait_for("connected again")
            await start
            if late:
                os.kill(bridge.pid, signal.SIGCONT)
                assert await asyncio.to_thread(processes.wait_ended, [bridge], 10) == []
            assert len(far.supervisors()) == len(before) + 1
            async with connected_to(manager) as other:
                who = (await execute(other, WHO)).text
            assert who != (await execute(client, WHO)).text
        finally:
            await asyncio.to_thread(
                processes.kill, lambda: [bridge] if processes.is_alive(bridge) else []
            )
            await shut_down(manager)
    assert far.left_behind() == []


@pytest.mark.others
async def test_starts_that_are_cut_at_any_moment_make_one_kernel_each(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    seed = random.randrange(2**32)
    moments = random.Random(seed)
    managers = []
    async with started() as (_, client):
        try:
            for number in range(1, 7):
                # Cuts in a quicker row would look like a server that hangs up by itself.
                await asyncio.sleep(SHORT_LIFE)
                manager = AsyncKernelManager(kernel_name="far")
                managers.append(manager)
                start = asyncio.create_task(manager.start_kernel())
                await asyncio.sleep(moments.uniform(0, 0.3))
                await asyncio.to_thread(far.server.cut)
                await start
                async with connected_to(manager) as other:
                    assert (await execute(other, "print('here')")).text == "here\n"
                assert len(far.supervisors()) == number + 1, f"seed {seed}"
            assert (await execute(client, "print('still here')")).text == "still here\n"
        finally:
            await shut_down(*managers)
    assert far.left_behind() == []


async def test_a_program_that_is_interrupted_while_a_kernel_starts_leaves_none(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    with gate(far.server.home / "gate") as slow:
        far.install("slow", remote_precmd=slow.wait_in_shell)
        async with program_with_kernel("slow") as program:
            await asyncio.wait_for(slow.reached(), READY)
            program.process.send_signal(signal.SIGINT)
            assert await program.exited() != 0
            assert program.lines[-1].rstrip() == "KeyboardInterrupt"
        assert await asyncio.to_thread(far.left_behind) == []


@pytest.mark.others
@pytest.mark.ways(servers=["sshd"], why="the wait for an absent server is the same")
async def test_a_start_that_waits_in_vain_for_the_connection_says_so(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    with gate(far.server.home / "gate") as slow:
        far.install("slow", remote_precmd=slow.wait_in_shell, launch_timeout=4)
        start = asyncio.create_task(AsyncKernelManager(kernel_name="slow").start_kernel())
        await asyncio.wait_for(slow.reached(), READY)
        await asyncio.to_thread(far.server.stop)
        with pytest.raises(KernelStartError, match=r"lost meanwhile is not back \(reconnecting\)"):
            await start
        await asyncio.to_thread(far.server.start)
        assert await asyncio.to_thread(far.left_behind, 20) == []


# --- a restart, an interrupt, a shutdown ----------------------------------------------------------


async def test_a_restart_that_is_cut_gives_a_new_kernel_at_the_same_ports(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    with gate(far.server.home / "gate") as slow, listened() as said:
        # The first start passes, as there is no gate yet to wait at.
        far.install("slow", remote_precmd=f"test -e started && {slow.wait_in_shell}; touch started")
        async with started("slow") as (manager, client):
            who = (await execute(client, WHO)).text
            ports = manager.ports
            restart = asyncio.create_task(manager.restart_kernel(now=True))
            await asyncio.wait_for(slow.reached(), READY)
            await asyncio.to_thread(far.server.cut)
            await said.wait_for("connected again")
            assert not restart.done()
            slow.open()
            await restart
            assert manager.ports == ports
            await client.wait_for_ready(timeout=READY)
            assert (await execute(client, WHO)).text != who
            assert len(far.supervisors()) == 1
    assert far.left_behind() == []


async def test_a_restart_while_the_host_is_away_is_done_when_it_is_back(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    async with started() as (manager, client):
        who = (await execute(client, WHO)).text
        with listened() as said:
            await asyncio.to_thread(far.server.stop)
            await said.wait_for("connection lost")
        with listened("traitlets") as told:
            restart = asyncio.create_task(manager.restart_kernel(now=True))
            # So it has been asked for, and goes on to kill the kernel.
            await told.wait_for(f"signal {signal.SIGKILL:d} ")
        await asyncio.to_thread(far.server.start)
        await restart
        await client.wait_for_ready(timeout=READY)
        assert (await execute(client, WHO)).text != who
        assert len(far.supervisors()) == 1
    assert far.left_behind() == []


@pytest.mark.others
@pytest.mark.ways(servers=["sshd"], why="the wait for an absent server is the same")
async def test_a_restart_that_was_given_up_but_is_done_late_leaves_a_kernel_that_can_be_restarted(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    far.install("far", launch_timeout=4)
    async with started() as (manager, client):
        client.execute("import os; os._exit(7)")
        assert await asyncio.wait_for(manager.provisioner.wait(), READY) == 7
        with listened() as said:
            await asyncio.to_thread(far.server.stop)
            await said.wait_for("connection lost")
        with pytest.raises(KernelStartError, match="lost meanwhile is not back"):
            await manager.restart_kernel()
        assert not await manager.is_alive()
        with listened() as said:
            await asyncio.to_thread(far.server.start)
            await said.wait_for("connected again")
        # For Jupyter that start has failed; it is there all the same, and gives way to the next.
        assert (await answer_to(client, client.kernel_info()))["status"] == "ok"
        await manager.restart_kernel(now=True)
        assert await manager.is_alive()
        await client.wait_for_ready(timeout=READY)
        assert (await execute(client, "print('here')")).text == "here\n"
        assert len(far.supervisors()) == 1
    assert far.left_behind() == []


async def test_an_interrupt_while_the_host_is_away_acts_when_it_is_back(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    async with started() as (manager, client):
        cell = await busy(client)
        with listened() as said:
            await asyncio.to_thread(far.server.stop)
            await said.wait_for("connection lost")
        await asyncio.wait_for(manager.interrupt_kernel(), 3)
        await asyncio.to_thread(far.server.start)
        answer = await answer_to(client, cell)
        assert (answer["status"], answer["ename"]) == ("error", "KeyboardInterrupt")
    assert far.left_behind() == []


@pytest.mark.others
@pytest.mark.ways(servers=["sshd"], why="the wait for an absent server is the same")
async def test_a_shutdown_that_is_cut_ends_the_kernel_when_the_host_is_back(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    async with started() as (manager, _):
        with listened() as said:
            await asyncio.to_thread(far.server.stop)
            await said.wait_for("connection lost")
        await asyncio.wait_for(manager.shutdown_kernel(now=True), 60)
        assert not await manager.is_alive()
        assert len(far.supervisors()) == 1
        await asyncio.to_thread(far.server.start)
        assert await asyncio.to_thread(far.left_behind, 20) == []
