"""Two couriers over connections that are cut anywhere: everything once, in order, bounded."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sshpyk_core.remote.courier import ACK_BYTES, Courier
from sshpyk_core.remote.wire import (
    ACK,
    BULK,
    CHUNK,
    CLOSE,
    COMMAND,
    CREDIT,
    DATA,
    EVENT,
    OPEN,
    U32,
    U64,
    URGENT,
    WINDOW,
    Frame,
    WireError,
)

STREAMS = {1: URGENT, 2: BULK, 3: BULK}
SIZES = st.one_of(st.integers(1, 300), st.integers(CHUNK - 1, CHUNK + 1), st.just(3 * WINDOW // 4))
SIDES = st.integers(0, 1)
NUMBERS = st.sampled_from(sorted(STREAMS))


class End:
    """One end with its half of the connection, and a record of all that passed."""

    def __init__(self) -> None:
        self.courier = Courier(7)
        self.arriving: deque[Frame] = deque()
        self.said = {number: bytearray() for number in STREAMS}
        self.heard = {number: bytearray() for number in STREAMS}
        self.posts_said: list[bytes] = []
        self.posts_heard: list[bytes] = []
        self.closed: list[int] = []
        self.ends_heard: list[int] = []
        self.consumed = dict.fromkeys(STREAMS, 0)
        self.granted = dict.fromkeys(STREAMS, 0)
        self.data_sent = dict.fromkeys(STREAMS, 0)
        self.kept: dict[int, int] = {}
        for number, priority in STREAMS.items():
            self.courier.open(number, priority)

    def send_next(self) -> Frame | None:
        frame = self.courier.next_frame()
        if frame is not None:
            if frame.kind == DATA and frame.seq not in self.kept:
                self.data_sent[frame.stream] += len(frame.payload)
            self.kept[frame.seq] = len(frame.payload)
        return frame

    def take(self, frame: Frame, answer: deque[Frame]) -> None:
        if frame.kind == ACK:
            number = frame.number(U64)
            self.courier.acknowledged(number)
            self.forget(number)
            return
        if self.courier.accept(frame):
            self.note(frame)
        number_to_tell = self.courier.acknowledgement(hurry=False)
        if number_to_tell is not None:
            answer.append(Frame(7, ACK, 0, 0, U64.pack(number_to_tell)))

    def note(self, frame: Frame) -> None:
        if frame.kind == DATA:
            self.heard[frame.stream] += frame.payload
        elif frame.kind == COMMAND:
            self.posts_heard.append(frame.payload)
        elif frame.kind == CLOSE:
            self.ends_heard.append(frame.stream)
            self.courier.abandon(frame.stream)

    def is_over(self, number: int) -> bool:
        """Say whether either end is known to have closed a stream: then both are done with it."""
        return number in self.closed or number in self.ends_heard

    def forget(self, number: int) -> None:
        self.kept = {seq: size for seq, size in self.kept.items() if seq > number}

    def consume(self, number: int, size: int) -> None:
        size = min(size, len(self.heard[number]) - self.consumed[number])
        if size:
            self.consumed[number] += size
            self.granted[number] += size
            self.courier.grant(number, size)


class TwoEnds(RuleBasedStateMachine):
    """Whatever is done in whatever order, at last both ends have heard what the other said."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = (End(), End())
        self.counter = 0

    @rule(side=SIDES, number=NUMBERS, size=SIZES)
    def say(self, side: int, number: int, size: int) -> None:
        end = self.ends[side]
        self.counter += 1
        data = (b"%09d " % self.counter * (size // 10 + 1))[:size]
        if not end.is_over(number):
            end.said[number] += data
        end.courier.send(number, data)

    @rule(side=SIDES)
    def post(self, side: int) -> None:
        self.counter += 1
        payload = b"%d" % self.counter
        self.ends[side].posts_said.append(payload)
        self.ends[side].courier.post(COMMAND, 0, payload)

    @rule(side=SIDES, number=NUMBERS)
    def close(self, side: int, number: int) -> None:
        if not self.ends[side].is_over(number):
            self.ends[side].closed.append(number)
        self.ends[side].courier.close(number)

    @rule(side=SIDES, count=st.integers(1, 100))
    def hand_over(self, side: int, count: int) -> None:
        for _ in range(count):
            frame = self.ends[side].send_next()
            if frame is None:
                return
            self.ends[1 - side].arriving.append(frame)

    @rule(side=SIDES, count=st.integers(1, 100))
    def deliver(self, side: int, count: int) -> None:
        end = self.ends[side]
        for _ in range(min(count, len(end.arriving))):
            end.take(end.arriving.popleft(), self.ends[1 - side].arriving)

    @rule(side=SIDES)
    def acknowledge_in_the_end(self, side: int) -> None:
        number = self.ends[side].courier.acknowledgement(hurry=True)
        if number is not None:
            self.ends[1 - side].arriving.append(Frame(7, ACK, 0, 0, U64.pack(number)))

    @rule(side=SIDES, number=NUMBERS, size=SIZES)
    def consume(self, side: int, number: int, size: int) -> None:
        self.ends[side].consume(number, size)

    @rule()
    def cut(self) -> None:
        for end in self.ends:
            end.arriving.clear()
        for end, other in (self.ends, reversed(self.ends)):
            received = other.courier.received
            end.courier.resume(received)
            end.forget(received)
            queued = sum(end.courier.pending(number) for number in STREAMS)
            assert end.courier.waiting == queued + sum(end.kept.values())

    @invariant()
    def nothing_is_heard_that_was_not_said(self) -> None:
        for end, other in (self.ends, reversed(self.ends)):
            assert end.posts_heard == other.posts_said[: len(end.posts_heard)]
            for number in STREAMS:
                assert other.said[number].startswith(end.heard[number])

    @invariant()
    def no_more_is_under_way_than_was_allowed(self) -> None:
        for end, other in (self.ends, reversed(self.ends)):
            for number in STREAMS:
                assert end.data_sent[number] <= WINDOW + other.granted[number]
            data = sum(size for size in end.kept.values() if size > U32.size)
            assert data <= len(STREAMS) * WINDOW + ACK_BYTES + CHUNK
            assert len(end.courier._kept) == len(end.kept)

    def teardown(self) -> None:
        self.cut()
        busy = True
        while busy:
            before = self.progress()
            for side in (0, 1):
                for number in STREAMS:
                    self.ends[side].consume(number, WINDOW)
                self.hand_over(side, 1000)
                self.deliver(1 - side, 1000)
            busy = self.progress() != before
        for end, other in (self.ends, reversed(self.ends)):
            assert end.posts_heard == other.posts_said
            for number in STREAMS:
                if number not in end.closed:
                    assert end.heard[number] == other.said[number]
                    assert end.ends_heard.count(number) == other.closed.count(number)
                elif number in other.closed:
                    assert end.ends_heard.count(number) <= 1
                    assert number in end.ends_heard + other.ends_heard
        self.acknowledge_in_the_end(0)
        self.acknowledge_in_the_end(1)
        for side in (0, 1):
            self.deliver(side, 1000)
            assert len(self.ends[side].courier._kept) == 0

    def progress(self) -> tuple[int, ...]:
        return tuple(end.courier.received for end in self.ends)


TwoEnds.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, database=None
)
TestTwoEnds = TwoEnds.TestCase


def test_what_is_urgent_overtakes_bulk_that_was_queued_before_it() -> None:
    courier = Courier(1)
    courier.open(1, BULK)
    courier.open(2, URGENT)
    courier.send(1, bytes(5 * CHUNK))
    assert courier.next_frame() == Frame(1, DATA, 1, 1, bytes(CHUNK))
    courier.send(2, b"stop")
    assert courier.next_frame() == Frame(1, DATA, 2, 2, b"stop")
    courier.post(COMMAND, 0, b"{}")
    courier.send(2, b"again")
    kinds = [frame.kind for frame in iter(courier.next_frame, None)]
    assert kinds == [COMMAND, DATA, DATA, DATA, DATA, DATA]


def test_the_end_of_a_stream_that_has_said_all_is_told_before_what_is_posted_after_it() -> None:
    courier = Courier(7)
    for number in (1, 2):
        courier.open(number, BULK)
        courier.send(number, b"x" * 8 * CHUNK)
    courier.open(3, URGENT)
    courier.close(2)
    courier.close(3)
    courier.post(EVENT)
    frames = list(iter(courier.next_frame, None))
    assert [(each.kind, each.stream) for each in frames[:2]] == [(CLOSE, 3), (EVENT, 0)]
    assert {each.kind for each in frames if each.stream == 2} == {DATA}  # it has not said all


def test_streams_of_one_priority_take_turns() -> None:
    courier = Courier(1)
    for number in (1, 2):
        courier.open(number, BULK)
        courier.send(number, bytes(3 * CHUNK))
    order = [frame.stream for frame in iter(courier.next_frame, None)]
    assert order == [1, 2, 1, 2, 1, 2]


def test_a_stream_without_credit_waits_and_does_not_hold_up_another() -> None:
    courier = Courier(1)
    courier.open(1, BULK)
    courier.open(2, BULK)
    courier.send(1, bytes(WINDOW + 10))
    sent = 0
    while (frame := courier.next_frame()) is not None:
        sent += len(frame.payload)
        courier.acknowledged(frame.seq)
    assert sent == WINDOW
    assert courier.pending(1) == 10
    courier.send(2, b"mine")
    assert [frame.payload for frame in iter(courier.next_frame, None)] == [b"mine"]
    assert courier.accept(Frame(1, CREDIT, 1, 1, U32.pack(4)))
    assert [len(frame.payload) for frame in iter(courier.next_frame, None)] == [4]
    assert courier.pending(1) == 6


def test_a_stream_that_the_other_end_closed_is_forgotten_with_what_it_held() -> None:
    courier = Courier(1)
    courier.open(1, BULK)
    courier.send(1, b"late")
    courier.abandon(1)
    courier.send(1, b"later")
    courier.close(1)
    assert courier.next_frame() is None
    assert courier.pending(1) == 0
    courier.open(1, BULK)


def test_a_gap_in_the_numbers_is_an_error_and_a_repetition_is_not() -> None:
    courier = Courier(1)
    assert courier.accept(Frame(1, COMMAND, 0, 1, b"{}"))
    assert not courier.accept(Frame(1, COMMAND, 0, 1, b"{}"))
    with pytest.raises(WireError, match="frame 3 came after frame 1"):
        courier.accept(Frame(1, COMMAND, 0, 3, b"{}"))


def test_more_data_than_was_allowed_is_an_error() -> None:
    courier = Courier(1)
    courier.open(1, BULK)
    courier.grant(1, 5)
    for seq in range(1, WINDOW // CHUNK + 1):
        assert courier.accept(Frame(1, DATA, 1, seq, bytes(CHUNK)))
    assert courier.accept(Frame(1, DATA, 1, seq + 1, bytes(5)))
    with pytest.raises(WireError, match="more than it may hold"):
        courier.accept(Frame(1, DATA, 1, seq + 2, b"x"))


def test_what_was_never_sent_cannot_be_acknowledged() -> None:
    courier = Courier(1)
    courier.post(COMMAND, 0, b"{}")
    assert courier.next_frame() is not None
    with pytest.raises(WireError):
        courier.acknowledged(2)
    with pytest.raises(WireError):
        courier.resume(2)


def test_a_second_stream_of_one_number_and_an_unknown_priority_are_errors() -> None:
    courier = Courier(1)
    courier.open(1, BULK)
    with pytest.raises(WireError):
        courier.open(1, BULK)
    with pytest.raises(WireError):
        courier.open(2, 9)


def test_frames_that_are_sent_again_carry_the_handle_of_the_new_connection() -> None:
    courier = Courier(1)
    courier.post(COMMAND, 0, b"{}")
    assert courier.next_frame() == Frame(1, COMMAND, 0, 1, b"{}")
    courier.supervisor = 5
    courier.resume(0)
    assert courier.next_frame() == Frame(5, COMMAND, 0, 1, b"{}")


def test_a_stream_that_the_other_end_never_heard_of_can_be_taken_back_without_a_trace() -> None:
    courier = Courier(1)
    courier.post(COMMAND, 0, b"{}")
    for number in (1, 2):
        courier.open(number, BULK)
        courier.post(OPEN, number, b"\1\1")
        courier.send(number, b"hello")
    courier.grant(1, 5)
    assert courier.take_back(1)
    assert [(frame.kind, frame.stream) for frame in iter(courier.next_frame, None)] == [
        (COMMAND, 0),
        (OPEN, 2),
        (DATA, 2),
    ]
    assert not courier.take_back(2)
    assert courier.waiting == 0
