"""The remote package's event loop: timers of any length, and buffered pipes that lose nothing."""

from __future__ import annotations

import os
import random
import socket
import weakref
from collections.abc import Iterator

import pytest
from sshpyk_core.remote.reactor import WRITE_PIECES, Conduit, Reactor
from support.reactors import run_until

THIRTY_DAYS = 30 * 24 * 3600.0


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    loop = Reactor()
    yield loop
    loop.close()


class End:
    """One end of a connection, with a record of all that happened there."""

    def __init__(self, reactor: Reactor, read_fd: int, write_fd: int) -> None:
        self.got = bytearray()
        self.ends = 0
        self.written: list[int] = []
        self.conduit = Conduit(reactor, read_fd, write_fd, self.got.extend, self._end)
        self.conduit.on_written = self.written.append

    def _end(self) -> None:
        self.ends += 1


@pytest.fixture
def ends(reactor: Reactor) -> Iterator[tuple[End, End]]:
    pair = socket.socketpair()
    for each in pair:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    here, there = (End(reactor, fd, fd) for fd in (each.detach() for each in pair))
    yield here, there
    here.conduit.close()
    there.conduit.close()


def test_a_stop_before_the_run_counts_for_that_run_only(reactor: Reactor) -> None:
    called: list[str] = []
    reactor.call_later(0, lambda: called.append("not yet"))
    reactor.stop()
    reactor.run()
    assert called == []
    run_until(reactor, lambda: called == ["not yet"])


# --- timers --------------------------------------------------------------------------------------


def test_timers_are_called_once_each_in_the_order_in_which_they_are_due(reactor: Reactor) -> None:
    called: list[str] = []
    for delay, name in ((0.02, "third"), (0.0, "first"), (0.01, "second")):
        reactor.call_later(delay, lambda name=name: called.append(name))  # type: ignore[misc]
    reactor.call_later(0.03, reactor.stop)
    reactor.run()
    assert called == ["first", "second", "third"]


def test_a_timer_of_thirty_days_lets_the_loop_wait(reactor: Reactor) -> None:
    here, there = socket.socketpair()
    with here, there:
        reactor.call_later(THIRTY_DAYS, reactor.stop)
        there.send(b"x")
        reactor.watch(here.fileno(), reactor.stop)
        reactor.run()
        reactor.watch(here.fileno(), None)


@pytest.mark.parametrize("delay", [float("nan"), float("inf")], ids=repr)
def test_a_timer_for_no_time_is_refused(reactor: Reactor, delay: float) -> None:
    with pytest.raises(ValueError, match=repr(delay)):
        reactor.call_later(delay, reactor.stop)


def test_a_cancelled_timer_is_not_called_and_not_kept(reactor: Reactor) -> None:
    called: list[bool] = []
    timers = [reactor.call_later(delay, lambda: called.append(True)) for delay in (0, THIRTY_DAYS)]
    kept = [weakref.ref(timer) for timer in timers]
    for timer in timers:
        timer.cancel()
        assert timer.cancelled
    del timer, timers
    here, there = socket.socketpair()
    with here, there:
        there.send(b"x")
        reactor.watch(here.fileno(), reactor.stop)
        reactor.run()
        reactor.watch(here.fileno(), None)
    assert called == []
    assert [each() for each in kept] == [None, None]


# --- conduits ------------------------------------------------------------------------------------


def test_pieces_of_any_size_and_number_arrive_whole_through_a_narrow_socket(
    reactor: Reactor, ends: tuple[End, End]
) -> None:
    here, there = ends
    source = random.Random(1)
    sizes = [source.choice([0, 1, 2, 21, 5000]) for _ in range(5 * WRITE_PIECES)] + [300_000, 0]
    pieces = [source.randbytes(size) for size in sizes]
    here.conduit.write(*pieces)
    here.conduit.write(b"", memoryview(b"the "), b"last")
    wanted = b"".join(pieces) + b"the last"
    assert 0 < here.conduit.buffered < len(wanted)
    run_until(reactor, lambda: len(there.got) >= len(wanted))
    assert there.got == wanted
    assert sum(here.written) == len(wanted)
    assert len(here.written) > 1
    assert all(here.written)
    assert here.conduit.buffered == 0


def test_nothing_is_read_while_a_conduit_is_paused(reactor: Reactor, ends: tuple[End, End]) -> None:
    here, there = ends
    there.conduit.pause()
    here.conduit.write(bytes(100_000))
    reactor.call_later(0.02, reactor.stop)
    reactor.run()
    assert there.got == b""
    assert here.conduit.buffered > 0
    there.conduit.unpause()
    run_until(reactor, lambda: len(there.got) == 100_000)


def test_a_conduit_that_is_to_close_sends_the_rest_first_and_takes_no_more(
    reactor: Reactor, ends: tuple[End, End]
) -> None:
    here, there = ends
    here.conduit.write(bytes(100_000))
    here.conduit.close_when_written()
    here.conduit.write(b"too late")
    assert not here.conduit.closed
    run_until(reactor, lambda: there.ends > 0)
    assert there.got == bytes(100_000)
    assert here.conduit.closed
    assert here.ends == 0


def test_an_idle_conduit_that_is_to_close_closes_at_once(ends: tuple[End, End]) -> None:
    here, _there = ends
    here.conduit.close_when_written()
    assert here.conduit.closed


def test_the_end_is_told_once_when_the_other_end_has_closed(
    reactor: Reactor, ends: tuple[End, End]
) -> None:
    here, there = ends
    there.conduit.write(b"last words")
    there.conduit.close()
    run_until(reactor, lambda: here.ends > 0)
    here.conduit.write(b"nobody hears this")
    here.conduit.close_when_written()
    here.conduit.close()
    assert (here.ends, here.conduit.closed, bytes(here.got)) == (1, True, b"last words")


def test_the_end_is_told_once_when_a_write_finds_the_connection_broken(
    reactor: Reactor, ends: tuple[End, End]
) -> None:
    here, there = ends
    there.conduit.close()
    here.conduit.write(b"x")
    assert (here.ends, here.conduit.closed) == (1, True)
    reactor.call_later(0.01, reactor.stop)
    reactor.run()
    assert here.ends == 1


def test_one_who_writes_whenever_something_was_written_can_go_on_for_long(
    reactor: Reactor,
) -> None:
    many = 20_000  # a pipe takes them all at once
    there, write_fd = os.pipe()
    read_fd, unused = os.pipe()
    sender = End(reactor, read_fd, write_fd)
    written: list[int] = []

    def write_another(size: int) -> None:
        written.append(size)
        if len(written) < many:
            sender.conduit.write(b"x")

    sender.conduit.on_written = write_another
    try:
        sender.conduit.write(b"x")
        run_until(reactor, lambda: len(written) == many)
        assert os.read(there, 2 * many) == b"x" * many
    finally:
        sender.conduit.close()
        os.close(there)
        os.close(unused)
