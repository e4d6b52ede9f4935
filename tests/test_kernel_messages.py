"""What a kernel and its client say to each other arrives whole, once and in order."""

from __future__ import annotations

import asyncio
import hashlib
import random
from typing import Any

import pytest
from jupyter_client.asynchronous import AsyncKernelClient
from support.far import FarSide
from support.kernels import execute
from support.managers import answer_to, started

ECHO = """
def opened(comm, message):
    def answer(message):
        comm.send(message["content"]["data"], buffers=message["buffers"])
    comm.on_msg(answer)
    comm.send({"opened": message["content"]["data"]})
get_ipython().kernel.comm_manager.register_target("echo", opened)
"""
# IPython itself takes many seconds to compile so much code.
DIGEST = """
import hashlib
kernel = get_ipython().kernel
async def do_execute(code, *arguments, **options):
    print(hashlib.sha256(code.encode()).hexdigest())
    return {"status": "ok", "execution_count": 0}
kernel.do_execute = do_execute
"""
SIZE = 50_000_000
CODE_SIZE = 25_000_000
# ZMQ keeps a thousand messages for a subscriber and drops what comes beyond, and the thread that
# sends them may have to wait for a processor. So the kernel stays in step with its own publisher,
# though not with anybody who reads.
PUBLISH = """
import sys
kernel = get_ipython().kernel
for number in range(20_000):
    content = {"data": {"text/plain": str(number)}, "metadata": {}}
    kernel.session.send(kernel.iopub_socket, "display_data", content, kernel.get_parent())
    if number % 100 == 0:
        sys.stdout.flush()
"""


async def test_comms_and_large_messages_pass_both_ways(far: FarSide) -> None:
    async with started() as (_, client):
        info = await answer_to(client, client.kernel_info())
        assert info["language_info"]["name"] == "python"
        await execute(client, ECHO)
        comm = {"comm_id": "c1", "target_name": "echo", "data": {"greeting": "hello"}}
        client.shell_channel.send(client.session.msg("comm_open", comm))
        assert (await comm_message(client))["content"]["data"] == {"opened": {"greeting": "hello"}}
        buffer = random.Random(0).randbytes(SIZE)
        message = client.session.msg("comm_msg", {"comm_id": "c1", "data": {"size": SIZE}})
        client.shell_channel.send({**message, "buffers": [buffer]})
        echoed = await comm_message(client)
        assert echoed["content"]["data"] == {"size": SIZE}
        assert digest(echoed["buffers"][0]) == digest(buffer)
        cell = buffer.hex()[:CODE_SIZE]
        await execute(client, DIGEST)
        done = await execute(client, cell)
        assert done.text == digest(cell.encode()) + "\n"


@pytest.mark.others
@pytest.mark.ways(servers=["sshd"], why="the server passes bytes on")
async def test_twenty_thousand_short_messages_arrive_in_order(far: FarSide) -> None:
    async with started() as (_, client):
        done = await execute(client, PUBLISH, timeout=120)
    shown = [m for m in done.outputs if m["header"]["msg_type"] == "display_data"]
    numbers = [int(message["content"]["data"]["text/plain"]) for message in shown]
    assert numbers == list(range(20_000))


def digest(data: Any) -> str:
    return hashlib.sha256(data).hexdigest()


async def comm_message(client: AsyncKernelClient) -> dict[str, Any]:
    async def next_one() -> dict[str, Any]:
        while True:
            message = await client.get_iopub_msg()
            if message["header"]["msg_type"] == "comm_msg":
                return dict(message)

    return await asyncio.wait_for(next_one(), 120)
