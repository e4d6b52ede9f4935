"""What a supervisor takes of the host's memory: doing nothing, and holding what nobody has read."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

from support.gate import gate
from support.processes import Process
from support.said import listened

from benchmarks.bench import PATIENCE, REMOTE, Bench, Kernel
from benchmarks.result import Result
from benchmarks.traffic import LINE, MB

__all__ = ["memory"]

SPOOL_BYTES = 64 * 1024 * 1024
"""What a spool holds in memory unless a kernel spec says otherwise."""

PRINTED_BYTES = SPOOL_BYTES - 2 * LINE
"""As much as surely fits, with what a kernel adds: all is in memory, nothing on disk."""

STEADY_SECONDS = 1.0
"""Memory that has not changed for so long counts as settled."""


async def memory(bench: Bench) -> list[Result]:
    """Look at the resident memory of a supervisor: idle, and with a full spool in memory."""
    await bench.end_pair()
    return [await _idle(bench), await _spooling(bench)]


async def _idle(bench: Bench) -> Result:
    async with bench.running(REMOTE):
        taken = await _settled(_supervisor(bench))
    note = f"private {taken['Private']:.1f} MB, proportional {taken['Pss']:.1f} MB"
    rss = taken["Rss"]
    return Result(
        "memory of an idle supervisor", "MB", None, rss, rss, "MB", bench.reach.memory, None, note
    )


async def _spooling(bench: Bench) -> Result:
    async with bench.running(REMOTE) as kernel:
        supervisor = _supervisor(bench)
        with gate(bench.server.home / "gate") as start, listened() as said:
            lines = f"for i in range({PRINTED_BYTES // LINE}): print('x' * {LINE - 1})"
            cell = kernel.client.execute(f"{start.wait_in_python}\n{lines}")
            await asyncio.wait_for(start.reached(), PATIENCE)
            await asyncio.to_thread(bench.server.stop)
            try:
                await said.wait_for("connection lost")
                start.open()
                taken = await _settled(supervisor, at_least=PRINTED_BYTES / MB)
            finally:
                await asyncio.to_thread(bench.server.start)
            await said.wait_for("connected again")
            held = _bytes_waited(said.containing("connected again")[0]) / MB
            await _read_up(kernel, cell)
            after = (await _settled(supervisor))["Rss"]
    over = taken["Rss"] - held
    note = f"{over:.1f} MB beside {held:.1f} MB of output; {after:.1f} MB when that was read"
    rss = taken["Rss"]
    return Result("memory with a full spool", "MB", None, rss, rss, "MB", note=note)


async def _read_up(kernel: Kernel, cell: str) -> None:
    """Take all that a cell has printed."""
    while True:
        message = await kernel.client.get_iopub_msg(timeout=PATIENCE)
        is_its = message["parent_header"].get("msg_id") == cell
        if is_its and message["content"].get("execution_state") == "idle":
            return


def _bytes_waited(message: str) -> int:
    found = re.search(r"(\d+) bytes had waited there", message)
    if found is None or not PRINTED_BYTES <= int(found[1]) <= SPOOL_BYTES:
        raise RuntimeError(f"the spool did not hold what was printed in memory: {message}")
    return int(found[1])


def _supervisor(bench: Bench) -> Process:
    found = [each for each in bench.server.detached() if "ipykernel" not in each.command]
    if len(found) != 1:
        raise RuntimeError(f"{len(found)} supervisors, not one: {', '.join(map(str, found))}")
    return found[0]


async def _settled(process: Process, at_least: float = 0.0) -> dict[str, float]:
    """Wait until the resident memory stays as it is, and give what there is then."""
    deadline = time.monotonic() + PATIENCE
    before = _memory_of(process)
    while time.monotonic() < deadline:
        await asyncio.sleep(STEADY_SECONDS)
        now = _memory_of(process)
        if now["Rss"] == before["Rss"] >= at_least:
            return now
        before = now
    raise TimeoutError(f"the memory of the supervisor does not settle: {before}")


def _memory_of(process: Process) -> dict[str, float]:
    """Give the MB that a process has in memory, as proc_pid_smaps(5) sums them up.

    ``Rss`` counts all pages, also those that others have as well; ``Pss`` a share of those;
    ``Private`` none of them.
    """
    text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    kibibytes = {name: int(size) for name, size in re.findall(r"(\w+): +(\d+) kB", text)}
    kibibytes["Private"] = kibibytes["Private_Clean"] + kibibytes["Private_Dirty"]
    return {name: kibibytes[name] * 1024 / MB for name in ("Rss", "Pss", "Private")}
