"""A far end that sends anything costs its link at most, for a reason that can be shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sshpyk_core.errors import HostError
from sshpyk_core.link.link import MAX_REASON
from sshpyk_core.remote import wire
from support.held_channel import HeldChannel
from support.near_half import NearHalf
from support.talkers import Talker
from support.virtual_time import Clock

odd_values: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([None, True, -1, 0, 1, 2, 1.5, 2**32, 2**64, 10**400, 1e308]),
    st.sampled_from([float("inf"), float("nan"), "1", "\ud800", "\0\x1b[2J", "x" * 10_000, "gone"]),
    st.sampled_from([[], {}, [[]], ["gone"], {"kind": "gone"}, {"kind": [], "message": {}}]),
)
FIELDS = (
    *("id", "ok", "error", "kind", "message", "epoch", "received", "status"),
    *("event", "generation", "returncode", "limit", "protocol", "pid", "host"),
)
objects = st.dictionaries(st.sampled_from(FIELDS), odd_values, max_size=5)
payloads = st.one_of(
    objects.map(wire.dumps),
    objects.map(lambda value: wire.dumps({"event": "exited", "protocol": wire.PROTOCOL, **value})),
    st.binary(max_size=40),
    st.sampled_from([b"[" * 100_000, b'{"id":' + b"9" * 5000 + b"}", b"\xff", wire.U32.pack(9)]),
    st.sampled_from([wire.U32.pack(2**32 - 1), wire.U64.pack(2**64 - 1), wire.U64.pack(0)]),
)


class Far:
    """What sends whatever it likes to a near half that has attached, with a client connected."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.near = NearHalf(self.clock, "/nowhere", "0" * 32)
        self.channel = HeldChannel(self.near.loop)
        self.near.connect(self.channel)
        self.handle = self.near.client._attachment.handle
        self._sent = 0
        self.say(wire.HELLO, wire.dumps({"protocol": wire.PROTOCOL}), handle=0)
        self.say(wire.ANSWER, wire.dumps({"id": 1, "ok": {}}), handle=0)
        answer = {"epoch": 1, "received": 0, "waiting": 0, "status": {}}
        self.say(wire.ATTACHED, wire.dumps(answer))
        assert self.near.client.connected
        self.near.command("launch")
        self.near.open(0, Talker(1, 2))

    def say(self, kind: int, payload: bytes, *, handle: int | None = None, stream: int = 0) -> None:
        """Send a frame, numbered as it should be where its kind is numbered."""
        numbered = kind >= wire.OPEN
        self._sent += numbered
        seq = self._sent if numbered else 0
        handle = self.handle if handle is None else handle
        self.send(wire.Frame(handle, kind, stream, seq, payload).encode())

    def send(self, data: bytes) -> None:
        self.channel.stdout.feed_data(data)
        for _ in range(4):
            self.near.turn()

    def close(self) -> None:
        self.near.close()
        self.channel.discard()
        self.channel.far_end.close()

    def check(self) -> None:
        """Check that nothing is worse than a lost link, whose reason can be shown."""
        assert [each for each in self.near.troubles if not isinstance(each, HostError)] == []
        link = self.near.link
        assert link is not None
        for task in link._tasks:
            assert not task.done() or task.exception() is None
        if link.lost.done():
            reason = link.lost.result()
            assert reason
            assert reason.isprintable()
            assert len(reason) <= MAX_REASON + 3
        assert self.near.kept() <= wire.WINDOW


@pytest.mark.parametrize(("kind", "runs_on"), [("ended", False), ("given-up", True)])
def test_why_a_supervisor_is_gone_can_be_shown(kind: str, runs_on: bool) -> None:
    far = Far()
    try:
        far.say(wire.FAREWELL, wire.dumps({"kind": kind, "message": "\x1b]0;owned\x07"}))
        client = far.near.client
        assert (client.gone, client.runs_on) == ("?]0;owned?", runs_on)
    finally:
        far.close()


said = st.tuples(
    st.sampled_from(sorted(wire.KINDS)), payloads, st.booleans(), st.sampled_from([0, 1, 2**32 - 1])
)


@settings(max_examples=150, deadline=None, database=None)
@given(frames=st.lists(said, min_size=1, max_size=6))
def test_whatever_frames_come_only_the_link_is_lost(
    frames: list[tuple[int, bytes, bool, int]],
) -> None:
    far = Far()
    try:
        for kind, payload, for_kernel, stream in frames:
            far.say(kind, payload, handle=None if for_kernel else 0, stream=stream)
            far.near.talkers[0].say(wire.WINDOW // 8)
            far.check()
        far.clock.now += 30
        for _ in range(4):
            far.near.turn()
        far.check()
    finally:
        far.close()


@settings(max_examples=60, deadline=None, database=None)
@given(pieces=st.lists(st.binary(max_size=80), max_size=8))
def test_whatever_bytes_come_only_the_link_is_lost(pieces: list[bytes]) -> None:
    far = Far()
    try:
        for piece in pieces:
            far.send(piece)
            far.check()
    finally:
        far.close()


@pytest.mark.parametrize(
    "answer",
    [
        {"received": 10**9, "status": {}},
        {"received": -1, "status": {}},
        {"received": "0", "status": {}},
        {"received": 0, "status": []},
        {"status": {}},
    ],
    ids=json.dumps,
)
def test_an_answer_that_makes_no_sense_costs_the_link(answer: dict[str, Any]) -> None:
    far = Far()
    try:
        far.near.attach_again()
        far.near.turn()
        far.say(wire.ATTACHED, wire.dumps(dict(answer, epoch=2)))
        link = far.near.link
        assert link is not None
        assert "wire format" in link.lost.result()
        far.check()
    finally:
        far.close()


def test_who_waits_for_an_answer_learns_that_it_made_no_sense() -> None:
    far = Far()
    try:
        link = far.near.link
        assert link is not None
        answer = far.near.call(lambda: link.request("attach"))
        far.say(wire.ANSWER, wire.dumps({"id": 2, "error": "no"}), handle=0)
        with pytest.raises(HostError, match="wire format"):
            answer.result()
    finally:
        far.close()


def test_credit_for_what_was_never_sent_costs_the_link() -> None:
    far = Far()
    try:
        far.say(wire.CREDIT, wire.U32.pack(1), stream=1)
        link = far.near.link
        assert link is not None
        assert "more than was ever taken" in link.lost.result()
    finally:
        far.close()
