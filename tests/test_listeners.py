"""The local ports of a kernel."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from sshpyk_core.link.listeners import Listeners
from sshpyk_core.link.stream import LocalStream


class NobodyHome:
    """A kernel that cuts every connection."""

    def opened(self, stream: LocalStream) -> None:
        stream.drop()

    def send(self, stream: LocalStream, data: bytes) -> int:
        return 0

    def consumed(self, stream: LocalStream, size: int) -> None:
        pass

    def closed(self, stream: LocalStream) -> None:
        pass


async def test_a_connection_that_is_accepted_while_the_ports_are_closed_is_closed_too() -> None:
    loop = asyncio.get_running_loop()
    for _ in range(20):
        listeners = Listeners("127.0.0.1", {})
        await listeners.serve(NobodyHome())
        with socket.create_connection(("127.0.0.1", listeners.ports["shell"])) as client:
            client.setblocking(False)
            # Due in the turn in which the connection is accepted, and called after that.
            loop.call_later(0, listeners.close)
            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.wait_for(loop.sock_recv(client, 1), 5) == b""


async def test_a_closed_port_can_be_bound_again_at_once() -> None:
    first = Listeners("127.0.0.1", {})
    await first.serve(NobodyHome())
    first.close()
    await asyncio.sleep(0)
    again = Listeners("127.0.0.1", first.ports)
    assert again.ports == first.ports
    again.close()
