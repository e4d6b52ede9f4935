"""Many kernels on one host: started at once, and doing nothing."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from jupyter_client.channels import HBChannel
from support import processes

from benchmarks.bench import REMOTE, Bench, Kernel
from benchmarks.result import Result

__all__ = ["concurrent", "idle"]

SETTLE_SECONDS = 3.0
"""How long after the last start the kernels and what carries them are still busy."""


async def concurrent(bench: Bench) -> list[Result]:
    """Start many kernels at once, over one connection and one exec channel."""
    await bench.disconnect()
    wanted = bench.sizes.crowd
    before = bench.server.logins(), bench.server.sessions()
    began = time.perf_counter()
    async with _crowd(bench, wanted) as (kernels, failures):
        seconds = time.perf_counter() - began
    after = bench.server.logins(), bench.server.sessions()
    connections, channels = after[0] - before[0], after[1] - before[1]
    if (connections, channels) != (1, 1):
        raise RuntimeError(f"{connections} connections and {channels} channels, not one of each")
    name = f"{wanted} starts at once"
    note = f"failed: {failures[0]!r}" if failures else "one connection, one exec channel"
    return [Result(name, "s", None, seconds, len(kernels), "started", None, wanted, note)]


@asynccontextmanager
async def _crowd(
    bench: Bench, wanted: int
) -> AsyncIterator[tuple[list[Kernel], list[BaseException]]]:
    """Start kernels at once; have those that start for some time, and what became of the others."""
    starts = [bench.start(REMOTE) for _ in range(wanted)]
    outcomes = await asyncio.gather(*starts, return_exceptions=True)
    kernels = [each for each in outcomes if isinstance(each, Kernel)]
    try:
        yield kernels, [each for each in outcomes if isinstance(each, BaseException)]
    finally:
        await asyncio.gather(*(kernel.shutdown() for kernel in kernels))


async def idle(bench: Bench) -> list[Result]:
    """Watch what our part of kernels that do nothing costs: CPU here and on the host."""
    sizes = bench.sizes
    await bench.end_pair()
    async with _crowd(bench, sizes.idle_kernels) as (_, failures):
        if failures:
            raise RuntimeError("not all kernels started") from failures[0]
        await asyncio.sleep(min(SETTLE_SECONDS, sizes.idle_seconds))
        before = _cpu_seconds(bench)
        if not all(before[name] for name in ("here", "sshd", "far")):
            raise RuntimeError(f"cannot tell the processes apart: CPU seconds so far: {before}")
        began = time.perf_counter()
        await asyncio.sleep(sizes.idle_seconds)
        after = _cpu_seconds(bench)
        seconds = time.perf_counter() - began
    shares = {name: (after[name] - before[name]) / seconds * 100 for name in before}
    note = ", ".join(f"{name} {share:.3f}" for name, share in shares.items())
    name = f"CPU of {sizes.idle_kernels} idle kernels"
    total = sum(shares.values())
    return [Result(name, "%", None, total, total, "% of a core", bench.reach.idle, None, note)]


def _cpu_seconds(bench: Bench) -> dict[str, float]:
    """Give the CPU time so far of everything that is there because of sshpyk.

    ``far`` are the bridge and the supervisors; the kernels themselves do not count.
    """
    home, server = str(bench.local.home), str(bench.server.directory)
    ssh = [
        each for each in processes.running("ssh") if home in each.command or server in each.command
    ]
    far = [each for each in bench.server.processes() if "ipykernel" not in each.command]
    return {
        "here": sum(_of_task(os.getpid(), thread) for thread in _our_threads()),
        "ssh": sum(_of_process(each.pid) for each in ssh),
        "sshd": sum(_of_process(each.pid) for each in bench.server.connections()),
        "far": sum(_of_process(each.pid) for each in far),
    }


def _our_threads() -> list[int]:
    """Find sshpyk's thread and those of its transport: all but Jupyter's."""
    return [
        thread.native_id
        for thread in threading.enumerate()
        if thread is not threading.main_thread()
        and not isinstance(thread, HBChannel)
        and thread.native_id is not None
    ]


def _of_process(pid: int) -> float:
    with suppress(FileNotFoundError):
        return sum(_of_task(pid, int(task)) for task in os.listdir(f"/proc/{pid}/task"))
    return 0.0


def _of_task(pid: int, task: int) -> float:
    """Give the seconds that a thread has run: finer than the ticks of proc_pid_stat(5)."""
    nanoseconds = Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0]
    return int(nanoseconds) / 1e9
