"""What can happen to the line between here and a host: each is there while its context lasts.

Entering one returns when the fault is there; leaving it ends what caused it. When the line is back
is another matter.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sshpyk_core.testing.relay import Relay

from support import processes
from support.far import FarSide
from support.said import Said
from support.sshd import SSHServer

__all__ = [
    "BACK",
    "FAULTS",
    "LOST",
    "Fault",
    "LineToHost",
]

LOST = "connection lost"
BACK = "connected again"
ATTEMPT_FAILED = "to reconnect: "
"""What is said of a line here."""


class LineToHost:
    """The line to a host, which can fail.

    Args:
        far: the host.
        relay: through which clients go there.
        said: what is said of the line here.
    """

    def __init__(self, far: FarSide, relay: Relay, said: Said) -> None:
        assert isinstance(far.server, SSHServer)
        self.far = far
        self.server = far.server
        self.relay = relay
        self.said = said

    @asynccontextmanager
    async def until_said(self, words: str) -> AsyncIterator[None]:
        """Wait, after what is done in the context, until something is said once more."""
        before = len(self.said.containing(words))
        yield
        await self.said.wait_for(words, before + 1)

    @asynccontextmanager
    async def broken(self, fault: Fault) -> AsyncIterator[None]:
        """Have a fault on the line; leaving the context waits until there is a line again."""
        async with self.until_said(BACK), fault(self):
            yield


Fault = Callable[[LineToHost], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def cut(line: LineToHost) -> AsyncIterator[None]:
    """Both sides are told at once that the connection is gone."""
    await asyncio.to_thread(line.relay.cut)
    yield


@asynccontextmanager
async def silence(line: LineToHost) -> AsyncIterator[None]:
    """Nobody is told anything; in the end what was sent before arrives after all."""
    async with line.until_said(LOST):
        await asyncio.to_thread(line.relay.silence)
    yield
    await asyncio.to_thread(line.relay.resume)


@asynccontextmanager
async def half_open(line: LineToHost) -> AsyncIterator[None]:
    """This side is told that the connection is gone; the server goes on as if it were there."""
    await asyncio.to_thread(line.relay.half_open, "server")
    yield


@asynccontextmanager
async def server_restarted(line: LineToHost) -> AsyncIterator[None]:
    """The SSH server and all its connections end; the users' processes are told of it."""
    async with line.until_said(LOST):
        await asyncio.to_thread(line.server.stop)
    yield
    await asyncio.to_thread(line.server.start)


@asynccontextmanager
async def bridge_killed(line: LineToHost) -> AsyncIterator[None]:
    """Our own process at the far end is killed; the connection stays as it was."""
    bridges = line.far.bridges()
    assert bridges
    await asyncio.to_thread(processes.kill, lambda: [p for p in bridges if processes.is_alive(p)])
    yield


@asynccontextmanager
async def address_refused(line: LineToHost) -> AsyncIterator[None]:
    """The connection is gone, and nobody listens at the address where it was."""
    async with line.until_said(ATTEMPT_FAILED):
        await asyncio.to_thread(line.relay.refuse)
        await asyncio.to_thread(line.relay.cut)
    yield
    await asyncio.to_thread(line.relay.accept)


FAULTS: dict[str, Fault] = {
    "cut": cut,
    "silence": silence,
    "half-open": half_open,
    "server-restarted": server_restarted,
    "bridge-killed": bridge_killed,
    "refused": address_refused,
}
