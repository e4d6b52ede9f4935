"""What a kernel on a host printed between two programs: the second one hears it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from jupyter_client.asynchronous import AsyncKernelClient
from sshpyk_core.kernel.launch_request import KernelFacts, LocalPlace
from support.far import FarSide, state_of
from support.kernels import execute
from support.live import LAUNCH, client_of, live_kernel, on_loop
from support.managers import READY
from support.peers import until
from support.programs import program_with_kernel

pytestmark = pytest.mark.ways(servers=["sshd"], why="supervisors do not see it")

HERE = LocalPlace()
BEFORE, ALL = 10, 300
CELL = """
import os, time
for x in range({all}):
    print(x, flush=True)
    if x == {before} - 1:
        open({waits!r}, "w").close()
        while not os.path.exists({go_on!r}):
            time.sleep(0.01)
"""


def gated(folder: Path) -> tuple[Path, Path, str]:
    """Give the file that a cell makes when it waits, the one that it waits for, and the cell."""
    waits, go_on = folder / "waits", folder / "go on"
    return waits, go_on, CELL.format(before=BEFORE, all=ALL, waits=str(waits), go_on=str(go_on))


def numbers(first: int, stop: int) -> str:
    return "".join(f"{number}\n" for number in range(first, stop))


@asynccontextmanager
async def listener_of(facts: KernelFacts) -> AsyncIterator[AsyncKernelClient]:
    """Have a client that takes all that comes from its first moment."""
    info = {f"{name}_port": number for name, number in facts.ports.items()}
    key, scheme = facts.connection.key, facts.connection.signature_scheme
    client = AsyncKernelClient()
    client.load_connection_info(
        {**info, "transport": "tcp", "ip": facts.ip, "key": key, "signature_scheme": scheme}
    )
    client.start_channels(shell=False, stdin=False, hb=False, control=False)
    try:
        yield client
    finally:
        client.stop_channels()


async def printed(client: AsyncKernelClient) -> str:
    """Give what cells print until one has ended."""
    text = ""
    while True:
        message = await client.get_iopub_msg(timeout=READY)
        content = message["content"]
        text += content["text"] if message["msg_type"] == "stream" else ""
        if content.get("execution_state") == "idle":
            return text


async def test_a_program_that_is_killed_leaves_its_output_to_the_next(
    far: FarSide, tmp_path: Path
) -> None:
    far.install("far")
    waits, go_on, cell = gated(tmp_path)
    async with program_with_kernel() as program:
        await program.says("ready")
        await program.run(f"exec({cell!r})")
        await until(waits.exists)
        (supervisor,) = far.supervisors()
        await program.kill()
        await until(lambda: not state_of(supervisor)["attached"])
    go_on.touch()
    async with live_kernel(far) as second, live_kernel(far) as third:
        facts = await on_loop(second.attach(str(supervisor), HERE))
        assert facts.missed is not None
        assert not facts.missed.cut_short
        async with listener_of(facts) as client:
            text = await printed(client)
            assert numbers(0, ALL).endswith(text)
            assert text.endswith(numbers(BEFORE, ALL))
            # Another one, at the same time, hears what comes from now on.
            facts = await on_loop(third.attach(str(supervisor), HERE))
            assert facts.missed is not None
            assert facts.missed.size == 0
            async with client_of(facts) as other:
                assert (await execute(other, "print(x)")).text == f"{ALL - 1}\n"
        await on_loop(third.leave())
    assert await asyncio.to_thread(far.left_behind) == []


async def test_a_program_that_leaves_in_order_does_so_too(far: FarSide, tmp_path: Path) -> None:
    waits, go_on, cell = gated(tmp_path)
    async with live_kernel(far) as first, live_kernel(far) as second:
        async with client_of(await on_loop(first.start(LAUNCH))) as client:
            client.execute(cell)
            await until(waits.exists)
            heard = ""
            while not heard.endswith(numbers(BEFORE - 1, BEFORE)):
                content = (await client.get_iopub_msg(timeout=READY))["content"]
                heard += content.get("text", "")
        await on_loop(first.leave())
        go_on.touch()
        (supervisor,) = far.supervisors()
        facts = await on_loop(second.attach(str(supervisor), HERE))
        assert facts.missed is not None
        async with listener_of(facts) as client:
            assert await printed(client) == numbers(BEFORE, ALL)
    assert await asyncio.to_thread(far.left_behind) == []
