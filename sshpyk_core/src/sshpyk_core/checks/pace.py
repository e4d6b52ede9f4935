"""How far away the host is, and how many bytes go through."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
from collections.abc import Awaitable

from sshpyk_core.checks.asking import running
from sshpyk_core.link.link import Link
from sshpyk_core.shell import one_line
from sshpyk_core.transport import Transport
from sshpyk_core.transport_kit.deadline import Deadline
from sshpyk_core.types import Finding, RemoteProcess, Session

__all__ = ["MOST_BYTES", "MOST_SECONDS", "TRIPS", "round_trips", "throughput"]

TRIPS = 10
MOST_BYTES = 8 * 1024**2
"""Bytes that are sent each way, unless time is up before."""

MOST_SECONDS = 2.0

_PIECE = 64 * 1024
_TRIP_SECONDS = 20.0
_END_SECONDS = 20.0
_SLOW = 0.3
"""Seconds of a round trip from which on completion and interactive plots feel slow."""


async def round_trips(link: Link) -> list[Finding]:
    """Time some bytes over the link, one after another.

    Raises:
        LinkLostError: the link was lost meanwhile.
    """
    seconds: list[float] = []
    with contextlib.suppress(asyncio.TimeoutError):
        await Deadline(_TRIP_SECONDS).run(_trips(link, seconds))
    if not seconds:
        cause = f"nothing came back over the link within {_TRIP_SECONDS:.0f} s"
        return [Finding("error", cause, "Is the network or the host overloaded? Try again.")]
    middle = statistics.median(seconds)
    cause = (
        f"round trip over the link {middle * 1000:.1f} ms"
        f" (median of {len(seconds)}, worst {max(seconds) * 1000:.1f} ms)"
    )
    if middle < _SLOW:
        return [Finding("ok", cause)]
    fix = "Kernels work, but what is typed is answered late: is there a nearer way to the host?"
    return [Finding("info", cause, fix)]


async def _trips(link: Link, seconds: list[float]) -> None:
    for _ in range(TRIPS):
        seconds.append(await link.round_trip())


async def throughput(transport: Transport, session: Session) -> list[Finding]:
    """Send bytes from the host, then to it, over an exec channel for each.

    Raises:
        LaunchError: the server refuses.
    """
    count = MOST_BYTES // _PIECE
    send = one_line(f"exec dd if=/dev/zero bs={_PIECE} count={count} 2>/dev/null")
    async with running(transport, session, send) as talk:
        down = await _rate(_take(talk.process))
    async with running(transport, session, one_line("exec cat >/dev/null")) as talk:
        up = await _rate(_give(talk.process))
    cause = (
        f"{_shown(down)} from the host, {_shown(up)} to it (over an exec channel, at most"
        f" {MOST_BYTES // 1024**2} MiB and {MOST_SECONDS:.0f} s each)"
    )
    if down and up:
        return [Finding("ok", cause)]
    return [Finding("warning", cause, "Is the network or the host overloaded? Try again.")]


async def _rate(work: Awaitable[float]) -> float:
    async def wait() -> float:
        return await work

    try:
        return await Deadline(MOST_SECONDS + _END_SECONDS).run(wait())
    except (asyncio.TimeoutError, OSError):
        return 0.0


async def _take(process: RemoteProcess) -> float:
    loop = asyncio.get_running_loop()
    began, taken = loop.time(), 0
    while loop.time() - began < MOST_SECONDS:
        left = MOST_SECONDS - (loop.time() - began)
        reading = asyncio.ensure_future(process.stdout.read(_PIECE * 4))
        try:
            done, _ = await asyncio.wait([reading], timeout=max(0.0, left))
        finally:
            reading.cancel()
            await asyncio.wait([reading])
        if not done or not reading.result():
            break
        taken += len(reading.result())
    return taken / max(loop.time() - began, 1e-6)


async def _give(process: RemoteProcess) -> float:
    loop = asyncio.get_running_loop()
    began, given = loop.time(), 0
    piece = bytes(_PIECE)
    while given < MOST_BYTES and loop.time() - began < MOST_SECONDS:
        process.stdin.write(piece)
        await process.stdin.drain()
        given += len(piece)
    # What was given may still wait here: it has arrived when the command has seen the end.
    process.stdin.close()
    await process.wait()
    return given / max(loop.time() - began, 1e-6)


def _shown(rate: float) -> str:
    megabytes = rate / 1e6
    return f"{megabytes:.0f} MB/s" if megabytes >= 10 else f"{megabytes:.2g} MB/s"
