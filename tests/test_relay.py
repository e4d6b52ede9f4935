"""The relay carries bytes unchanged, and fails as it is told to."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio
from sshpyk_core.testing.relay import Line, Relay
from sshpyk_core.testing.relayed_connection import Side
from support.peers import A_WHILE, SOON, Peer, Server, full_server, until


@pytest_asyncio.fixture
async def relay() -> AsyncIterator[Relay]:
    """A relay in front of a server that gives back what comes, and says when that has ended."""

    served = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
            writer.write(b"the end")
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    with Relay(server.sockets[0].getsockname()[1]) as relay:
        yield relay
    server.close()
    await asyncio.gather(*served, return_exceptions=True)
    assert not [thread for thread in threading.enumerate() if thread.name == "relay"]


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    async with Server.running() as server:
        yield server


async def test_bytes_pass_both_ways_and_each_way_ends_by_itself(relay: Relay) -> None:
    client = await Peer.dial(relay)
    content = bytes(range(256)) * 40_000
    client.writer.write(content)
    client.writer.write_eof()
    assert await client.rest() == content + b"the end"
    await client.close()
    assert relay.connections_made == 1
    assert relay.bytes_sent == len(content)


async def test_a_silence_holds_bytes_and_gives_them_when_it_ends(relay: Relay) -> None:
    client = await Peer.dial(relay)
    assert await client.says(b"before") == b"before"
    relay.silence()
    client.writer.write(b"held")
    client.writer.write_eof()
    assert await client.hears_nothing()
    late = await Peer.dial(relay)
    late.writer.write(b"late")
    assert await late.hears_nothing()
    relay.resume()
    assert await client.rest() == b"heldthe end"
    assert await late.says(b"") == b""
    assert await late.hears(4) == b"late"
    await client.close()
    await late.close()


async def test_a_silence_can_begin_after_so_many_bytes(relay: Relay) -> None:
    silence = relay.silence(after_bytes=1000)
    client = await Peer.dial(relay)
    assert await client.says(b"x" * 900) == b"x" * 900
    assert not silence.done()
    client.writer.write(b"x" * 200)
    await asyncio.wait_for(asyncio.wrap_future(silence), SOON)
    assert await client.hears_nothing()
    await client.close()


async def test_a_silence_can_begin_after_so_many_bytes_from_the_server(relay: Relay) -> None:
    silence = relay.silence(after_bytes=1000, sent_by="server")
    client = await Peer.dial(relay)
    assert await client.says(b"x" * 995) == b"x" * 995
    assert not silence.done()
    client.writer.write_eof()  # then the server says more than it was told
    await asyncio.wait_for(asyncio.wrap_future(silence), SOON)
    assert await client.hears_nothing()
    relay.resume()
    assert await asyncio.wait_for(client.reader.read(), SOON) == b"the end"
    await client.close()


async def test_a_client_that_leaves_in_a_silence_is_let_go_of_on_demand(relay: Relay) -> None:
    leaving, staying = await Peer.dial(relay), await Peer.dial(relay)
    assert await leaving.says(b"x") == b"x"
    assert await staying.says(b"x") == b"x"
    relay.silence()
    await leaving.close()
    await asyncio.sleep(A_WHILE)
    assert relay.open_connections == 2
    relay.settle()
    assert await staying.hears_nothing()
    assert relay.open_connections == 1
    relay.resume()
    assert await staying.says(b"y") == b"y"
    await staying.close()


async def test_a_cut_ends_every_connection_and_lets_new_ones_come(relay: Relay) -> None:
    clients = [await Peer.dial(relay) for _ in range(3)]
    for client in clients:
        assert await client.says(b"x") == b"x"
    relay.cut()
    assert relay.open_connections == 0
    for client in clients:
        assert await client.rest() == b""
        await client.close()
    after = await Peer.dial(relay)
    assert await after.says(b"x") == b"x"
    await after.close()


async def test_a_cut_ends_a_connection_that_has_only_just_come(relay: Relay) -> None:
    busy = threading.Event()

    def keep_busy(_: object) -> None:
        busy.set()
        time.sleep(A_WHILE)

    first = await Peer.dial(relay)
    relay.silence(after_bytes=1).add_done_callback(keep_busy)
    first.writer.write(b"x")
    assert await asyncio.to_thread(busy.wait, SOON)
    late = await Peer.dial(relay)  # the system has it, the relay does not know of it yet
    relay.cut()
    assert relay.open_connections == 0
    for client in (first, late):
        assert await client.rest() == b""
        await client.close()


async def test_a_cut_does_not_wait_for_those_who_come_back_at_once(relay: Relay) -> None:
    async def come_back() -> None:
        while True:
            client = await Peer.dial(relay)
            try:
                await client.reader.read()  # before Python 3.12 wait_for may miss a cancellation
            finally:
                await client.close()

    clients = [asyncio.ensure_future(come_back()) for _ in range(5)]
    for _ in range(20):
        await asyncio.wait_for(asyncio.to_thread(relay.cut), SOON)
    for one in clients:
        one.cancel()
    await asyncio.wait(clients)
    assert all(one.cancelled() for one in clients)


async def test_half_open_leaves_the_client_with_an_end_that_nobody_serves(server: Server) -> None:
    with Relay(server.port) as relay:
        client = await Peer.dial(relay)
        served = await server.peer()
        relay.half_open()
        assert await served.rest() == b""
        client.writer.write(b"anybody?")
        assert await client.hears_nothing()
        assert relay.open_connections == 1
        relay.cut()
        assert await client.rest() == b""
        await client.close()


async def test_half_open_leaves_the_server_with_an_end_that_nobody_speaks_at(
    server: Server,
) -> None:
    with Relay(server.port) as relay:
        client = await Peer.dial(relay)
        served = await server.peer()
        relay.half_open("server")
        assert await client.rest() == b""
        await client.close()
        served.writer.write(b"anybody?")
        assert await served.hears_nothing()
        after = await Peer.dial(relay)
        assert await asyncio.gather(after.says(b"x"), (await server.peer()).says(b"y")) == [
            b"y",
            b"x",
        ]
        await after.close()
        assert relay.open_connections >= 1
        relay.cut()
        assert relay.open_connections == 0
        assert await served.rest() == b""


@pytest.mark.parametrize("keep", ["client", "server"])
async def test_an_end_that_is_kept_is_let_go_of_once_its_peer_has_left(
    server: Server, keep: Side
) -> None:
    with Relay(server.port) as relay:
        client = await Peer.dial(relay)
        served = await server.peer()
        relay.half_open(keep)
        relay.settle()
        assert relay.open_connections == 1
        await (client if keep == "client" else served).close()

        def settled() -> bool:
            relay.settle()
            return not relay.open_connections

        await until(settled)
        await client.close()


async def test_nothing_but_a_cut_brings_a_half_open_connection_to_an_end(server: Server) -> None:
    with Relay(server.port) as relay:
        client = await Peer.dial(relay)
        await server.peer()
        relay.silence()
        relay.half_open()
        relay.resume()
        relay.shape()
        client.writer.write(b"anybody?")
        assert await client.hears_nothing()
        # Nobody reads: what is sent without end does not get away.
        client.writer.write(bytes(1 << 26))
        draining = asyncio.ensure_future(client.writer.drain())
        assert not (await asyncio.wait([draining], timeout=A_WHILE))[0]
        relay.cut()
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(draining, SOON)
        await client.close()


def test_there_is_no_third_side_to_keep() -> None:
    with pytest.raises(ValueError, match="client, server"):
        Relay(1).half_open("router")  # type: ignore[arg-type]


# Faults while the connection to the server is being made


async def test_a_cut_ends_a_connection_that_is_being_made() -> None:
    with full_server() as listener, Relay(listener.getsockname()[1]) as relay:
        client = await Peer.dial(relay)
        await until(lambda: relay.connections_made == 1)
        await asyncio.wait_for(asyncio.to_thread(relay.cut), SOON)
        assert relay.open_connections == 0
        assert await client.rest() == b""
        await client.close()


async def test_half_open_lets_no_connection_to_the_server_be_made() -> None:
    with full_server() as listener, Relay(listener.getsockname()[1]) as relay:
        client = await Peer.dial(relay)
        await until(lambda: relay.connections_made == 1)
        client.writer.write(b"anybody?")
        relay.half_open()
        listener.accept()[0].close()  # what had filled the queue
        listener.settimeout(1.5)  # a system asks again after a second
        with pytest.raises(TimeoutError):
            listener.accept()
        assert await client.hears_nothing()
        assert relay.open_connections == 1
        relay.cut()
        assert await client.rest() == b""
        await client.close()


async def test_half_open_keeps_the_server_s_end_also_when_it_is_made_later() -> None:
    with full_server() as listener, Relay(listener.getsockname()[1]) as relay:
        client = await Peer.dial(relay)
        await until(lambda: relay.connections_made == 1)
        client.writer.write(b"anybody?")
        relay.half_open("server")
        assert await client.rest() == b""
        await client.close()
        listener.accept()[0].close()  # what had filled the queue
        with listener.accept()[0] as connection:
            connection.settimeout(A_WHILE)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            assert relay.open_connections == 1
            relay.cut()
            assert connection.recv(1) == b""


async def test_a_client_is_not_told_of_a_refusal_while_there_is_silence() -> None:
    with Relay(1) as nowhere:
        nowhere.silence()
        client = await Peer.dial(nowhere)
        assert await client.hears_nothing()
        nowhere.resume()
        assert await client.rest() == b""
        await client.close()


# Faults of a line with a delay


async def test_a_silence_holds_what_is_under_way(server: Server) -> None:
    with Relay(server.port) as relay:
        relay.shape(to_server=Line(delay=A_WHILE))
        client = await Peer.dial(relay)
        served = await server.peer()
        client.writer.write(b"under way")
        client.writer.write_eof()
        await until(lambda: relay.bytes_sent == 9)
        relay.silence()
        assert await served.hears_nothing()
        assert await served.hears_nothing()
        relay.resume()
        assert await served.rest() == b"under way"
        await client.close()


async def test_a_cut_loses_what_is_under_way(server: Server) -> None:
    with Relay(server.port) as relay:
        relay.shape(to_server=Line(delay=60))
        client = await Peer.dial(relay)
        served = await server.peer()
        client.writer.write(b"under way")
        await until(lambda: relay.bytes_sent == 9)
        relay.cut()
        assert await served.rest() == b""
        assert await client.rest() == b""
        await client.close()


async def test_a_refusal_leaves_open_connections_alone(relay: Relay) -> None:
    client = await Peer.dial(relay)
    assert await client.says(b"x") == b"x"
    relay.refuse()
    with pytest.raises(ConnectionRefusedError):
        await Peer.dial(relay)
    assert await client.says(b"y") == b"y"
    port = relay.port
    relay.accept()
    assert relay.port == port
    after = await Peer.dial(relay)
    assert await after.says(b"z") == b"z"
    await client.close()
    await after.close()


async def test_a_server_that_is_not_there_closes_the_connection(relay: Relay) -> None:
    with Relay(1) as nowhere:
        client = await Peer.dial(nowhere)
        assert await client.rest() == b""
        await client.close()
    nowhere.stop()
