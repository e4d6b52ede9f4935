"""How one host's connection is brought back: when it is tried, what the user is told."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Iterator

import pytest
from sshpyk_core.backoff import QUICK_RETURNS
from sshpyk_core.errors import AuthenticationError, HostUnreachableError, RemoteDirectoryError
from sshpyk_core.link.attachment import Waited
from sshpyk_core.reconnecting import USELESS_LOGINS, HostState, Loss, Reconnecting
from support.said import listened

from sshpyk_core import suspend

LOSS = Loss("closed", 0, 1)
SOON = 60.0


class Host:
    """One that lets us in at some attempt; ``outcomes`` are what the attempts before that raise."""

    def __init__(self, *outcomes: Exception) -> None:
        self.made: list[float] = []
        self.connected = False
        self.logged_in = asyncio.Event()
        self.watched, self.left = asyncio.Event(), asyncio.Event()
        self.loop = Reconnecting(
            "somewhere", self.attempt, lambda: not self.connected, self.login_appears
        )
        self._outcomes: Iterator[Exception] = iter(outcomes)
        self._changed = asyncio.Condition()

    async def attempt(self) -> None:
        self.made.append(time.monotonic())
        outcome = next(self._outcomes, None)
        async with self._changed:
            self._changed.notify_all()
        if outcome is not None:
            raise outcome
        self.connect(Waited(here=17, there=4711))

    async def login_appears(self) -> None:
        self.watched.set()
        try:
            await self.logged_in.wait()
        finally:
            self.left.set()

    def connect(self, waited: Waited) -> None:
        """Connect, as a start does that does not wait for the loop."""
        self.connected = True
        self.loop.connected()
        self.loop.back(waited)

    def lose(self, loss: Loss = LOSS) -> None:
        self.connected = False
        self.loop.lost(loss)

    async def attempts(self, count: int) -> None:
        """Return when so many have been made."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(lambda: len(self.made) >= count), SOON)


def away() -> HostUnreachableError:
    return HostUnreachableError("somewhere", "connect", "no route to host")


async def test_a_connection_that_is_lost_at_once_again_and_again_makes_no_storm() -> None:
    host = Host()
    for count in (1, 2, 3):
        host.lose()
        await host.attempts(count)
    # The delays are 0, 1 and 2 s, each spread by a fifth.
    assert host.made[1] - host.made[0] >= 0.8
    assert host.made[2] - host.made[1] >= 1.6


async def test_a_host_that_lets_us_in_and_throws_us_out_for_ever_is_not_stormed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sshpyk_core.backoff.SHORT_LIFE", 0.0)
    host = Host()
    for count in range(1, QUICK_RETURNS + 3):
        host.lose()
        await host.attempts(count)
    gaps = [later - earlier for earlier, later in itertools.pairwise(host.made)]
    assert max(gaps[: QUICK_RETURNS - 1]) < 0.8
    # From there on each one counts as one more failure: 1 s, then 2 s, each spread by a fifth.
    assert gaps[-2] >= 0.8
    assert gaps[-1] >= 1.6


async def test_what_time_will_hardly_cure_is_told_once_in_an_outage() -> None:
    full = RemoteDirectoryError("somewhere", "put the remote package there", "the disk is full")
    host = Host(full, full)
    with listened() as said:
        host.lose()
        await said.wait_for("connected again")
    assert said.levels("the disk is full") == [logging.WARNING, logging.DEBUG]


async def test_each_loss_and_each_return_is_told_in_one_line() -> None:
    host = Host(away())
    with listened() as said:
        host.lose(Loss("nothing was heard for 20 s", 20, 2))
        await said.wait_for("connected again")
    (lost,) = said.containing("connection lost")
    assert lost.startswith("somewhere: connection lost (nothing was heard for 20 s), last heard")
    assert "2 kernels were running there, and what they print is kept" in lost
    assert lost.endswith("reconnecting now")
    (back,) = said.containing("connected again")
    assert back.endswith("4711 bytes had waited there, and 17 here")
    assert said.levels("no route to host") == [logging.DEBUG]
    assert said.levels("connect") == [logging.WARNING, logging.DEBUG, logging.WARNING]


async def test_a_return_by_somebody_else_is_told_too_with_the_time_since_the_loss() -> None:
    host = Host(AuthenticationError("somewhere", "log in", "permission denied"))
    with listened() as said:
        host.lose()
        await said.wait_for("needs login")
        assert host.loop.state is HostState.NEEDS_LOGIN
        waited = time.monotonic() - host.made[0]
        host.connect(Waited())
        back = await said.wait_for("connected again after")
    assert float(back.split("after ")[1].split(" s")[0]) >= round(waited, 1)
    assert host.loop.state is HostState.CONNECTED
    host.connect(Waited())
    assert len(said.containing("connected again")) == 1


async def test_a_login_by_other_means_is_noticed_and_nothing_is_tried_before() -> None:
    host = Host(AuthenticationError("somewhere", "log in", "permission denied"))
    with listened() as said:
        host.lose()
        await said.wait_for("After `sshpyk login` it connects by itself")
        assert len(host.made) == 1
        host.logged_in.set()
        await said.wait_for("connected again after")
    assert len(host.made) == 2


async def test_logins_that_let_nobody_in_make_no_storm_of_attempts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sshpyk_core.backoff.BACKOFF", (0.0, 0.1))
    refused = [AuthenticationError("somewhere", "log in", "permission denied")] * 100
    host = Host(*refused)
    host.logged_in.set()
    with listened() as said:
        host.lose()
        await said.wait_for("\nThen interrupt or restart a kernel there")
        assert host.loop.state is HostState.NEEDS_LOGIN
    assert len(host.made) == 1 + USELESS_LOGINS
    assert host.made[-1] - host.made[0] >= 0.15


async def test_no_login_is_looked_out_for_when_nobody_needs_the_host() -> None:
    host = Host(AuthenticationError("somewhere", "log in", "permission denied"))
    with listened() as said:
        host.lose()
        await said.wait_for("needs login")
        await asyncio.wait_for(host.watched.wait(), SOON)
        host.loop.not_needed()
        await asyncio.wait_for(host.left.wait(), SOON)
    assert len(host.made) == 1


async def test_a_loss_before_all_was_well_again_is_not_told_twice() -> None:
    host = Host(away(), away())
    with listened() as said:
        host.lose()
        await host.attempts(1)
        host.loop.connected()
        host.lose()
        await said.wait_for("connected again")
    assert said.levels("connection lost") == [logging.WARNING, logging.DEBUG]


async def test_what_is_not_needed_any_more_is_not_tried() -> None:
    host = Host(*(away() for _ in range(10)))
    host.lose()
    await host.attempts(2)
    host.loop.not_needed()
    host.loop.closed()
    await asyncio.sleep(3)
    assert len(host.made) == 2
    assert host.loop.state is HostState.IDLE


@pytest.mark.others
async def test_a_suspend_ends_the_wait_for_the_next_attempt() -> None:
    host = Host(*(away() for _ in range(4)))
    host.lose()
    await host.attempts(4)
    time.sleep(suspend.NOTICED + suspend.LONGEST_NAP + 0.1)  # noqa: ASYNC251 (that is the test)
    await host.attempts(5)
    # The wait was to be of 8 s, spread by a fifth.
    assert host.made[4] - host.made[3] < 6.4
