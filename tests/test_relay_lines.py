"""A line takes its time: delay, jitter and rate, each direction for itself, and nothing is lost."""

from __future__ import annotations

import asyncio
import math
import random
import socket
import struct
import time
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest
import pytest_asyncio
from sshpyk_core.testing.line import Lane, News
from sshpyk_core.testing.relay import Line, Relay
from support.peers import A_WHILE, SOON, Peer, Server, until

MIB = 1 << 20
FOR_EVER = Line(delay=3600)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    async with Server.running() as server:
        yield server


class Pair:
    """The two ends of a connection through a relay."""

    def __init__(self, relay: Relay, client: Peer, served: Peer) -> None:
        self.relay, self.client, self.served = relay, client, served


@pytest_asyncio.fixture
async def pair(server: Server) -> AsyncIterator[Pair]:
    with Relay(server.port, seed=1) as relay:
        client = await Peer.dial(relay)
        yield Pair(relay, client, await server.peer())
        relay.cut()
        await client.close()


# Delay


@pytest.mark.parametrize("to_server", [True, False])
async def test_bytes_and_the_end_behind_them_come_after_the_delay(
    pair: Pair, to_server: bool
) -> None:
    line = Line(delay=0.3)
    pair.relay.shape(*((line, None) if to_server else (None, line)))
    sender, receiver = (pair.client, pair.served) if to_server else (pair.served, pair.client)
    began = time.monotonic()
    sender.writer.write(b"hello")
    sender.writer.write_eof()
    assert await receiver.hears(5) == b"hello"
    assert time.monotonic() - began >= 0.3
    assert await receiver.rest() == b""


async def test_there_and_back_takes_both_delays(pair: Pair) -> None:
    pair.relay.shape(Line(delay=0.1), Line(delay=0.2))
    began = time.monotonic()
    for _ in range(2):
        pair.client.writer.write(b"?")
        assert await pair.served.hears(1) == b"?"
        pair.served.writer.write(b"!")
        assert await pair.client.hears(1) == b"!"
    assert time.monotonic() - began >= 0.6


async def test_what_comes_later_need_not_wait_for_what_is_under_way(pair: Pair) -> None:
    pair.relay.shape(to_server=Line(delay=1))
    began = time.monotonic()
    for sent in range(10):
        pair.client.writer.write(b"x")
        await until(lambda sent=sent: pair.relay.bytes_sent > sent)
    assert await pair.served.hears(10) == b"x" * 10
    assert 1 <= time.monotonic() - began < 9  # one after the other, they would take 10 seconds


async def test_a_new_connection_is_delayed_too(server: Server) -> None:
    with Relay(server.port) as relay:
        relay.shape(to_client=Line(delay=0.3))
        client = await Peer.dial(relay)
        served = await server.peer()
        began = time.monotonic()
        served.writer.write(b"hello")
        assert await client.hears(5) == b"hello"
        assert time.monotonic() - began >= 0.3
        await client.close()


async def test_that_a_client_has_gone_is_news_that_takes_its_time(pair: Pair) -> None:
    pair.relay.shape(to_server=Line(delay=0.3))
    began = time.monotonic()
    connection = pair.client.writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    pair.client.writer.transport.abort()  # a reset
    assert await pair.served.rest() == b""
    assert time.monotonic() - began >= 0.3
    await until(lambda: pair.relay.open_connections == 0)


async def test_that_there_is_no_server_is_news_that_takes_its_time() -> None:
    with Relay(1) as nowhere:
        nowhere.shape(to_client=Line(delay=0.3))
        began = time.monotonic()
        client = await Peer.dial(nowhere)
        assert await client.rest() == b""
        assert time.monotonic() - began >= 0.3
        await client.close()


# Two directions


async def test_each_direction_is_delayed_for_itself(pair: Pair) -> None:
    pair.relay.shape(to_server=FOR_EVER)
    pair.client.writer.write(b"sent first")
    await until(lambda: pair.relay.bytes_sent == 10)
    pair.served.writer.write(b"sent second")
    assert await pair.client.hears(11) == b"sent second"
    assert await pair.served.hears_nothing()
    pair.relay.shape(to_client=FOR_EVER)
    assert await pair.served.hears(10) == b"sent first"
    pair.served.writer.write(b"sent third")
    assert await pair.client.hears_nothing()


# Jitter and order


async def test_jitter_changes_no_order(pair: Pair) -> None:
    pair.relay.shape(Line(delay=0.01, jitter=0.05), Line(jitter=0.05))
    content = Random(2).randbytes(MIB)
    parts = [content[start : start + 4096] for start in range(0, MIB, 4096)]

    async def send(peer: Peer) -> None:
        for part in parts:
            peer.writer.write(part)
            await peer.writer.drain()
            await asyncio.sleep(0)
        peer.writer.write_eof()

    sending = asyncio.gather(send(pair.client), send(pair.served))
    assert await pair.served.rest() == content
    assert await pair.client.rest() == content
    await sending


def arrivals(seed: int, line: Line, *sent: float) -> list[float]:
    """Say when messages that are sent at those times arrive."""
    lane = Lane(Random(seed))
    lane.shape(line, 0)
    for when in sent:
        lane.put(b"x", when)
    found = []
    while (now := lane.ready_at()) < math.inf:
        assert lane.take(math.nextafter(now, 0)) is None
        assert lane.take(now) == b"x"
        found.append(max([now, *found]))
    return found


def test_jitter_stays_within_its_bounds_and_is_drawn_from_the_seed() -> None:
    line = Line(delay=2, jitter=3)
    sent = [float(10 * number) for number in range(50)]
    found = arrivals(1, line, *sent)
    late = [there - here for here, there in zip(sent, found, strict=True)]
    assert all(2 <= seconds <= 5 for seconds in late)
    assert max(late) - min(late) > 2
    assert found == arrivals(1, line, *sent)
    assert found != arrivals(2, line, *sent)


def test_what_would_overtake_waits() -> None:
    found = arrivals(1, Line(jitter=100), *map(float, range(50)))
    assert found == sorted(found)
    assert len(set(found)) < 50  # some did wait, and came with the one before


# Rate


@pytest.mark.parametrize("rate", [100_000, 2_000_000, 50_000_000])
async def test_no_byte_comes_sooner_than_the_rate_allows(pair: Pair, rate: int) -> None:
    pair.relay.shape(to_server=Line(bytes_per_second=rate))
    content = random.randbytes(rate // 2)
    began = time.monotonic()
    pair.client.writer.write(content)
    pair.client.writer.write_eof()
    received = b""
    while data := await asyncio.wait_for(pair.served.reader.read(1 << 16), SOON):
        received += data
        assert len(received) <= (time.monotonic() - began) * rate + 1
    assert received == content


async def test_the_other_direction_has_a_rate_of_its_own(pair: Pair) -> None:
    pair.relay.shape(Line(bytes_per_second=1), Line(bytes_per_second=50e6))
    pair.client.writer.write(b"slowly")
    pair.served.writer.write(bytes(MIB))
    assert await pair.client.hears(MIB) == bytes(MIB)
    assert await pair.served.hears(1) == b"s"


def taken(lane: Lane, now: float) -> int:
    """Take all that has arrived; say how many bytes."""
    size = 0
    while (content := lane.take(now)) is not None:
        assert not isinstance(content, News)
        size += len(content)
    return size


@pytest.mark.parametrize("rate", [1, 30, 1000, 1e6, 1e9])
def test_a_rate_is_kept_to_by_whoever_is_in_time(rate: float) -> None:
    lane = Lane(Random(1))
    lane.shape(Line(delay=5, bytes_per_second=rate), 0)
    total = min(10 * MIB, max(10, int(rate)))
    lane.put(bytes(total), 100)
    now, size = 105.0, 0
    while size < total:
        now = max(math.nextafter(now, math.inf), lane.ready_at())
        size += taken(lane, now)
        assert size <= (now - 105) * rate + 1e-3 * rate
    assert now == pytest.approx(105 + total / rate)


def test_there_are_no_bursts_however_late_bytes_are_taken() -> None:
    lane = Lane(Random(1))
    lane.shape(Line(bytes_per_second=1_000_000), 0)
    lane.put(bytes(MIB), 100)
    assert taken(lane, 100) == 0
    for now in (107, 109, 200):
        assert 0 < taken(lane, now) <= 51_000


def test_an_idle_line_saves_nothing_up() -> None:
    lane = Lane(Random(1))
    lane.shape(Line(bytes_per_second=1_000_000), 0)
    lane.put(bytes(1000), 100)
    assert taken(lane, 100.001) == 1000
    lane.put(bytes(100_000), 200)
    assert taken(lane, 200) == 0
    assert taken(lane, 200.02) <= 20_000


def test_a_silence_saves_nothing_up() -> None:
    lane = Lane(Random(1))
    lane.shape(Line(bytes_per_second=1_000_000), 0)
    lane.put(bytes(100_000), 100)
    lane.restart(200)
    assert taken(lane, 200) == 0
    assert taken(lane, 200.02) <= 20_000


# Bounds, and the sender that is slowed down


async def blocked(peer: Peer) -> bool:
    """Say whether what is sent does not get away."""
    draining = asyncio.ensure_future(peer.writer.drain())
    await asyncio.wait([draining], timeout=A_WHILE)
    draining.cancel()
    await asyncio.wait([draining])
    return draining.cancelled()


async def test_a_delay_holds_a_mebibyte_and_loses_nothing(pair: Pair) -> None:
    pair.relay.shape(to_server=FOR_EVER)
    content = random.randbytes(40 * MIB)
    pair.client.writer.write(content)
    pair.client.writer.write_eof()
    await until(lambda: pair.relay.bytes_sent == MIB)
    assert await blocked(pair.client)
    assert pair.relay.bytes_sent == MIB
    pair.relay.shape()
    assert await pair.served.rest() == content


async def test_a_rate_holds_what_its_delay_needs_and_a_little(pair: Pair) -> None:
    line = Line(delay=0.2, jitter=0.1, bytes_per_second=100_000)
    pair.relay.shape(to_server=line)
    began = time.monotonic()
    pair.client.writer.write(bytes(40 * MIB))
    await pair.served.hears(10_000)
    sent = pair.relay.bytes_sent
    assert sent <= 55_000 + 100_000 * (time.monotonic() - began)
    assert await blocked(pair.client)


async def test_a_receiver_that_does_not_read_slows_the_sender_down(pair: Pair) -> None:
    content = random.randbytes(100 * MIB)
    pair.client.writer.write(content)
    assert await blocked(pair.client)
    pair.client.writer.write_eof()
    assert await asyncio.wait_for(pair.served.reader.read(), 60) == content


# Changes, and lines that cannot be


async def test_a_change_holds_for_what_is_under_way(pair: Pair) -> None:
    pair.relay.shape(FOR_EVER, FOR_EVER)
    pair.client.writer.write(b"question")
    pair.served.writer.write(b"answer")
    assert await pair.served.hears_nothing()
    pair.relay.shape(Line(delay=0.1))
    assert await pair.served.hears(8) == b"question"
    assert await pair.client.hears(6) == b"answer"


async def test_a_rate_can_be_taken_away(pair: Pair) -> None:
    pair.relay.shape(to_server=Line(bytes_per_second=1))
    content = random.randbytes(MIB)
    pair.client.writer.write(content)
    assert await pair.served.hears(1) == content[:1]
    pair.relay.shape()
    assert await pair.served.hears(MIB - 1) == content[1:]


def test_a_line_that_gets_longer_delays_what_is_under_way() -> None:
    lane = Lane(Random(1))
    lane.shape(Line(delay=1), 0)
    lane.put(b"x", 100)
    lane.shape(Line(delay=2), 100.5)
    assert lane.take(101.9) is None
    assert lane.take(102) == b"x"


@pytest.mark.parametrize(
    "wrong",
    [
        {"delay": -1},
        {"delay": math.inf},
        {"jitter": -0.1},
        {"jitter": math.nan},
        {"bytes_per_second": 0},
        {"bytes_per_second": -5},
        {"bytes_per_second": math.nan},
    ],
    ids=str,
)
def test_a_line_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Line(**wrong)
