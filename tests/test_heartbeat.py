"""A far end that says nothing is asked, then given up; after a suspend at once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from sshpyk_core.errors import HostUnreachableError
from sshpyk_core.link.attachment import Replayed
from sshpyk_core.link.heartbeat import STALE, Heartbeat, LinkTimers
from sshpyk_core.reconnecting import HostState, Loss, Reconnecting
from support.said import listened

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


async def test_a_sleep_tells_of_a_suspend_and_ends_with_it() -> None:
    assert await suspend.sleep(0.01) is False
    sleeping = asyncio.create_task(suspend.sleep(LONG))
    await suspended()
    assert await asyncio.wait_for(sleeping, SOON) is True


def test_kernels_that_share_a_link_get_the_strictest_timers() -> None:
    one = LinkTimers(ping_after=1, dead_after=20, awake_patience=3)
    other = LinkTimers(ping_after=2, dead_after=10, awake_patience=3)
    assert one.strictest(other) == other.strictest(one) == LinkTimers(1, 10, 3)


# --- attempts ------------------------------------------------------------------------------------


async def test_a_connection_that_is_lost_at_once_again_and_again_makes_no_storm() -> None:
    made: list[float] = []
    connected = False

    async def attempt() -> Replayed:
        nonlocal connected
        made.append(time.monotonic())
        connected = True
        loop.connected()
        return Replayed()

    loop = Reconnecting("somewhere", attempt, lambda: not connected)
    for _ in range(3):
        connected = False
        loop.lost(Loss("closed", 0, 1))
        assert await loop.run() is HostState.CONNECTED
    # The delays are 0, 1 and 2 s, each spread by a fifth.
    assert made[1] - made[0] >= 0.8
    assert made[2] - made[1] >= 1.6


async def test_each_loss_and_each_return_is_told_in_one_line() -> None:
    attempts = 0

    async def attempt() -> Replayed:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise HostUnreachableError("somewhere", "connect", "no route to host")
        return Replayed(here=17, there=4711)

    loop = Reconnecting("somewhere", attempt, lambda: attempts < 2)
    with listened() as said:
        loop.lost(Loss("nothing was heard for 20 s", 20, 2))
        await loop.run()
        await said.wait_for("connected again")
    (lost,) = said.containing("connection lost")
    assert lost.startswith("somewhere: connection lost (nothing was heard for 20 s); last heard")
    assert "its 2 kernels go on" in lost
    assert lost.endswith("connecting again now")
    (back,) = said.containing("connected again")
    assert back.endswith("4711 bytes had waited there, 17 here")
    # What fails in between is not for the user, who would be told of it for hours.
    assert said.levels("no route to host") == [logging.DEBUG]
    assert said.levels("connection lost") == [logging.WARNING]
    assert said.levels("connected again") == [logging.WARNING]


@pytest.mark.others
async def test_a_suspend_ends_the_wait_for_the_next_attempt() -> None:
    made: list[float] = []
    fourth = asyncio.Event()

    async def attempt() -> Replayed:
        made.append(time.monotonic())
        if len(made) == 5:
            return Replayed()
        if len(made) == 4:
            fourth.set()
        raise HostUnreachableError("somewhere", "connect", "no route to host")

    loop = Reconnecting("somewhere", attempt, lambda: len(made) < 5)
    running = asyncio.create_task(loop.run())
    await asyncio.wait_for(fourth.wait(), SOON)
    await suspended()
    await asyncio.wait_for(running, SOON)
    # The wait was to be of 8 s, spread by a fifth.
    assert made[4] - made[3] < 6.4
