"""A program that was suspended finds out at once whether its connection is still good."""

from __future__ import annotations

import asyncio
import time

import pytest
from sshpyk_core.testing.relay import Relay
from sshpyk_core.timers import LinkTimers
from support.far import MakeFarSide
from support.managers import READY
from support.programs import program_with_kernel

from sshpyk_core import suspend

LONG = 600.0

SUSPEND = suspend.NOTICED + suspend.LONGEST_NAP + 0.5
"""Seconds of a suspend that is sure to be noticed."""

FOUND_OUT = suspend.LONGEST_NAP + LinkTimers().awake_patience + 0.5
"""Seconds after a suspend within which a connection that does not answer is given up."""


@pytest.mark.others
@pytest.mark.ways(servers=["sshd"], why="a relay stands before it")
async def test_a_suspend_over_which_the_connection_died_is_noticed_at_once(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    with Relay(far.server.port) as relay:
        far.server.reach_through(relay.port)
        # Without a suspend, silence would not be noticed within this test.
        far.install("far", ping_after=60, dead_after=600)
        async with program_with_kernel() as program:
            await program.says("ready")
            relay.silence()
            await program.suspend(SUSPEND)
            lost = await program.says("connection lost")
            assert "nothing was heard for " in lost
            relay.resume()
            await program.says("connected again")
            await program.run("print('here')")
            await program.says("done")
            assert await program.finish() == 0
    assert far.left_behind() == []


@pytest.mark.others
async def test_a_suspend_over_which_the_connection_held_changes_nothing(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    async with program_with_kernel() as program:
        await program.says("ready")
        await program.suspend(SUSPEND)
        await asyncio.sleep(FOUND_OUT)
        await program.run("print('here')")
        await program.says("done")
        assert await program.finish() == 0
        assert not any("connection lost" in line for line in program.lines)
    assert far.server.logins() == 1
    assert far.left_behind() == []


async def test_a_sleep_tells_of_a_suspend_and_ends_with_it() -> None:
    assert await suspend.suspended_within(0.01) is False
    sleeping = asyncio.create_task(suspend.suspended_within(LONG))
    await asyncio.sleep(0)
    time.sleep(SUSPEND)  # noqa: ASYNC251 (the loop is to stand still)
    assert await asyncio.wait_for(sleeping, READY) is True
