"""A far end that says nothing is asked, then given up; after a suspend at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sshpyk_core.link.heartbeat import STALE, Heartbeat
from sshpyk_core.timers import LinkTimers

from sshpyk_core import suspend

LONG = 600.0
SOON = 30.0


@asynccontextmanager
async def watched(
    timers: LinkTimers, on_ping: Callable[[Heartbeat, bytes], None] = lambda *_: None
) -> AsyncIterator[tuple[Heartbeat, asyncio.Queue[bytes], asyncio.Task[str]]]:
    """Have a heartbeat watched that answers its pings by ``on_ping``, and those pings."""
    pings: asyncio.Queue[bytes] = asyncio.Queue()

    def ping(question: bytes) -> None:
        pings.put_nowait(question)
        on_ping(heartbeat, question)

    heartbeat = Heartbeat(timers, ping)
    watch = asyncio.create_task(heartbeat.watch())
    try:
        yield heartbeat, pings, watch
    finally:
        watch.cancel()
        await asyncio.wait([watch])


async def suspended() -> None:
    """Let the loop stand still for longer than a busy machine would make it."""
    await asyncio.sleep(0)
    time.sleep(suspend.NOTICED + suspend.LONGEST_NAP + 0.1)  # noqa: ASYNC251 (that is the test)


async def test_a_silent_far_end_is_asked_time_and_again_and_then_given_up() -> None:
    async with watched(LinkTimers(ping_after=0.05, dead_after=0.5)) as (heartbeat, pings, watch):
        began = time.monotonic()
        reason = await asyncio.wait_for(watch, SOON)
        assert time.monotonic() - began >= 0.45
        assert reason.startswith("nothing was heard for ")
        assert pings.qsize() >= 2
        assert heartbeat.silence >= 0.45


async def test_a_far_end_that_answers_is_never_given_up() -> None:
    def answer(heartbeat: Heartbeat, _question: bytes) -> None:
        heartbeat.heard()

    timers = LinkTimers(ping_after=0.05, dead_after=5)
    async with watched(timers, answer) as (_, pings, watch):
        for _ in range(5):
            await asyncio.wait_for(pings.get(), SOON)
        assert not watch.done()


async def test_after_a_suspend_the_first_thing_is_a_ping_and_no_answer_ends_it() -> None:
    timers = LinkTimers(ping_after=LONG, dead_after=2 * LONG, awake_patience=0.3)
    async with watched(timers) as (_, pings, watch):
        await suspended()
        reason = await asyncio.wait_for(watch, SOON)
        assert reason.startswith("nothing was heard for ")
        assert pings.qsize() == 1


async def test_after_a_suspend_the_answer_to_the_ping_is_enough() -> None:
    def answer(heartbeat: Heartbeat, question: bytes) -> None:
        heartbeat.answered(question)

    timers = LinkTimers(ping_after=LONG, dead_after=2 * LONG, awake_patience=0.1)
    async with watched(timers, answer) as (_, pings, watch):
        await suspended()
        await asyncio.wait_for(pings.get(), SOON)
        done, _ = await asyncio.wait([watch], timeout=0.5)
        assert not done


async def test_what_may_have_come_before_the_suspend_counts_for_nothing() -> None:
    def old_news(heartbeat: Heartbeat, _question: bytes) -> None:
        heartbeat.heard()
        heartbeat.answered(b"an older question")

    timers = LinkTimers(ping_after=LONG, dead_after=2 * LONG, awake_patience=STALE / 2)
    async with watched(timers, old_news) as (_, _pings, watch):
        await suspended()
        assert (await asyncio.wait_for(watch, SOON)).startswith("nothing was heard")


def test_kernels_that_share_a_link_get_the_strictest_timers() -> None:
    one = LinkTimers(ping_after=1, dead_after=20, awake_patience=3)
    other = LinkTimers(ping_after=2, dead_after=10, awake_patience=3)
    assert one.strictest(other) == other.strictest(one) == LinkTimers(1, 10, 3)


async def test_trips_at_the_same_time_are_told_apart() -> None:
    async with watched(LinkTimers()) as (heartbeat, pings, _):
        first, second = heartbeat.time_a_trip(), heartbeat.time_a_trip()
        questions = [await pings.get(), await pings.get()]
        heartbeat.answered(questions[0])
        third = heartbeat.time_a_trip()
        for question in (questions[1], await pings.get()):
            heartbeat.answered(question)
        for trip in (first, second, third):
            assert await asyncio.wait_for(trip, SOON) >= 0
