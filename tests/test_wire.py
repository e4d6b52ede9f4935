"""The wire format: frames survive any cut of their bytes, and nothing else passes for a frame."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sshpyk_core.remote import wire
from sshpyk_core.remote.wire import Frame, Splitter, WireError

FRAMES = st.builds(
    Frame,
    supervisor=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(sorted(wire.KINDS)),
    stream=st.integers(0, 2**32 - 1),
    seq=st.integers(0, 2**64 - 1),
    payload=st.binary(max_size=200),
)


@given(st.lists(FRAMES, max_size=8), st.data())
def test_frames_come_out_as_they_went_in_wherever_their_bytes_are_cut(
    frames: list[Frame], data: st.DataObject
) -> None:
    whole = b"".join(frame.encode() for frame in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=10)))
    splitter = Splitter()
    found: list[Frame] = []
    for start, stop in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        found += splitter.feed(whole[start:stop])
    assert found == frames


@given(FRAMES)
def test_a_frame_is_given_only_when_its_last_byte_is_there(frame: Frame) -> None:
    splitter = Splitter()
    encoded = frame.encode()
    assert splitter.feed(encoded[:-1]) == []
    assert splitter.feed(encoded[-1:]) == [frame]


@given(st.binary(max_size=100))
def test_a_stream_that_does_not_begin_with_a_frame_is_an_error_or_waits_for_more(
    data: bytes,
) -> None:
    try:
        frames = Splitter().feed(data)
    except WireError:
        return
    assert b"".join(frame.encode() for frame in frames) == data[: sum(map(encoded_size, frames))]


@settings(deadline=None)
@given(st.lists(FRAMES, min_size=1, max_size=6), st.data())
def test_a_stream_with_wrong_bytes_gives_what_was_right_before_them_or_an_error(
    frames: list[Frame], data: st.DataObject
) -> None:
    whole = bytearray(b"".join(frame.encode() for frame in frames))
    places = st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(1, 255)), max_size=3)
    changes = data.draw(places)
    for place, change in changes:
        whole[place] ^= change
    piece_size = data.draw(st.integers(1, 300))
    splitter = Splitter()
    found: list[Frame] = []
    try:
        for start in range(0, len(whole), piece_size):
            found += splitter.feed(bytes(whole[start : start + piece_size]))
            held = sum(map(encoded_size, found)) + len(splitter._rest)
            assert held == min(start + piece_size, len(whole))
        problem = ""
    except WireError as error:
        problem = str(error)
    assert changes or not problem
    assert problem.isprintable()
    assert len(problem) < 200
    unharmed = min((place for place, _ in changes), default=len(whole))
    for wanted, got in zip(frames, found, strict=False):
        unharmed -= encoded_size(wanted)
        if unharmed < 0:
            break
        assert got == wanted


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200), st.integers(1, 200))
def test_no_more_is_held_than_the_largest_frame_takes(noise: bytes, piece_size: int) -> None:
    splitter = Splitter()
    largest = wire.HEADER.pack(wire.MAX_PAYLOAD, 1, wire.DATA, 1, 1) + bytes(wire.MAX_PAYLOAD - 1)
    assert splitter.feed(largest) == []
    with suppress(WireError):
        for start in range(0, len(noise), piece_size):
            splitter.feed(noise[start : start + piece_size])
            assert len(splitter._rest) <= wire.HEADER.size + wire.MAX_PAYLOAD


def encoded_size(frame: Frame) -> int:
    return len(frame.encode())


@pytest.mark.parametrize("noise", [b"Welcome to this host, user!\n", b"\0" * 21, b"\xff" * 30])
def test_noise_is_refused_with_its_first_bytes(noise: bytes) -> None:
    with pytest.raises(WireError, match=noise[:8].hex()):
        Splitter().feed(noise)


def test_a_frame_larger_than_allowed_is_refused_before_its_payload_comes() -> None:
    header = wire.HEADER.pack(wire.MAX_PAYLOAD + 1, 1, wire.DATA, 1, 1)
    with pytest.raises(WireError):
        Splitter().feed(header)
    largest = Frame(1, wire.DATA, 1, 1, bytes(wire.MAX_PAYLOAD))
    assert Splitter().feed(largest.encode()) == [largest]


def test_the_kinds_and_the_header_are_those_of_the_documented_format() -> None:
    frame = Frame(supervisor=2, kind=wire.DATA, stream=3, seq=4, payload=b"ab")
    assert frame.encode().hex() == "0000000200000002110000000300000000000000046162"
    assert wire.PORTS == ("shell", "iopub", "stdin", "control", "hb")


@pytest.mark.parametrize(
    "payload",
    [b"", b"[1]", b"{", b"\xff\xfe", b'"text"', b"[" * 100_000, b'{"a":' * 100_000],
    ids=lambda payload: repr(payload[:6]),
)
def test_a_json_frame_that_holds_no_object_is_an_error(payload: bytes) -> None:
    with pytest.raises(WireError, match="kind 20"):
        Frame(1, wire.COMMAND, 0, 1, payload).json()


def test_json_frames_carry_any_text() -> None:
    value = {"text": 'ü\n"\0 \U0001f600', "nested": {"list": [1, None, True]}}
    assert wire.json_frame(1, wire.EVENT, value).json() == value


@pytest.mark.parametrize("payload", [b"", b"1234567", b"123456789"])
def test_a_number_of_another_size_is_an_error(payload: bytes) -> None:
    with pytest.raises(WireError):
        Frame(1, wire.ACK, 0, 0, payload).number(wire.U64)
