"""A lost connection costs a running cell nothing, and a dead program leaves nothing for ever."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from jupyter_client.manager import AsyncKernelManager
from support import processes
from support.far import FarSide
from support.kernels import Executed, execute
from support.managers import READY, started
from support.openssh import local_ssh

MakeFarSide = Callable[..., FarSide]

LINES = 200
CELL = f"""
import time
for number in range({LINES}):
    print("line", number, flush=True)
    time.sleep(0.01)
"""
WANTED = "".join(f"line {number}\n" for number in range(LINES))


async def cut(far: FarSide) -> None:
    await asyncio.to_thread(far.server.cut)


async def kill_bridge(far: FarSide) -> None:
    bridges = far.bridges()
    assert len(bridges) == 1
    await asyncio.to_thread(processes.kill, lambda: [p for p in bridges if processes.is_alive(p)])


async def restart_server(far: FarSide) -> None:
    await asyncio.to_thread(far.server.stop)
    await asyncio.to_thread(far.server.start)


@pytest.mark.parametrize("break_it", [cut, kill_bridge, restart_server])
async def test_a_cell_that_runs_over_a_lost_connection_loses_nothing(
    make_far: MakeFarSide, break_it: Callable[[FarSide], Any]
) -> None:
    far = make_far()
    polled: set[int | None] = set()
    async with started() as (manager, client):
        states = asyncio.create_task(keep_polling(manager, polled))
        outputs: list[dict[str, Any]] = []
        under_way = asyncio.Event()

        def on_output(message: dict[str, Any]) -> None:
            outputs.append(message)
            # A kernel may end a message anywhere, also inside a line.
            if "line 50\n" in Executed({}, outputs).text:
                under_way.set()

        cell = asyncio.create_task(
            client.execute_interactive(CELL, output_hook=on_output, timeout=READY)
        )
        cell.add_done_callback(lambda _: under_way.set())
        await under_way.wait()
        assert not cell.done()
        await break_it(far)
        reply = await cell
        assert reply["content"]["status"] == "ok"
        said = [m["content"]["text"] for m in outputs if m["header"]["msg_type"] == "stream"]
        assert "".join(said) == WANTED
        kinds = [m["header"]["msg_type"] for m in outputs]
        assert kinds[:2] == ["status", "execute_input"]
        assert outputs[-1]["content"] == {"execution_state": "idle"}
        assert len({m["header"]["msg_id"] for m in outputs}) == len(outputs)
        assert far.server.logins() == 2
        after = await execute(client, "print(number)")
        assert after.text == f"{LINES - 1}\n"
        states.cancel()
        with suppress(asyncio.CancelledError):
            await states
        assert polled == {None}
        assert await manager.is_alive()
    assert far.left_behind() == []


async def keep_polling(manager: AsyncKernelManager, seen: set[int | None]) -> None:
    while True:
        seen.add(await manager.provisioner.poll())
        await asyncio.sleep(0.02)


PROGRAM = """
import sys
from jupyter_client.manager import KernelManager

manager = KernelManager(kernel_name="far")
manager.start_kernel()
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=60)
print("ready", flush=True)
sys.stdin.read()
"""


async def test_what_a_killed_program_leaves_ends_by_itself(make_far: MakeFarSide) -> None:
    far = make_far()
    far.install("far", detached_timeout=2)
    pipe = asyncio.subprocess.PIPE
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, stdin=pipe, stdout=pipe
    )
    try:
        assert program.stdout is not None
        assert await program.stdout.readline() == b"ready\n"
        assert len(far.supervisors()) == len(far.bridges()) == 1
        masters = local_ssh(far.server)
        assert bool(masters) == (far.way.transport == "openssh")
    finally:
        program.kill()
        await program.communicate()
    assert any("ipykernel" in process.command for process in far.server.detached())
    assert await asyncio.to_thread(far.left_behind, 20) == []
    # The master has nobody left to serve and ends when it has waited for another (ControlPersist).
    assert all("ControlPersist=10" in master.command for master in masters)
    left = await asyncio.to_thread(processes.wait_gone, lambda: local_ssh(far.server), 75)
    assert left == []
