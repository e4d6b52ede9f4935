"""How fast small exchanges and large outputs go."""

from __future__ import annotations

import math
import time
from typing import Any

from benchmarks.bench import LOCAL, REMOTE, Bench, Kernel, medians, reply_to
from benchmarks.result import Result

__all__ = ["LINE", "execute", "output", "poll", "throughput"]

IN_A_ROW = 20
"""Cells run on one side before it is the other's turn; the first ones only warm it up."""

LINE = 64 * 1024
MB = 1e6


async def execute(bench: Bench) -> list[Result]:
    """Run cells that do nothing: from the request to the reply."""
    pair = await bench.pair()
    taken: dict[str, list[float]] = {LOCAL: [], REMOTE: []}
    for _ in range(1 + math.ceil(bench.sizes.executes / IN_A_ROW)):
        for side, figures in taken.items():
            figures += [await _round_trip(pair[side]) * 1000 for _ in range(IN_A_ROW)]
    result = medians({side: figures[IN_A_ROW:] for side, figures in taken.items()})
    more = result[REMOTE] - result[LOCAL]
    return [
        Result(
            "execute",
            "ms",
            result[LOCAL],
            result[REMOTE],
            more,
            "ms more",
            at_most=bench.reach.execute,
        )
    ]


async def _round_trip(kernel: Kernel) -> float:
    client = kernel.client
    began = time.perf_counter()
    message = client.execute("1")
    await reply_to(client, message)
    seconds = time.perf_counter() - began
    while True:  # what the kernel still publishes does not disturb the next one
        published = await client.get_iopub_msg(timeout=60)
        if (
            published["parent_header"].get("msg_id") == message
            and published["content"].get("execution_state") == "idle"
        ):
            return seconds


async def output(bench: Bench) -> list[Result]:
    """Print much: all of it arrives, and how fast."""
    pair = await bench.pair()
    lines = bench.sizes.output_bytes // LINE

    async def once(side: str) -> float:
        return await throughput(pair[side], lines)

    taken = await bench.both(once, bench.sizes.outputs)
    share = taken[REMOTE] / taken[LOCAL]
    name = f"output of {lines * LINE / 2**20:.0f} MiB"
    return [
        Result(name, "MB/s", taken[LOCAL], taken[REMOTE], share, "x", at_least=bench.reach.output)
    ]


async def throughput(kernel: Kernel, lines: int) -> float:
    """Print lines of LINE bytes, and give the MB per second at which they arrive.

    Raises:
        RuntimeError: not all arrived.
    """
    arrived = 0

    def count(message: dict[str, Any]) -> None:
        nonlocal arrived
        arrived += len(message["content"].get("text", ""))

    code = f"for i in range({lines}): print('x' * {LINE - 1})"
    began = time.perf_counter()
    await kernel.client.execute_interactive(code, output_hook=count, timeout=120)
    seconds = time.perf_counter() - began
    if arrived != lines * LINE:
        name = kernel.manager.kernel_name
        raise RuntimeError(f"{name}: {arrived} of {lines * LINE} bytes of output arrived")
    return lines * LINE / seconds / MB


async def poll(bench: Bench) -> list[Result]:
    """Ask the provisioner whether the kernel lives."""
    pair = await bench.pair()

    async def once(side: str) -> float:
        provisioner = pair[side].manager.provisioner
        assert provisioner is not None
        began = time.perf_counter()
        for _ in range(bench.sizes.polls):
            if await provisioner.poll() is not None:
                raise RuntimeError(f"{side}: the kernel has ended")
        return (time.perf_counter() - began) / bench.sizes.polls * 1e6

    taken = await bench.both(once, bench.sizes.repeats)
    ratio = taken[REMOTE] / taken[LOCAL]
    return [Result("poll()", "µs", taken[LOCAL], taken[REMOTE], ratio, "x")]
