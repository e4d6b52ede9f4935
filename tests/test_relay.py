"""The relay carries bytes unchanged, and fails as it is told to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio
from sshpyk_core.testing.relay import Relay

SOON = 10
A_WHILE = 0.1


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


class Client:
    """A connection through the relay."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def dial(cls, relay: Relay) -> Client:
        return cls(*await asyncio.open_connection("127.0.0.1", relay.port))

    async def says(self, data: bytes) -> bytes:
        self.writer.write(data)
        return await asyncio.wait_for(self.reader.readexactly(len(data)), SOON)

    async def hears_nothing(self) -> bool:
        reading = asyncio.ensure_future(self.reader.read(1))
        await asyncio.wait([reading], timeout=A_WHILE)
        reading.cancel()
        await asyncio.wait([reading])
        return reading.cancelled()

    async def rest(self) -> bytes:
        return await asyncio.wait_for(self.reader.read(), SOON)

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


async def test_bytes_pass_both_ways_and_each_way_ends_by_itself(relay: Relay) -> None:
    client = await Client.dial(relay)
    content = bytes(range(256)) * 40_000
    client.writer.write(content)
    client.writer.write_eof()
    assert await client.rest() == content + b"the end"
    await client.close()
    assert relay.connections_made == 1
    assert relay.bytes_sent == len(content)


async def test_a_silence_holds_bytes_and_gives_them_when_it_ends(relay: Relay) -> None:
    client = await Client.dial(relay)
    assert await client.says(b"before") == b"before"
    relay.silence()
    client.writer.write(b"held")
    client.writer.write_eof()
    assert await client.hears_nothing()
    late = await Client.dial(relay)
    late.writer.write(b"late")
    assert await late.hears_nothing()
    relay.resume()
    assert await client.rest() == b"heldthe end"
    assert await late.says(b"") == b""
    assert await asyncio.wait_for(late.reader.readexactly(4), SOON) == b"late"
    await client.close()
    await late.close()


async def test_a_silence_can_begin_after_so_many_bytes(relay: Relay) -> None:
    silence = relay.silence(after_bytes=1000)
    client = await Client.dial(relay)
    assert await client.says(b"x" * 900) == b"x" * 900
    assert not silence.done()
    client.writer.write(b"x" * 200)
    await asyncio.wait_for(asyncio.wrap_future(silence), SOON)
    assert await client.hears_nothing()
    await client.close()


async def test_a_client_that_leaves_in_a_silence_is_let_go_of_on_demand(relay: Relay) -> None:
    leaving, staying = await Client.dial(relay), await Client.dial(relay)
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
    clients = [await Client.dial(relay) for _ in range(3)]
    for client in clients:
        assert await client.says(b"x") == b"x"
    relay.cut()
    assert relay.open_connections == 0
    for client in clients:
        assert await client.rest() == b""
        await client.close()
    after = await Client.dial(relay)
    assert await after.says(b"x") == b"x"
    await after.close()


async def test_half_open_leaves_the_client_with_an_end_that_nobody_serves(relay: Relay) -> None:
    client = await Client.dial(relay)
    assert await client.says(b"x") == b"x"
    relay.half_open()
    client.writer.write(b"anybody?")
    assert await client.hears_nothing()
    assert relay.open_connections == 1
    relay.cut()
    assert await client.rest() == b""
    await client.close()


async def test_a_refusal_leaves_open_connections_alone(relay: Relay) -> None:
    client = await Client.dial(relay)
    assert await client.says(b"x") == b"x"
    relay.refuse()
    with pytest.raises(ConnectionRefusedError):
        await Client.dial(relay)
    assert await client.says(b"y") == b"y"
    port = relay.port
    relay.accept()
    assert relay.port == port
    after = await Client.dial(relay)
    assert await after.says(b"z") == b"z"
    await client.close()
    await after.close()


async def test_a_server_that_is_not_there_closes_the_connection(relay: Relay) -> None:
    with Relay(1) as nowhere:
        client = await Client.dial(nowhere)
        assert await client.rest() == b""
        await client.close()
    nowhere.stop()
