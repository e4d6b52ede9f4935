"""Kernels started and ended as front ends do it: through Jupyter's managers and clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import AsyncKernelManager, KernelManager

from support.kernels import Executed

__all__ = [
    "BUSY",
    "READY",
    "another_client",
    "answer_to",
    "busy",
    "connected_to",
    "interrupted",
    "interrupted_blocking",
    "polled",
    "started",
    "started_blocking",
    "talking",
]

READY = 90.0
"""Seconds that a kernel may take to answer on a busy machine."""

BUSY = "import time; print('busy', flush=True); time.sleep(600)"
"""Code that does not end while a test runs."""


@asynccontextmanager
async def started(
    name: str = "far", manager: AsyncKernelManager | None = None, **options: Any
) -> AsyncIterator[tuple[AsyncKernelManager, AsyncKernelClient]]:
    """Run a kernel that answers; ``options`` go to ``start_kernel``."""
    manager = manager or AsyncKernelManager(kernel_name=name)
    try:
        await manager.start_kernel(**options)
        async with connected_to(manager) as client:
            yield manager, client
    finally:
        await manager.shutdown_kernel(now=True)


@asynccontextmanager
async def connected_to(manager: Any) -> AsyncIterator[AsyncKernelClient]:
    """Have a client of a manager's kernel that has got an answer."""
    async with talking(manager.client()) as client:
        yield client


@asynccontextmanager
async def talking(client: AsyncKernelClient) -> AsyncIterator[AsyncKernelClient]:
    """Have a client's channels open, and an answer."""
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=READY)
        yield client
    finally:
        client.stop_channels()


@asynccontextmanager
async def another_client(manager: Any) -> AsyncIterator[AsyncKernelClient]:
    """Have a client with a session of its own, as another program would, that has got an answer."""
    client = AsyncKernelClient()
    client.load_connection_info(manager.get_connection_info())
    async with talking(client):
        yield client


@asynccontextmanager
async def polled(manager: AsyncKernelManager) -> AsyncIterator[set[int | None]]:
    """Ask all the while whether the kernel has ended; give the answers that have come."""
    answers: set[int | None] = set()

    async def ask() -> None:
        while True:
            answers.add(await manager.provisioner.poll())
            await asyncio.sleep(0.02)

    asking = asyncio.create_task(ask())
    try:
        yield answers
    finally:
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking


@contextmanager
def started_blocking(
    name: str = "far", **options: Any
) -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """Run a kernel that answers through the blocking manager and client."""
    manager = KernelManager(kernel_name=name)
    try:
        manager.start_kernel(**options)
        client: BlockingKernelClient = manager.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=READY)
            yield manager, client
        finally:
            client.stop_channels()
    finally:
        manager.shutdown_kernel(now=True)


async def answer_to(client: AsyncKernelClient, message_id: str) -> dict[str, Any]:
    """Wait for the answer on the shell channel to a message; give its content."""
    while True:
        reply = await client.get_shell_msg(timeout=READY)
        if reply["parent_header"].get("msg_id") == message_id:
            return dict(reply["content"])


async def busy(client: AsyncKernelClient, code: str = BUSY) -> str:
    """Run code that does not end; return its message's id once it has printed something."""
    message_id = client.execute(code)
    while True:
        message = await client.get_iopub_msg(timeout=READY)
        if message["header"]["msg_type"] == "stream":
            return message_id


async def interrupted(
    manager: Any, client: AsyncKernelClient, code: str, *, timeout: float = READY
) -> Executed:
    """Run code, interrupt the kernel once it has printed something, wait until it is idle.

    The error does not stop what is sent next: a kernel drops the cells that reach it in the moment
    after one that failed (``stop_on_error``).
    """
    message_id = client.execute(code, stop_on_error=False)
    outputs: list[dict[str, Any]] = []
    waiting = True
    while not outputs or outputs[-1]["content"].get("execution_state") != "idle":
        message = await client.get_iopub_msg(timeout=timeout)
        if message["parent_header"].get("msg_id") == message_id:
            outputs.append(message)
        if waiting and message["header"]["msg_type"] == "stream":
            waiting = False
            await manager.interrupt_kernel()
    return Executed(await answer_to(client, message_id), outputs)


def interrupted_blocking(
    manager: KernelManager, client: BlockingKernelClient, code: str, *, timeout: float = READY
) -> Executed:
    """Run code as :func:`interrupted` does, through the blocking manager and client."""
    outputs: list[dict[str, Any]] = []

    def on_output(message: dict[str, Any]) -> None:
        outputs.append(message)
        if message["header"]["msg_type"] == "stream":
            manager.interrupt_kernel()

    reply = client.execute_interactive(
        code, stop_on_error=False, output_hook=on_output, timeout=timeout
    )
    return Executed(reply["content"], outputs)
