"""A host comes back when somebody can log in again, and only when it is the same host."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from jupyter_client.ioloop.manager import AsyncIOLoopKernelManager
from support import processes
from support.client import make_key
from support.far import FarSide, MakeFarSide
from support.gate import gate
from support.kernels import execute
from support.managers import BUSY, READY, answer_to, interrupted, started
from support.require import require_other_host, require_restarted_host
from support.said import listened
from support.scripts import script
from traitlets.config import Config


@pytest.mark.ways(servers=["sshd"], why="the keys that sshd lets in can be changed")
async def test_after_a_needed_login_an_interrupt_connects_again(
    make_far: MakeFarSide, tmp_path: Path
) -> None:
    far = make_far()
    async with started() as (manager, client):
        with listened() as said:
            far.server.authorize(make_key(tmp_path / "another"))
            await asyncio.to_thread(far.server.cut)
            await said.wait_for("needs login")
            attempts = far.server.log().count("Connection from")
            assert await manager.is_alive()
            far.server.authorize(far.server.client.public_key)
            assert said.containing("connected again") == []
            await manager.interrupt_kernel()
            await said.wait_for("connected again")
            assert (await execute(client, "print('back')")).text == "back\n"
            cell = await interrupted(manager, client, BUSY)
            assert cell.reply["ename"] == "KeyboardInterrupt"
            assert len(said.containing("needs login")) == 1
            assert far.server.log().count("Connection from") == attempts + 1
    assert far.left_behind() == []


@pytest.mark.ways(servers=["sshd"], why="only sshd has forced commands")
async def test_an_alias_that_leads_to_another_host_is_refused_while_kernels_run(
    make_far: MakeFarSide, tmp_path: Path
) -> None:
    program = tmp_path / "login"
    here = '#!/bin/sh\nexec sh -c "$SSH_ORIGINAL_COMMAND"\n'
    script(program, here)
    other = require_other_host(tmp_path, "elsewhere")
    far = make_far(sshd_config=[f"ForceCommand {program}"])
    async with started() as (manager, client):
        before = far.supervisors()
        with listened() as said:
            script(program, f"#!/bin/sh\nexec {other}\n")
            await asyncio.to_thread(far.server.cut)
            await said.wait_for("it is elsewhere now, but the kernels are on ")
            assert await manager.is_alive()
            script(program, here)
            await said.wait_for("connected again")
        assert (await execute(client, "print('same host')", timeout=READY)).text == "same host\n"
        assert far.supervisors() == before
    assert far.left_behind() == []


@pytest.mark.ways(servers=["sshd"], why="only sshd has forced commands")
async def test_a_host_that_was_restarted_is_told_apart_and_its_kernels_start_anew(
    make_far: MakeFarSide, tmp_path: Path
) -> None:
    program = tmp_path / "login"
    script(program, '#!/bin/sh\nexec sh -c "$SSH_ORIGINAL_COMMAND"\n')
    far = make_far(sshd_config=[f"ForceCommand {program}"])
    restarter = Config({"KernelRestarter": {"time_to_dead": 0.1}})
    manager = AsyncIOLoopKernelManager(kernel_name="far", config=restarter)
    async with started(manager=manager) as (_, client):
        restarted = asyncio.Event()
        manager.add_restart_callback(restarted.set)
        (old,) = far.supervisors()
        with listened() as said, listened("traitlets") as told:
            await asyncio.to_thread(far.server.stop)
            await said.wait_for("connection lost")
            assert await manager.is_alive()
            await asyncio.to_thread(far.server.kill_processes)
            script(program, f"#!/bin/sh\nexec {require_restarted_host(tmp_path)}\n")
            await asyncio.to_thread(far.server.start)
            await said.wait_for("has been restarted, its kernels are gone")
            assert "the host has been restarted since" in await told.wait_for("is gone: ")
            await asyncio.wait_for(restarted.wait(), READY)
        # The callback comes before the restart; a client that waits for that makes no mistake.
        assert (await answer_to(client, client.kernel_info()))["status"] == "ok"
        # Outputs come over a connection of their own, which may be made after that.
        await client.wait_for_ready(timeout=READY)
        assert (await execute(client, "print('anew')")).text == "anew\n"
        assert old not in far.supervisors()
    assert far.left_behind() == []


async def test_a_kernel_that_died_in_the_meantime_is_reported_with_its_exit_status(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    async with started() as (manager, client):
        ports = manager.ports
        with gate(far.server.home / "gate") as death, listened() as said:
            client.execute(f"{death.wait_in_python}; import os; os._exit(7)")
            await asyncio.wait_for(death.reached(), READY)
            await asyncio.to_thread(far.server.stop)
            await said.wait_for("connection lost")
            death.open()
            assert await asyncio.to_thread(processes.wait_gone, lambda: kernels(far), 10) == []
            assert await manager.provisioner.poll() is None
            await asyncio.to_thread(far.server.start)
        assert await asyncio.wait_for(manager.provisioner.wait(), READY) == 7
        assert not await manager.is_alive()
        await manager.restart_kernel()
        assert manager.ports == ports
        await client.wait_for_ready(timeout=READY)
        assert (await execute(client, "print('anew')")).text == "anew\n"
        assert len(far.supervisors()) == 1
    assert far.left_behind() == []


def kernels(far: FarSide) -> list[processes.Process]:
    return [each for each in far.server.processes() if "ipykernel" in each.command]
