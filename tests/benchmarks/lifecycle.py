"""How long a kernel takes to start, to restart and to end."""

from __future__ import annotations

from benchmarks.bench import LOCAL, REMOTE, Bench, medians
from benchmarks.result import Result

__all__ = ["cold", "warm"]


async def cold(bench: Bench) -> list[Result]:
    """Start to ready with an empty home on the host and no connection to it."""

    async def once(side: str) -> float:
        await bench.make_cold()
        kernel = None

        async def start() -> None:
            nonlocal kernel
            kernel = await bench.start(side)

        seconds = await bench.timed(start())
        if kernel is not None:
            await kernel.shutdown()
        return seconds

    repeats = bench.sizes.repeats
    taken = await bench.both(once, repeats, warm_ups=min(1, repeats - 1))
    return [_ratio("start, cold host", taken)]


async def warm(bench: Bench) -> list[Result]:
    """Start to ready while there is a link, then restart, then shutdown."""
    figures: dict[str, dict[str, list[float]]] = {
        name: {LOCAL: [], REMOTE: []} for name in ("start", "restart", "shutdown")
    }
    await (await bench.start(REMOTE)).shutdown()  # the link stays for a while
    for _ in range(bench.sizes.repeats):
        for side in (LOCAL, REMOTE):
            for name, seconds in (await _one_life(bench, side)).items():
                figures[name][side].append(seconds)
    return [
        _ratio("start, warm host", medians(figures["start"]), bench.reach.start),
        _ratio("restart", medians(figures["restart"]), bench.reach.start),
        _ratio("shutdown", medians(figures["shutdown"])),
    ]


async def _one_life(bench: Bench, side: str) -> dict[str, float]:
    seconds: dict[str, float] = {}
    kernels = []

    async def start() -> None:
        kernels.append(await bench.start(side))

    async def restart() -> None:
        await kernels[0].manager.restart_kernel()
        await kernels[0].ready()

    seconds["start"] = await bench.timed(start())
    try:
        seconds["restart"] = await bench.timed(restart())
    finally:
        seconds["shutdown"] = await bench.timed(kernels[0].shutdown())
    return seconds


def _ratio(name: str, taken: dict[str, float], at_most: float | None = None) -> Result:
    local, remote = taken[LOCAL], taken[REMOTE]
    return Result(name, "s", local, remote, remote / local, "x", at_most=at_most)
