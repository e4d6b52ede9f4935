"""A time limit for work that may ask a person in between."""

from __future__ import annotations

import asyncio

import pytest
from sshpyk_core.transport_kit.deadline import Deadline, PatientPrompter
from sshpyk_core.types import Question
from support.prompters import Somebody


async def forever(ended: asyncio.Event) -> None:
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        await asyncio.sleep(0)
        ended.set()


async def test_work_that_ends_in_time_gives_its_result_or_its_error() -> None:
    async def answer() -> int:
        return 42

    async def fail() -> None:
        raise LookupError

    assert await Deadline(10).run(answer()) == 42
    with pytest.raises(LookupError):
        await Deadline(10).run(fail())


async def test_work_that_takes_too_long_has_ended_when_that_is_told() -> None:
    ended = asyncio.Event()
    with pytest.raises(asyncio.TimeoutError):
        await Deadline(0.01).run(forever(ended))
    assert ended.is_set()


async def test_cancelling_cancels_the_work_and_waits_for_its_end() -> None:
    ended = asyncio.Event()
    task = asyncio.ensure_future(Deadline(10).run(forever(ended)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_no_time_passes_while_it_is_held() -> None:
    deadline = Deadline(0.05)
    ended = asyncio.Event()

    async def work() -> None:
        with deadline.held():
            await asyncio.sleep(0.2)
            with deadline.held():
                pass
            await asyncio.sleep(0.1)
        await forever(ended)

    with pytest.raises(asyncio.TimeoutError):
        await deadline.run(work())
    assert ended.is_set()


async def test_it_may_be_set_anew() -> None:
    deadline = Deadline(0.05)

    async def work() -> str:
        deadline.restart(10)
        await asyncio.sleep(0.2)
        return "done"

    assert await deadline.run(work()) == "done"


async def test_a_person_has_all_the_time_there_is() -> None:
    deadline = Deadline(0.05)
    somebody = Somebody(thinks=True)

    async def ask() -> str | None:
        return await PatientPrompter(somebody, deadline).ask(Question("code", "Code: "))

    asking = asyncio.ensure_future(deadline.run(ask()))
    await asyncio.wait([asking], timeout=0.3)
    assert not asking.done()
    asking.cancel()
    await asyncio.wait([asking])
    assert somebody.dismissed.is_set()
