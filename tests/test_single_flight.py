"""One run serves all who wait for it, whoever comes or goes meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from sshpyk_core.single_flight import SingleFlight


class Work:
    """Work that ends when the test says so, and counts how often it was begun."""

    def __init__(self) -> None:
        self.begun = 0
        self.undone = 0
        self.may_go_on = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.may_undo = asyncio.Event()
        self.error: Exception | None = None
        self.flight = SingleFlight(self._run)

    async def _run(self) -> int:
        self.begun += 1
        number = self.begun
        try:
            await self.may_go_on.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            await self.may_undo.wait()
            self.undone += 1
            raise
        if self.error is not None:
            raise self.error
        return number

    async def waiters(self, count: int) -> list[asyncio.Task[int]]:
        """Give tasks that wait already."""
        tasks = [asyncio.create_task(self.flight.join()) for _ in range(count)]
        for _ in range(5):
            await asyncio.sleep(0)
        assert not any(task.done() for task in tasks)
        return tasks


@pytest.fixture
async def work() -> AsyncIterator[Work]:
    made = Work()
    yield made
    made.may_go_on.set()
    made.may_undo.set()


async def test_all_who_wait_at_the_same_time_get_the_result_of_one_run(work: Work) -> None:
    waiters = await work.waiters(3)
    assert work.flight.running
    work.may_go_on.set()
    assert await asyncio.gather(*waiters) == [1, 1, 1]
    assert not work.flight.running
    assert await work.flight.join() == 2


async def test_an_error_reaches_all_who_wait_and_no_later_run(work: Work) -> None:
    work.error = ConnectionError("refused")
    waiters = await work.waiters(3)
    work.may_go_on.set()
    results = await asyncio.gather(*waiters, return_exceptions=True)
    assert results == [work.error] * 3
    work.error = None
    assert await work.flight.join() == 2


async def test_one_who_goes_does_not_disturb_the_others(work: Work) -> None:
    leaving, *staying = await work.waiters(3)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert work.flight.running
    work.may_go_on.set()
    assert await asyncio.gather(*staying) == [1, 1]
    assert not work.cancelled.is_set()


async def test_the_run_is_cancelled_when_the_last_one_goes(work: Work) -> None:
    waiters = await work.waiters(2)
    for waiter in waiters:
        waiter.cancel()
    await asyncio.wait(waiters)
    await asyncio.wait_for(work.cancelled.wait(), 10)
    assert not work.flight.running
    work.may_undo.set()


async def test_who_comes_while_an_abandoned_run_ends_gets_a_new_one(work: Work) -> None:
    (first,) = await work.waiters(1)
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    await asyncio.wait_for(work.cancelled.wait(), 10)
    later = await work.waiters(2)
    assert (work.begun, work.undone) == (1, 0)  # never two runs at a time
    work.may_undo.set()
    work.may_go_on.set()
    assert await asyncio.wait_for(asyncio.gather(*later), 10) == [2, 2]
    assert (work.begun, work.undone) == (2, 1)


async def test_who_waits_for_the_end_of_an_abandoned_run_may_go_too(work: Work) -> None:
    (first,) = await work.waiters(1)
    first.cancel()
    await asyncio.wait([first])
    await asyncio.wait_for(work.cancelled.wait(), 10)
    going, staying = await work.waiters(2)
    going.cancel()
    await asyncio.wait([going])
    assert going.cancelled()
    work.may_undo.set()
    work.may_go_on.set()
    assert await asyncio.wait_for(staying, 10) == 2


async def test_ending_the_run_ends_it_for_those_who_wait_and_not_for_those_who_come(
    work: Work,
) -> None:
    (waiter,) = await work.waiters(1)
    work.may_undo.set()
    work.flight.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    work.may_go_on.set()
    assert await work.flight.join() == 2
