"""A supervisor waits for somebody to attach, for its time and no longer."""

from __future__ import annotations

import time

import pytest
from sshpyk_core.remote.presence import Presence, duration
from sshpyk_core.remote.reactor import Reactor
from support.reactors import run_until


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (604800, "7 days"),
        (86400.0, "1 day"),
        (7200, "2 hours"),
        (60.0, "1 minute"),
        (90, "90 s"),
        (0.5, "0.5 s"),
        (0, "0 s"),
    ],
)
def test_a_wait_is_told_in_the_largest_unit_that_fits(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_supervisor_to_which_nobody_has_ever_attached_does_not_wait_for_ever() -> None:
    reactor = Reactor()
    over: list[float] = []
    presence = Presence(reactor, 0.2, lambda _words: over.append(time.time()))
    told = presence.status()
    assert told["attached"] is False
    assert told["ends_at"] == told["detached_since"] + 0.2
    presence.update()
    assert presence.status() == told
    run_until(reactor, lambda: bool(over))
    assert over[0] >= told["ends_at"] - 0.05
    reactor.close()
