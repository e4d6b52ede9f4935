"""A lost connection costs a running cell nothing, and a dead program leaves nothing for ever."""

from __future__ import annotations

import asyncio
import getpass
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import AsyncKernelManager
from sshpyk_core.remote import wire
from support import processes
from support.far import FarSide, state_of
from support.kernels import Executed, execute
from support.managers import READY, started
from support.openssh import local_ssh

MakeFarSide = Callable[..., FarSide]

CLOCKS = 0.5
"""Seconds that two readings of the time of day may differ."""

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


def state_when_detached(supervisor: Path) -> dict[str, Any]:
    while (content := state_of(supervisor))["attached"]:
        time.sleep(0.01)  # nothing tells when a file has changed
    return content


async def test_what_a_killed_program_leaves_ends_by_itself(make_far: MakeFarSide) -> None:
    far = make_far()
    far.install("far", detached_timeout=3)
    pipe = asyncio.subprocess.PIPE
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, stdin=pipe, stdout=pipe
    )
    try:
        assert program.stdout is not None
        assert await program.stdout.readline() == b"ready\n"
        assert len(far.supervisors()) == len(far.bridges()) == 1
        (supervisor,) = far.supervisors()
        before = state_of(supervisor)
        assert (before["attached"], before["ends_at"]) == (True, None)
        masters = local_ssh(far.server)
        assert bool(masters) == (far.way.transport == "openssh")
    finally:
        program.kill()
        killed = time.time()
        await program.communicate()
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
