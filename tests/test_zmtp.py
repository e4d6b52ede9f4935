"""Where messages end in a ZeroMQ connection's bytes, however those come in pieces."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sshpyk_core.remote.spool import Spool, SpoolBudget
from sshpyk_core.remote.zmtp import GREETING, Boundaries, Client, ForeignError, Opening

GREETS = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32)
READY = b"\x05READY\x0bSocket-Type\0\0\0\x03PUB"
OPENING = GREETS + bytes([4, len(READY)]) + READY


def frame(body: bytes, *, more: bool = False, command: bool = False) -> bytes:
    flags = more | command << 2
    if len(body) > 255:
        return bytes([flags | 2]) + len(body).to_bytes(8, "big") + body
    return bytes([flags, len(body)]) + body


def random_messages(chance: random.Random, count: int) -> list[bytes]:
    """Give messages of one to eight frames, of all sizes, with a command here and there."""
    made = []
    for _ in range(count):
        if chance.random() < 0.1:
            made.append(frame(b"\x04PING", command=True))
        sizes = [chance.choice((0, 1, 9, 255, 256, 70_000)) for _ in range(chance.randint(1, 8))]
        parts = [chance.randbytes(size) for size in sizes]
        made.append(b"".join(frame(each, more=True) for each in parts[:-1]) + frame(parts[-1]))
    return made


def in_pieces(chance: random.Random, data: bytes, longest: int) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size = chance.randint(1, longest)
        yield data[at : at + size]
        at += size


def read_all(opening: Opening, data: bytes, longest: int) -> bytes:
    pieces = in_pieces(random.Random(longest), data, longest)
    return b"".join(opening.feed(piece) for piece in pieces)


@pytest.mark.parametrize("longest", [1, 3, 20, 5000, 200_000])
def test_the_last_boundary_in_each_piece_is_found(longest: int) -> None:
    chance = random.Random(longest)
    messages = random_messages(chance, 4 if longest <= 20 else 60)
    ends = {0, *itertools.accumulate(map(len, messages))}
    boundaries, at = Boundaries(), 0
    for piece in in_pieces(chance, b"".join(messages), longest):
        found = boundaries.feed(piece)
        within = [end - at for end in ends if at <= end <= at + len(piece)]
        assert found == max(within, default=-1)
        at += len(piece)
        assert boundaries.between == (at in ends)


def test_the_first_boundary_is_found_behind_a_message_that_has_begun() -> None:
    chance = random.Random(7)
    messages = random_messages(chance, 20)
    for begun in range(1, len(messages[0]), 997):
        boundaries = Boundaries()
        boundaries.feed(messages[0][:begun])
        rest = messages[0][begun:] + messages[1]
        assert boundaries.copy().first(rest) == len(messages[0]) - begun
        assert boundaries.first(rest[: len(messages[0]) - begun - 1]) == -1


def test_hostile_frames_are_refused_and_the_longest_costs_nothing() -> None:
    for begins in (b"\x08\x00", b"\xff", b"\x05\x00", b"\x02\xff" + bytes(7)):
        with pytest.raises(ForeignError):
            Boundaries().feed(begins)
    boundaries = Boundaries()
    assert boundaries.feed(b"\x02\x7f" + b"\xff" * 7) == 0
    assert boundaries.feed(bytes(1000)) == -1


@pytest.mark.parametrize("longest", [1, 7, 100, 1000])
def test_an_opening_ends_with_ready_and_the_rest_is_given(longest: int) -> None:
    opening = Opening()
    rest = read_all(opening, OPENING + b"and more", longest)
    assert (opening.done, opening.data, rest) == (True, OPENING, b"and more")


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\n",
        b"\xff" + bytes(8) + b"\x7f\x01",
        GREETS.replace(b"NULL", b"CURVE")[:GREETING],
        GREETS + bytes([4, 4]) + b"\x03NO",
        GREETS + bytes([0, 5]) + READY[:5],
        GREETS + b"\x06" + (2**40).to_bytes(8, "big"),
    ],
)
@pytest.mark.parametrize("longest", [1, 1000])
def test_what_is_no_plain_zmtp_3_is_told_from_it(said: bytes, longest: int) -> None:
    with pytest.raises(ForeignError):
        read_all(Opening(), said, longest)


@pytest.mark.parametrize("longest", [1, 50, 1000])
@pytest.mark.parametrize(
    ("subscribe", "cancel"),
    [
        (frame(b"\x01topic"), frame(b"\x00topic")),
        (frame(b"\x09SUBSCRIBEtopic", command=True), frame(b"\x06CANCELtopic", command=True)),
    ],
)
def test_a_client_is_understood(longest: int, subscribe: bytes, cancel: bytes) -> None:
    ping = frame(b"\x04PING", command=True)
    client, said = Client(), []
    for piece in in_pieces(random.Random(1), OPENING + ping + subscribe + cancel, longest):
        said += client.feed(piece)
        assert client.subscribed == any(each.subscribes for each in said)
    assert said == [(ping, False, False), (subscribe, True, False), (cancel, False, True)]
    with pytest.raises(ForeignError):
        client.feed(b"\x02" + (2**40).to_bytes(8, "big"))


def test_a_spool_can_be_read_without_taking_and_be_handed_on(tmp_path: Path) -> None:
    budget = SpoolBudget(str(tmp_path), limit=1000, memory=100)
    old, new = Spool(budget), Spool(budget)
    for number in range(10):
        old.append(bytes([number]) * 30)
    new.append(b"first")
    whole = b"".join(old.pieces())
    assert (len(whole), budget.on_disk > 0) == (300, True)
    held = budget.in_memory + budget.on_disk
    new.adopt([b"then"], old)
    assert (old.size, new.size) == (0, 309)
    assert budget.in_memory + budget.on_disk == held + len(b"then")
    new.append(b"last")
    assert b"".join(new.pop(70) for _ in range(99) if new.size) == b"firstthen" + whole + b"last"
    assert (budget.in_memory, budget.on_disk) == (0, 0)
