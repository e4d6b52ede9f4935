"""Over a slow line nothing is lost of a flood, and an interrupt does not wait behind it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from sshpyk_core.testing.line import Line
from sshpyk_core.testing.relay import Relay
from support.far import MakeFarSide
from support.kernels import execute
from support.managers import READY, answer_to, started

SLOW = Line(delay=0.01, bytes_per_second=1_000_000)

MESSAGES = 20_000
BURST = f"""
import sys, time
from IPython.display import display
for number in range({MESSAGES}):
    display({{"text/plain": f"message {{number}}"}}, raw=True)
    if number % 100 == 99:
        # Faster than the line by far, but no faster than a supervisor keeps up with that has to
        # share a processor: the kernel's own publisher drops what its reader leaves for 1000 more.
        sys.stdout.flush()
        time.sleep(0.03)
"""

FLOOD = """
import time
try:
    print("flood", flush=True)
    while True:
        print("x" * 100_000, flush=True)
except KeyboardInterrupt:
    interrupted = time.time()
"""


@pytest.mark.others
@pytest.mark.ways(servers=["sshd"], why="a relay stands before it")
async def test_a_burst_of_messages_over_a_slow_line_arrives_whole(make_far: MakeFarSide) -> None:
    far = make_far()
    with Relay(far.server.port) as relay:
        far.server.reach_through(relay.port)
        async with started() as (manager, client):
            await asyncio.to_thread(relay.shape, SLOW, SLOW)
            done = await execute(client, BURST, timeout=300)
            shown = [m["content"]["data"]["text/plain"] for m in done.outputs if is_shown(m)]
            assert shown == [f"message {number}" for number in range(MESSAGES)]
            assert done.reply["status"] == "ok"
            assert await manager.is_alive()
            await asyncio.to_thread(relay.shape)
    assert far.left_behind() == []


def is_shown(message: dict[str, Any]) -> bool:
    return bool(message["header"]["msg_type"] == "display_data")


@pytest.mark.ways(servers=["sshd"], why="a relay stands before it")
async def test_an_interrupt_in_the_middle_of_a_flood_over_a_slow_line_acts_within_a_second(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    with Relay(far.server.port) as relay:
        far.server.reach_through(relay.port)
        async with started() as (manager, client):
            await asyncio.to_thread(relay.shape, SLOW, SLOW)
            cell = client.execute(FLOOD)
            seen = 0
            while seen < 3_000_000:
                message = await client.get_iopub_msg(timeout=READY)
                if message["header"]["msg_type"] == "stream":
                    seen += len(message["content"]["text"])
            sent = time.time()
            await manager.interrupt_kernel()
            answered = time.time()
            assert (await answer_to(client, cell))["status"] == "ok"
            replied = time.time()
            await asyncio.to_thread(relay.shape)
            acted = await execute(client, "print(interrupted)", timeout=READY)
            assert 0 < float(acted.text) - sent < 1
            assert answered - sent < 1
            assert replied - sent < 1
    assert far.left_behind() == []
