"""How soon bytes come again when a lost line has returned."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty
from statistics import median

from sshpyk_core.background import background
from sshpyk_core.backoff import SHORT_LIFE
from sshpyk_core.connection import Connection
from sshpyk_core.link.bootstrap import open_link
from sshpyk_core.testing.relay import Relay
from sshpyk_core.timers import LinkTimers
from sshpyk_core.transport import transport_for
from sshpyk_core.types import Target
from support.said import listened

from benchmarks.bench import PATIENCE, REMOTE, Bench, Kernel
from benchmarks.result import Result

__all__ = ["comeback"]

CODE = "import time\nwhile True: print(time.time(), flush=True); time.sleep(0.005)"

POLL_SECONDS = 0.002
"""How exactly it is told when an attempt reaches the relay."""


@dataclass
class _Measured:
    """Seconds of each time.

    Attributes:
        handshake: to connect and to start a bridge, when nothing was lost.
        cut: from a cut of the line, over which new connections come at once, to the next line.
        refused: from the end of a time in which connections were refused to the next message.
        attempt: from the attempt that succeeds then, as it reaches the relay, to the next message.
    """

    handshake: list[float] = field(default_factory=list)
    cut: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    attempt: list[float] = field(default_factory=list)


async def comeback(bench: Bench) -> list[Result]:
    """Cut the line under a kernel that prints, and wait for its next line."""
    taken = _Measured()
    async with _relayed(bench) as relay, bench.running(REMOTE) as kernel:
        kernel.client.execute(CODE)
        with listened():  # so it is not told on standard error that the line is lost
            for _ in range(bench.sizes.cuts):
                await _settle(bench, kernel, taken)
                await asyncio.to_thread(relay.cut)
                taken.cut.append(await _next_line(kernel, time.time()))
            for _ in range(bench.sizes.absences):
                await _settle(bench, kernel, taken)
                await _be_away(bench, kernel, relay, taken)
        await kernel.manager.interrupt_kernel()
    return [_after_a_cut(bench, taken), _after_an_absence(bench, taken)]


async def _settle(bench: Bench, kernel: Kernel, taken: _Measured) -> None:
    """Let the connection live long enough not to count as failed, and make one beside it."""
    work = background.run(_handshake(bench.target()))
    taken.handshake.append(await work)
    await _read_for(kernel, SHORT_LIFE * 1.2)


async def _handshake(target: Target) -> float:
    """Connect as the first kernel on a host does, and give the seconds."""
    transport = transport_for(target)
    began = time.perf_counter()
    session = await transport.connect(target, None)
    try:
        link, hello = await open_link(
            transport, session, python=None, directory=None, timers=LinkTimers()
        )
    except BaseException:
        await session.aclose()
        raise
    seconds = time.perf_counter() - began
    await Connection(session, link, hello).aclose("measured")
    return seconds


async def _be_away(bench: Bench, kernel: Kernel, relay: Relay, taken: _Measured) -> None:
    """Refuse connections for some time."""
    await asyncio.to_thread(relay.refuse)
    await asyncio.to_thread(relay.cut)
    await _read_for(kernel, bench.sizes.refused_seconds)
    made = relay.connections_made
    await asyncio.to_thread(relay.accept)
    accepted = time.time()
    waiting = asyncio.create_task(_next_message(kernel, accepted))
    try:
        while relay.connections_made == made and not waiting.done():  # noqa: ASYNC110 (none tells)
            await asyncio.sleep(POLL_SECONDS)
        reached = time.time()
        taken.refused.append(await waiting)
    finally:
        waiting.cancel()
    taken.attempt.append(taken.refused[-1] - (reached - accepted))


async def _read_for(kernel: Kernel, seconds: float) -> None:
    """Take what the kernel prints, so that nothing old is left at the client."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        with suppress(Empty):
            await kernel.client.get_iopub_msg(timeout=left)


async def _next_message(kernel: Kernel, since: float) -> float:
    """Wait for a message, and give the seconds since a moment at which none was there any more."""
    await kernel.client.get_iopub_msg(timeout=PATIENCE)
    return time.time() - since


async def _next_line(kernel: Kernel, since: float) -> float:
    """Wait for a line that was printed after a moment, and give the seconds since then.

    What was printed before may have been at the client when the line was lost.
    """
    while True:
        message = await kernel.client.get_iopub_msg(timeout=PATIENCE)
        printed = message["content"].get("text", "").split()
        if printed and float(printed[-1]) > since:
            return time.time() - since


@asynccontextmanager
async def _relayed(bench: Bench) -> AsyncIterator[Relay]:
    """Have all connections made through a relay."""
    await bench.disconnect()
    server = bench.server
    with Relay(server.port) as relay:
        server.reach_through(relay.port)
        try:
            yield relay
        finally:
            await bench.disconnect()
            server.reach_through(server.port)


def _after_a_cut(bench: Bench, taken: _Measured) -> Result:
    handshake = median(taken.handshake)
    worst = max(taken.cut)
    note = f"{_told(taken.cut)}; handshake: {_told(taken.handshake)}"
    return Result(
        "line cut: to the next byte",
        "s",
        None,
        median(taken.cut),
        worst - handshake,
        "s at worst, less a handshake",
        at_most=bench.reach.comeback,
        note=note,
    )


def _after_an_absence(bench: Bench, taken: _Measured) -> Result:
    middle = median(taken.refused)
    return Result(
        f"refused for {bench.sizes.refused_seconds:g} s: to the next byte",
        "s",
        None,
        middle,
        middle,
        "s",
        note=f"{_told(taken.refused)}; from the attempt on: {_told(taken.attempt)}",
    )


def _told(seconds: list[float]) -> str:
    return f"median {median(seconds):.2f} s, worst {max(seconds):.2f} s of {len(seconds)}"
