"""The two sides that are compared: one kernel spec, run here and run on a real SSH server."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from statistics import median

import pytest
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from sshpyk_core.background import background
from sshpyk_core.hosts import hosts
from sshpyk_core.types import Target
from support.kernels import install_spec, remote_ipykernel
from support.local import LocalSide, isolated
from support.sshd import SSHServer

from benchmarks.reach import reach_of

__all__ = ["LOCAL", "REMOTE", "Bench", "Kernel", "Sizes", "medians", "open_bench", "reply_to"]

LOCAL = "local"
REMOTE = "remote"
PATIENCE = 120.0


@dataclass(frozen=True)
class Sizes:
    """How much is measured.

    Attributes:
        repeats: of what starts a kernel.
        outputs: cells that print much, on each side.
        executes: cells run, on each side.
        output_bytes: printed by one cell.
        polls: calls of ``poll()``.
        idle_kernels, idle_seconds: kernels that do nothing, and how long they are watched.
        crowd: kernels started at once.
        cuts: of the line, to each of which it returns at once.
        absences: times in which the line is refused.
        refused_seconds: how long.
    """

    repeats: int = 5
    outputs: int = 9
    executes: int = 300
    output_bytes: int = 40 * 1024 * 1024
    polls: int = 5000
    idle_kernels: int = 10
    idle_seconds: float = 20.0
    crowd: int = 20
    cuts: int = 20
    absences: int = 5
    refused_seconds: float = 5.0


QUICK = Sizes(1, 1, 20, 4 * 1024 * 1024, 200, 2, 1.0, 2, 1, 1, 0.5)


class KernelEndedError(RuntimeError):
    """A kernel ended when it should have answered."""


@dataclass(frozen=True)
class Kernel:
    """A running kernel and a client with its four channels, as a Jupyter server has them."""

    manager: AsyncKernelManager
    client: AsyncKernelClient

    async def ready(self) -> None:
        """Wait until the kernel answers; ask again each second, as clients of Jupyter do."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                await reply_to(self.client, self.client.kernel_info(), timeout=1)
            except Empty:
                if not await self.manager.is_alive():
                    raise KernelEndedError(f"the {self.manager.kernel_name} kernel ended") from None
            else:
                return
        raise TimeoutError(f"kernel {self.manager.kernel_name} did not get ready")

    async def shutdown(self) -> None:
        """End the kernel as a user does."""
        self.client.stop_channels()
        await self.manager.shutdown_kernel()


async def reply_to(client: AsyncKernelClient, message: str, timeout: float = PATIENCE) -> None:
    """Wait for the answer to a message on the shell channel."""
    while True:
        reply = await client.get_shell_msg(timeout=timeout)
        if reply["parent_header"].get("msg_id") == message:
            return


class Bench:
    """One SSH server, one isolated near side, and what is needed to start kernels on both."""

    def __init__(self, server: SSHServer, local: LocalSide, transport: str, sizes: Sizes) -> None:
        self.server = server
        self.local = local
        self.sizes = sizes
        self.transport = transport
        self.reach = reach_of(transport)
        self._stack = AsyncExitStack()
        self._pair: dict[str, Kernel] = {}
        spec = remote_ipykernel(server.home)
        shutil.copytree(spec, local.data_dir / "kernels" / LOCAL)
        self.install(REMOTE)

    def target(self, ssh_config: Path | None = None) -> Target:
        """Give the target of kernels here, by way of another ``ssh_config`` if one is given."""
        file = str(ssh_config or self.server.ssh_config)
        return Target(self.server.alias, transport=self.transport, ssh_config=file)

    def install(self, name: str, ssh_config: Path | None = None) -> None:
        """Write a kernel spec for the remote side."""
        target = self.target(ssh_config)
        stanza = {
            "ssh_host_alias": target.alias,
            "ssh_config": target.ssh_config,
            "transport": target.transport,
        }
        install_spec(self.local.data_dir, name, stanza)

    async def start(self, side: str) -> Kernel:
        """Start a kernel and wait until it answers."""
        try:
            return await self._start(side)
        except KernelEndedError:
            if side != LOCAL:
                raise
            # Jupyter chooses a local kernel's ports before it binds them: somebody was quicker.
            return await self._start(side)

    async def _start(self, side: str) -> Kernel:
        manager = AsyncKernelManager(kernel_name=side)
        # A remote kernel's standard error goes to its host; the local one's would be shown here.
        await manager.start_kernel(**({"stderr": subprocess.DEVNULL} if side == LOCAL else {}))
        client = manager.client()
        client.start_channels(hb=False)
        kernel = Kernel(manager, client)
        try:
            await kernel.ready()
        except BaseException:
            await kernel.shutdown()
            raise
        return kernel

    @asynccontextmanager
    async def running(self, side: str) -> AsyncIterator[Kernel]:
        """Have a kernel for some time."""
        kernel = await self.start(side)
        try:
            yield kernel
        finally:
            await kernel.shutdown()

    async def pair(self) -> dict[str, Kernel]:
        """Give one kernel of each side, the same ones until they are ended."""
        for side in (LOCAL, REMOTE):
            if side not in self._pair:
                self._pair[side] = await self._stack.enter_async_context(self.running(side))
        return self._pair

    async def timed(self, work: Awaitable[None]) -> float:
        """Give the seconds that something takes."""
        began = time.perf_counter()
        await work
        return time.perf_counter() - began

    async def both(
        self,
        once: Callable[[str], Awaitable[float]],
        repeats: int,
        warm_ups: int = 1,
        sides: Sequence[str] = (LOCAL, REMOTE),
    ) -> dict[str, float]:
        """Measure the sides in turn, and give each one's median.

        The first ``warm_ups`` rounds do not count.
        """
        taken: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(warm_ups + repeats):
            for side, figures in taken.items():
                figures.append(await once(side))
        return medians({side: figures[warm_ups:] for side, figures in taken.items()})

    async def end_pair(self) -> None:
        """End the kernels of :meth:`pair`."""
        self._pair.clear()
        await self._stack.aclose()

    async def disconnect(self) -> None:
        """End the kernels of :meth:`pair` and the connection."""
        await self.end_pair()
        await background.run(hosts.aclose())

    async def make_cold(self) -> None:
        """Empty the remote user's home, but for the kernel spec, and end the connection."""
        await self.disconnect()
        await asyncio.to_thread(self._empty_homes)

    def _empty_homes(self) -> None:
        for folder in (self.server.home, self.local.home / "ipython"):
            shutil.rmtree(folder)
            folder.mkdir()
        remote_ipykernel(self.server.home)


@asynccontextmanager
async def open_bench(transport: str, sizes: Sizes) -> AsyncIterator[Bench]:
    """Set up both sides, and take everything away again.

    Raises:
        RuntimeError: processes of the remote side did not end.
    """
    with pytest.MonkeyPatch.context() as monkeypatch, isolated(monkeypatch) as local:
        server = await asyncio.to_thread(SSHServer)
        try:
            await asyncio.to_thread(server.start)
            bench = Bench(server, local, transport, sizes)
            try:
                yield bench
            finally:
                await bench.disconnect()
        finally:
            left = await asyncio.to_thread(server.close)
    if left:
        raise RuntimeError("processes outlived the measures:\n" + "\n".join(map(str, left)))


def medians(figures: dict[str, list[float]]) -> dict[str, float]:
    """Give the median of each side."""
    return {side: median(taken) for side, taken in figures.items()}
