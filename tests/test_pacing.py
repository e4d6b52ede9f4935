"""No more is under way than the line takes in a moment, and a fast line is not held back."""

from __future__ import annotations

from collections import deque

import pytest
from sshpyk_core.remote.pacing import LEAST_BYTES, MOST_BYTES, RESERVE_BYTES, TARGET, Pacing
from sshpyk_core.remote.wire import BULK, CHUNK, URGENT

KILO = 1000
MEGA = 1000 * KILO


class Line:
    """A line of some rate and delay, with room for any number of bytes on the way."""

    def __init__(self, bytes_per_second: float, delay: float) -> None:
        self.now = 0.0
        self.rate = bytes_per_second
        self.delay = delay
        self.pacing = Pacing(lambda: self.now)
        self.arrived = 0
        self.slowest = 0.0
        """The longest way of a chunk in the last run."""
        self._free_at = 0.0
        self._seq = 0
        self._under_way: deque[tuple[float, float, int]] = deque()

    def flood(self, seconds: float) -> float:
        """Send all that may be sent for so long; give how many bytes a second have arrived."""
        end, before, began = self.now + seconds, self.arrived, self.now
        self.slowest = 0.0
        while self.now < end:
            while self.pacing.room(BULK):
                self._send()
            acknowledged_at, sent_at, seq = self._under_way.popleft()
            self.now = acknowledged_at
            self.slowest = max(self.slowest, self.now - sent_at)
            self.arrived += CHUNK
            self.pacing.acknowledged(seq)
        return (self.arrived - before) / (self.now - began)

    def _send(self) -> None:
        self._seq += 1
        self.pacing.sent(self._seq, CHUNK)
        self._free_at = max(self._free_at, self.now) + CHUNK / self.rate
        self._under_way.append((self._free_at + self.delay, self.now, self._seq))


@pytest.mark.parametrize("delay", [0.001, 0.05, 0.2])
@pytest.mark.parametrize("rate", [MEGA, 10 * MEGA, 100 * MEGA])
def test_a_line_is_used_in_full_but_for_what_its_delay_would_need_beyond_the_most(
    rate: float, delay: float
) -> None:
    line = Line(rate, delay)
    line.flood(5)
    possible = min(rate, MOST_BYTES / (delay + CHUNK / rate))
    assert line.flood(10) >= 0.8 * possible


@pytest.mark.parametrize("delay", [0.001, 0.05, 0.2])
def test_on_a_slow_line_little_waits_on_the_way(delay: float) -> None:
    line = Line(MEGA, delay)
    line.flood(5)
    line.flood(20)
    assert line.slowest <= delay + 2 * max(TARGET, LEAST_BYTES / MEGA)


def test_a_line_that_becomes_slow_is_followed_and_one_that_becomes_fast_too() -> None:
    line = Line(100 * MEGA, 0.02)
    line.flood(2)
    line.rate = MEGA
    line.flood(20)
    line.flood(5)
    assert line.slowest <= 0.8
    line.rate = 100 * MEGA
    line.flood(2)
    assert line.flood(5) >= 80 * MEGA


def test_a_route_that_becomes_longer_does_not_hold_a_line_back_for_ever() -> None:
    line = Line(10 * MEGA, 0.005)
    line.flood(5)
    line.delay = 0.5
    line.flood(150)
    assert line.flood(10) >= 0.8 * 10 * MEGA


def test_what_is_urgent_has_room_beyond_what_is_not() -> None:
    pacing = Pacing(lambda: 0.0)
    seq = 0
    while pacing.room(BULK):
        seq += 1
        pacing.sent(seq, CHUNK)
    full = pacing.under_way
    while pacing.room(URGENT):
        seq += 1
        pacing.sent(seq, CHUNK)
    assert pacing.under_way == full + RESERVE_BYTES
    pacing.acknowledged(seq)
    assert pacing.under_way == 0
    assert pacing.room(BULK)


def test_a_new_connection_begins_as_carefully_as_the_first() -> None:
    line = Line(100 * MEGA, 0.02)
    first = line.pacing.limit
    line.flood(2)
    assert line.pacing.limit > first
    line.pacing.new_connection()
    assert line.pacing.limit == first


def test_over_a_new_connection_what_was_under_way_still_counts() -> None:
    pacing = Pacing(lambda: 0.0)
    while pacing.room(BULK):
        pacing.sent(1, CHUNK)
    pacing.new_connection()
    assert not pacing.room(BULK)
    pacing.acknowledged(1)
    assert pacing.room(BULK)
