"""A supervisor waits for somebody to attach, for its time and no longer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sshpyk_core.remote.presence import Presence, duration
from sshpyk_core.remote.reactor import Reactor
from support.publishing import Bench, Program
from support.reactors import run_until


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Give a kernel, and programs that attach to its supervisor."""
    made = Bench(str(tmp_path))
    yield made
    made.close()


def present(bench: Bench, patience: float, count: int) -> tuple[Presence, list[Program]]:
    """Have so many programs attached, each with a client."""
    presence = Presence(bench.reactor, patience, lambda _words: None)
    programs = [bench.program() for _ in range(count)]
    for number, each in enumerate(programs):
        each.listen()
        presence.attachments[str(number)] = each.attachment
    bench.until(lambda: all(each.opened == 1 for each in programs))
    presence.update()
    return presence, programs


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


def test_what_is_kept_for_a_program_that_is_away_is_given_up_though_another_stays(
    bench: Bench,
) -> None:
    presence, (first, second) = present(bench, 0.2, 2)
    first.vanish()
    presence.update()
    assert set(presence.attachments) == {"0", "1"}
    gone_at = time.monotonic()
    bench.until(lambda: set(presence.attachments) == {"1"})
    assert time.monotonic() >= gone_at + 0.15
    assert not first.attachment._streams
    # The last is waited for by itself, however long that is.
    second.vanish()
    presence.update()
    assert set(presence.attachments) == {"1"}
    assert presence.status()["ends_at"] is not None


def test_a_program_that_comes_back_in_time_is_not_given_up(bench: Bench) -> None:
    presence, (first, second) = present(bench, 0.2, 2)
    first.vanish()
    presence.update()
    first.attach()
    presence.update()
    second.vanish()
    presence.update()
    bench.until(lambda: set(presence.attachments) == {"0"})
    assert first.attachment._streams


def test_of_too_many_that_are_away_those_that_went_first_are_given_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshpyk_core.remote.presence.MOST_ABSENT", 1)
    presence, programs = present(bench, 1000, 4)
    for each in programs[:3]:
        each.vanish()
        presence.update()
    assert set(presence.attachments) == {"2", "3"}
