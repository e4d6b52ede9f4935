"""A kernel that runs is joined by other programs, and goes on when they leave."""

from __future__ import annotations

import asyncio

from sshpyk_core.launch_request import LocalPlace
from support.far import FarSide
from support.kernels import execute
from support.live import LAUNCH, client_of, live_kernel, on_loop

HERE = LocalPlace()


async def test_a_second_program_joins_a_kernel_and_leaves_it_running(far: FarSide) -> None:
    async with live_kernel(far) as first, live_kernel(far) as second:
        started = await on_loop(first.start(LAUNCH))
        assert started.connection == LAUNCH.connection
        async with client_of(started) as client:
            await execute(client, "x = 41")
        (supervisor,) = far.supervisors()
        joined = await on_loop(second.attach(str(supervisor), HERE))
        assert joined.connection.key == LAUNCH.connection.key
        assert (joined.pid, joined.kernel_name) == (started.pid, "python3")
        assert joined.argv == started.argv
        assert set(joined.ports.values()).isdisjoint(started.ports.values())
        async with client_of(joined) as client:
            assert (await execute(client, "print(x + 1)")).text == "42\n"

        await on_loop(second.leave())
        assert (second.returncode, first.returncode) == (0, None)
        async with client_of(started) as client:
            assert (await execute(client, "print(x)")).text == "41\n"
        await on_loop(first.leave())
        await on_loop(second.attach(str(supervisor), HERE, exclusive=True))
    assert await asyncio.to_thread(far.left_behind) == []
