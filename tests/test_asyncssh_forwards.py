"""Connections through a forward of the asyncssh transport end with the session."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from pathlib import Path

import pytest
from sshpyk_core.types import TcpAddress
from support.asyncssh_side import connected
from support.loop_server import Destination, serving_here

MOST_TURNS = 200
SOON_SECONDS = 20
LOOPBACK = TcpAddress("127.0.0.1", 0)


async def test_a_session_may_be_closed_while_a_connection_is_forwarded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    destination = Destination()
    listening = await asyncio.start_server(destination.accept, "127.0.0.1", 0)
    far = TcpAddress("127.0.0.1", listening.sockets[0].getsockname()[1])

    async with listening, serving_here(tmp_path) as server:
        for turns in range(MOST_TURNS):
            async with connected(server) as session:
                forward = await session.forward(LOOPBACK, far)
                assert isinstance(forward.address, TcpAddress)
                reader, writer = await asyncio.open_connection(
                    forward.address.host, forward.address.port
                )
                greeting = asyncio.ensure_future(reader.read(1))
                for _ in range(turns):
                    await asyncio.sleep(0)
                was_open = greeting.done()
            with contextlib.suppress(ConnectionError):
                assert await asyncio.wait_for(greeting, SOON_SECONDS) in (b"", b"!")
                assert await asyncio.wait_for(reader.read(), SOON_SECONDS) == b""
            writer.close()
            if was_open:
                break
        else:
            pytest.fail("no connection was ever carried")
    gc.collect()  # which tells of failures that nobody has seen
    assert [record for record in caplog.records if record.name == "asyncio"] == []
