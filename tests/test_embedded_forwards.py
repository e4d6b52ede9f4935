"""Forwards of the embedded server end with the connection that asked for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from support.loop_server import Destination, LoopServer, serving_here

MOST_TURNS = 200
SOON_SECONDS = 20

Forward = Callable[[asyncssh.SSHClientConnection], Awaitable[Any]]


async def interrupted(server: LoopServer, forward: Forward, turns: int, by: str) -> bool:
    """End a connection so many turns of the loop after a forward was asked for.

    Returns:
        Whether the forward was open by then.
    """
    connection = await asyncssh.connect(server.alias, config=[str(server.ssh_config)])
    opening = asyncio.ensure_future(forward(connection))
    for _ in range(turns):
        await asyncio.sleep(0)
    was_open = opening.done()
    if by == "client":
        connection.close()
    else:
        await server.listener.cut()
    await connection.wait_closed()
    await asyncio.wait([opening])
    return was_open and opening.exception() is None


@pytest.mark.parametrize("by", ["client", "server"])
@pytest.mark.parametrize("kind", ["tcp", "unix"])
async def test_a_connection_that_ends_while_a_forward_is_made_leaves_nothing(
    tmp_path: Path, kind: str, by: str
) -> None:
    destination = Destination()
    path = str(tmp_path / "s")
    tcp = await asyncio.start_server(destination.accept, "127.0.0.1", 0)
    unix = await asyncio.start_unix_server(destination.accept, path)
    tcp_port = tcp.sockets[0].getsockname()[1]

    def forward(connection: asyncssh.SSHClientConnection) -> Awaitable[Any]:
        if kind == "unix":
            return connection.create_unix_connection(asyncssh.SSHUNIXSession, path)
        return connection.create_connection(asyncssh.SSHTCPSession, "127.0.0.1", tcp_port)

    async with tcp, unix, serving_here(tmp_path) as server:
        for turns in range(MOST_TURNS):
            if await interrupted(server, forward, turns, by):
                break
        else:
            pytest.fail("no forward was ever open")
        assert destination.connections
        _, left = await asyncio.wait(destination.connections, timeout=SOON_SECONDS)
        for one in left:
            one.cancel()
        assert not left, f"{len(left)} of {len(destination.connections)} forwards stay open"
