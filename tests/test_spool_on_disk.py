"""What a kernel says while the line is silent waits on the host, on its disk if need be."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from sshpyk_core.testing.relay import Relay
from support.far import FarSide, MakeFarSide, state_of
from support.gate import Gate, gate
from support.kernels import Executed, execute
from support.managers import READY, started
from support.said import listened

MEMORY = 256 * 1024
LINES = 16 * 1024
"""Of a thousand bytes each: sixty times what may wait in memory."""

WRITER = f"""
import sys
for number in range({LINES}):
    print(f"{{number:09d}}", "x" * 989)
    if number % 100 == 99:
        sys.stdout.flush()
sys.stdout.flush()
"""
WANTED = "".join(f"{number:09d} {'x' * 989}\n" for number in range(LINES))


def bytes_on_disk(supervisor: Path) -> int:
    """Count the bytes of the files without a name that a supervisor has open in its directory."""
    size = 0
    for fd in Path(f"/proc/{state_of(supervisor)['supervisor_pid']}/fd").iterdir():
        try:
            target = os.readlink(fd)
            if target.startswith(f"{supervisor}/") and target.endswith(" (deleted)"):
                size += fd.stat().st_size
        except FileNotFoundError:  # it was closed in this moment
            continue
    return size


@dataclass(frozen=True)
class Writing:
    """A cell that writes when it is let, over a line that is silent from before that.

    Attributes:
        relay: that line.
        manager: the kernel's.
        client: that which runs the cell.
        begun: where the cell waits before it writes.
        written: where it waits after that.
        cell: what comes of it.
    """

    relay: Relay
    manager: AsyncKernelManager
    client: AsyncKernelClient
    begun: Gate
    written: Gate
    cell: asyncio.Task[Executed]


@asynccontextmanager
async def writing(far: FarSide, **settings: int) -> AsyncIterator[Writing]:
    """Have the cell at its first gate and the line silent."""
    begin, end = gate(far.server.home / "begin"), gate(far.server.home / "end")
    with Relay(far.server.port) as relay, begin as begun, end as written:
        far.server.reach_through(relay.port)
        far.install("far", spool_memory=MEMORY, ping_after=0.5, dead_after=2, **settings)
        async with started() as (manager, client):
            code = f"{begun.wait_in_python}\n{WRITER}\n{written.wait_in_python}"
            cell = asyncio.create_task(execute(client, code, timeout=300))
            await asyncio.wait_for(begun.reached(), READY)
            await asyncio.to_thread(relay.silence)
            yield Writing(relay, manager, client, begun, written, cell)


@pytest.mark.ways(servers=["sshd"], why="a relay stands before it")
@pytest.mark.parametrize(
    "silence", [pytest.param(3, id="short"), pytest.param(60, id="long", marks=pytest.mark.others)]
)
async def test_more_than_the_memory_holds_waits_on_disk_and_leaves_it_again(
    make_far: MakeFarSide, silence: float
) -> None:
    far = make_far()
    async with writing(far) as under_way:
        (supervisor,) = far.supervisors()
        silent_until = time.monotonic() + silence
        under_way.begun.open()
        await asyncio.wait_for(under_way.written.reached(), READY)
        # What was printed is read by the supervisor a moment later, of which nothing tells.
        while bytes_on_disk(supervisor) < len(WANTED) // 2:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        await asyncio.sleep(silent_until - time.monotonic())
        await asyncio.to_thread(under_way.relay.resume)
        under_way.written.open()
        done = await under_way.cell
        assert (done.text == WANTED, done.reply["status"]) == (True, "ok")
        assert bytes_on_disk(supervisor) == 0
        assert await under_way.manager.is_alive()
    assert far.left_behind() == []


@pytest.mark.ways(servers=["sshd"], why="a relay stands before it")
async def test_output_beyond_all_limits_is_announced_as_lost_and_the_kernel_goes_on(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    async with writing(far, spool_limit=MEMORY) as under_way:
        under_way.begun.open()
        # The kernel does not have to wait for us: it drops what nobody takes.
        await asyncio.wait_for(under_way.written.reached(), READY)
        with listened("traitlets") as said:
            await asyncio.to_thread(under_way.relay.resume)
            warning = await said.wait_for("is lost")
        said_all = re.fullmatch(
            rf"{re.escape(far.server.alias)}: nobody fetched the output of the kernel python3 "
            r"for so long that (\d+\.\d) KiB waited \(spool_limit\); "
            r"what it printed beyond that is lost\. Raise spool_limit\.",
            warning,
        )
        assert said_all is not None, warning
        # The disk's share is full; of the memory's some may have left again by then.
        assert MEMORY <= float(said_all[1]) * 1024 < 3 * MEMORY
        under_way.written.open()
        await under_way.cell
        assert (await execute(under_way.client, "print('here')")).text == "here\n"
        assert await under_way.manager.is_alive()
    assert far.left_behind() == []
