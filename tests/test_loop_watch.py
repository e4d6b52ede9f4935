"""The tests' watch over an event loop sees what holds up the loop, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from support.loop_watch import LONGEST_BEAT, watched_loop

HELD_UP = 0.3


def sleep() -> None:
    time.sleep(HELD_UP)


def compute() -> None:
    end = time.perf_counter() + HELD_UP
    while time.perf_counter() < end:
        pass


@pytest.mark.parametrize("block", [sleep, compute])
async def test_a_loop_that_is_held_up_is_seen(block: Callable[[], None]) -> None:
    async with watched_loop() as watch:
        block()
    assert watch.longest_wait > HELD_UP / 2


async def test_a_pause_of_the_whole_process_is_not_taken_for_one_of_the_loop() -> None:
    async with watched_loop() as watch:
        start = time.perf_counter()
        sum(range(50_000_000))  # one call in C, which lets no other thread run
        paused = time.perf_counter() - start
    assert paused > 5 * LONGEST_BEAT
    assert watch.longest_wait < paused / 2
