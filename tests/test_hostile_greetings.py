"""What comes on a supervisor's connections costs those at most, also with the right token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sshpyk_core.remote import wire
from support.far_half import FarHalf
from support.greeter import Greeter
from support.virtual_time import Clock

KIB = 1024

odd_values: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([None, True, -1, 0, 1, 2, 1.5, 2**32, 2**64, 10**400, 1e308]),
    st.sampled_from([float("inf"), float("nan"), "1", "\ud800", "\0", "x" * 10_000]),
    st.sampled_from([[], {}, [[]], {"kernel_name": []}]),
)
commands = st.dictionaries(
    st.sampled_from(["id", "do", "name", "signum", "request"]),
    st.one_of(odd_values, st.sampled_from(["signal", "launch", "SIGINT", "SIG_DFL", "__doc__"])),
)
payloads = st.one_of(
    st.binary(max_size=40),
    commands.map(wire.dumps),
    st.sampled_from([b"[" * 100_000, b'{"id":' + b"9" * 5000 + b"}"]),
    st.sampled_from([wire.U32.pack(2**32 - 1), wire.U64.pack(2**64 - 1), wire.U64.pack(1)]),
    st.tuples(st.integers(0, 5), st.integers(0, 2)).map(bytes),
)
frames = st.tuples(
    st.sampled_from(sorted(wire.KINDS)), payloads, st.sampled_from([0, 1, 2**32 - 1])
)


@contextmanager
def a_supervisor() -> Iterator[FarHalf]:
    """Give one with somebody attached, who must be served as before at the end."""
    far = FarHalf(Clock(), memory=64 * KIB, disk=64 * KIB)
    try:
        with Greeter(far) as friend:
            friend.attach("a friend")
            assert [each.kind for each in friend.heard()] == [wire.ATTACHED]
            yield far
            far.clock.now += 30
            friend.say(wire.Frame(1, wire.COMMAND, 0, 1, b'{"id":1,"do":"nothing"}').encode())
            assert wire.RESULT in [each.kind for each in friend.heard()]
    finally:
        far.close()


@settings(max_examples=40, deadline=None, database=None)
@given(pieces=st.lists(st.binary(max_size=80), max_size=6))
def test_whatever_bytes_come_first_cost_their_connection_only(pieces: list[bytes]) -> None:
    with a_supervisor() as far, Greeter(far) as stranger:
        for piece in pieces:
            stranger.say(piece)
        assert {each.kind for each in stranger.heard()} <= {wire.FAREWELL}


@settings(max_examples=60, deadline=None, database=None)
@given(epoch=odd_values, received=odd_values)
def test_odd_greetings_with_the_right_token_cost_their_connection_only(
    epoch: object, received: object
) -> None:
    with a_supervisor() as far, Greeter(far) as odd:
        odd.attach("an odd one", epoch, received)
        assert [each.kind for each in odd.heard()] in ([wire.ATTACHED], [wire.FAREWELL])


@settings(max_examples=120, deadline=None, database=None)
@given(said=st.lists(frames, max_size=8))
def test_odd_frames_of_one_who_is_attached_cost_the_connection_only(
    said: list[tuple[int, bytes, int]],
) -> None:
    with a_supervisor() as far, Greeter(far) as odd:
        odd.attach("an odd one")
        sent = 0
        for kind, payload, stream in said:
            sent += kind >= wire.OPEN
            seq = sent if kind >= wire.OPEN else 0
            odd.say(wire.Frame(1, kind, stream, seq, payload).encode())
        usual = {wire.ATTACHED, wire.ACK, wire.RESULT, wire.CREDIT, wire.CLOSE, wire.FAREWELL}
        assert {each.kind for each in odd.heard()} <= usual


def test_a_greeting_that_claims_nonsense_does_not_replace_an_older_connection() -> None:
    with a_supervisor() as far, Greeter(far) as older, Greeter(far) as newer:
        older.attach("one")
        newer.attach("one", epoch=2, received=10**9)
        assert [each.kind for each in newer.heard()] == [wire.FAREWELL]
        assert [each.kind for each in older.heard()] == [wire.ATTACHED]
        older.say(wire.Frame(1, wire.COMMAND, 0, 1, b'{"id":1,"do":"nothing"}').encode())
        assert wire.RESULT in [each.kind for each in older.heard()]
