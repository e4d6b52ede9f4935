"""A lost connection costs a running cell nothing, and a dead program leaves nothing for ever."""

from __future__ import annotations

import asyncio
import getpass
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sshpyk_core.remote import wire
from support import processes
from support.busy import Running, printing
from support.far import MakeFarSide, state_of
from support.managers import READY, started
from support.openssh import local_ssh
from support.programs import program_with_kernel
from support.transcript import begin, end, listening

CLOCKS = 0.5
"""Seconds that two readings of the time of day may differ."""


@pytest.mark.ways(servers=["embedded"], why="the fault matrix is for sshd")
async def test_a_cell_that_runs_while_the_server_drops_its_connection_loses_nothing(
    make_far: MakeFarSide,
) -> None:
    far = make_far()

    @asynccontextmanager
    async def cut() -> AsyncIterator[None]:
        await asyncio.to_thread(far.server.cut)
        yield

    async with started() as (_, client), listening(client) as heard:
        await begin(heard)
        await printing(Running(heard, far.server.home), cut)
        await end(heard, cells=list(heard.asked))
        assert far.server.logins() == 2
    assert far.left_behind() == []


def state_when_detached(supervisor: Path) -> dict[str, Any]:
    deadline = time.monotonic() + READY
    while (content := state_of(supervisor))["attached"]:
        assert time.monotonic() < deadline, content
        time.sleep(0.01)  # nothing tells when a file has changed
    return content


async def test_what_a_killed_program_leaves_ends_by_itself(make_far: MakeFarSide) -> None:
    far = make_far()
    far.install("far", detached_timeout=3)
    async with program_with_kernel() as program:
        await program.says("ready")
        assert len(far.supervisors()) == len(far.bridges()) == 1
        (supervisor,) = far.supervisors()
        before = state_of(supervisor)
        assert (before["attached"], before["ends_at"]) == (True, None)
        masters = local_ssh(far.server)
        assert bool(masters) == (far.way.transport == "openssh")
        killed = time.time()
        await program.kill()
    after = await asyncio.to_thread(state_when_detached, supervisor)
    assert after["for"] == f"{getpass.getuser()}@{socket.gethostname()}"
    assert killed - CLOCKS <= after["detached_since"] <= time.time()
    assert after["ends_at"] == after["detached_since"] + 3
    same = ("supervisor_pid", "supervisor_started", "pid", "kernel_started", "kernel", "since")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert all(before[name] for name in same)
    assert before["pid"] in [each.pid for each in far.server.detached()]
    assert await asyncio.to_thread(far.left_behind, 20) == []
    # The master has nobody left to serve and ends when it has waited for another (ControlPersist).
    assert all("ControlPersist=10" in master.command for master in masters)
    left = await asyncio.to_thread(processes.wait_gone, lambda: local_ssh(far.server), 75)
    assert left == []


# --- the other way round: the link is gone, and a server holds on to its end ---------------------

BRIDGE = """
import sys
from sshpyk_core.remote import bridge
bridge.main("nonce", float(sys.argv[1]))
"""


async def start_bridge(patience: float) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", BRIDGE, str(patience), stdin=pipe, stdout=pipe
    )


async def test_a_bridge_that_hears_nothing_from_its_link_ends() -> None:
    bridge = await start_bridge(0.5)
    assert await asyncio.wait_for(bridge.wait(), READY) == 0


async def test_a_bridge_that_hears_its_link_stays() -> None:
    bridge = await start_bridge(3)
    assert bridge.stdin is not None
    assert bridge.stdout is not None
    begun = time.monotonic()
    while time.monotonic() - begun < 7:
        bridge.stdin.write(wire.Frame(0, wire.PING, 0, 0, b"").encode())
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(bridge.wait(), 0.5)
        assert bridge.returncode is None
    bridge.stdin.close()
    assert await asyncio.wait_for(bridge.wait(), READY) == 0
