"""A server of the test's own on loopback, of which nothing is left after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

__all__ = ["serving"]

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handle: Handle) -> AsyncIterator[int]:
    """Listen at a free port of 127.0.0.1, which is given; at the end cut what is still served.

    Closing a server leaves its connections alone, and before Python 3.12 nothing waits for them.
    """
    served: set[asyncio.Task[Any]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        served.add(task)
        writers.append(writer)
        try:
            await handle(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0)  # what was accepted in the last moment begins
        for task in served:
            task.cancel()
        if served:
            await asyncio.wait(served)
        for writer in writers:
            writer.transport.abort()  # nor is it waited for a client that does not read
        await asyncio.sleep(0)  # in this turn of the loop their sockets are closed
