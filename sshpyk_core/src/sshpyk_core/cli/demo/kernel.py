"""The demo's kernel, as any Jupyter front end would run it: KernelManager, client, kernel spec."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from sshpyk_core.cli.demo.errors import DemoError
from sshpyk_core.cli.demo.place import NEAR_KERNEL, Place

__all__ = ["DemoKernel", "Interrupted"]

Listener = Callable[[dict[str, Any]], None]
"""Takes a message of the iopub channel."""

READY_SECONDS = 60
CELL_SECONDS = 30

BUSY_CELL = """
try:
    print("busy", flush=True)
    while True:
        pass
except KeyboardInterrupt:
    print("interrupted", flush=True)
    raise
"""


@dataclass(frozen=True)
class Interrupted:
    """How a busy cell ended.

    Attributes:
        error: the name of the exception.
        seconds: from the request until the cell said that it was interrupted.
    """

    error: str
    seconds: float


class DemoKernel:
    """One kernel with one client."""

    def __init__(self, place: Place) -> None:
        """Start nothing yet.

        Args:
            place: where the kernel spec and the connection file are.
        """
        # Jupyter logs, with a traceback, what it raises besides; the demo says it once.
        log = logging.getLogger(f"{__name__}.jupyter")
        log.addFilter(lambda record: not record.exc_info)
        specs = KernelSpecManager(kernel_dirs=[str(place.kernel_specs)], ensure_native_kernel=False)
        self._manager = AsyncKernelManager(
            kernel_name=NEAR_KERNEL,
            kernel_spec_manager=specs,
            connection_file=str(place.connection_file),
            log=log,
        )
        self._client: AsyncKernelClient | None = None
        self._started = False

    @property
    def ports(self) -> dict[str, int]:
        """The ports that clients connect to on this machine, by channel."""
        info = self._manager.get_connection_info()
        return {name: int(str(port)) for name, port in info.items() if name.endswith("_port")}

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            SshpykError: it cannot be started.
            RuntimeError: it does not answer.
        """
        self._started = True
        await self._manager.start_kernel()
        client: AsyncKernelClient = self._manager.client()
        self._client = client
        client.start_channels()
        await client.wait_for_ready(timeout=READY_SECONDS)

    async def run(self, code: str) -> Any:
        """Run a cell that prints JSON and return the value.

        Raises:
            DemoError: the cell failed, or did not end.
        """
        said: list[str] = []

        def listen(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
                said.append(message["content"]["text"])

        reply = await self._execute(code, listen)
        if reply["status"] != "ok":
            raise DemoError(f"the cell ended with {reply.get('ename')}: {reply.get('evalue')}")
        return json.loads("".join(said))

    async def interrupt_busy_cell(self) -> Interrupted:
        """Run a cell that would never end, and interrupt it once it is busy.

        Raises:
            DemoError: the interrupt had no effect.
        """
        busy = asyncio.Event()
        heard: list[float] = []

        def listen(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                heard.append(time.monotonic())
                busy.set()

        cell = asyncio.create_task(self._execute(BUSY_CELL, listen))
        waiting = asyncio.create_task(busy.wait())
        try:
            await asyncio.wait((cell, waiting), return_when=asyncio.FIRST_COMPLETED)
            asked = time.monotonic()
            await self._manager.interrupt_kernel()
            reply = await cell
        finally:
            waiting.cancel()
            cell.cancel()
        return Interrupted(str(reply.get("ename", "nothing")), max(0.0, heard[-1] - asked))

    async def restart(self) -> None:
        """Restart it in place, as a front end does, and wait until it answers.

        Raises:
            SshpykError: it cannot be started.
            RuntimeError: it does not answer.
        """
        assert self._client is not None
        await self._manager.restart_kernel(now=True)
        await self._client.wait_for_ready(timeout=READY_SECONDS)

    async def shut_down(self, *, now: bool = False) -> None:
        """End it; harmless when it has ended or never started.

        Args:
            now: do not ask it to end by itself first.
        """
        client, self._client = self._client, None
        if client is not None:
            client.stop_channels()
        if self._started:
            await self._manager.shutdown_kernel(now=now)
            self._started = False

    async def _execute(self, code: str, listen: Listener) -> dict[str, Any]:
        """Run a cell to its end and return the reply; the messages before it go to ``listen``."""
        assert self._client is not None
        try:
            return await asyncio.wait_for(_follow(self._client, code, listen), CELL_SECONDS)
        except asyncio.TimeoutError as error:
            raise DemoError(f"the cell had not ended after {CELL_SECONDS} s") from error


async def _follow(client: AsyncKernelClient, code: str, listen: Listener) -> dict[str, Any]:
    # execute_interactive() of jupyter_client would do, but blocks the loop in older versions.
    cell = client.execute(code, store_history=False, allow_stdin=False)
    while True:
        message = await client.get_iopub_msg()
        if message["parent_header"].get("msg_id") == cell:
            if message["content"].get("execution_state") == "idle":
                break
            listen(message)
    while True:
        reply = await client.get_shell_msg()
        if reply["parent_header"].get("msg_id") == cell:
            content: dict[str, Any] = reply["content"]
            return content
