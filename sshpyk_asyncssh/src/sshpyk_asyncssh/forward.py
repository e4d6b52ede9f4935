"""Local forwards: a listener here, one channel to the destination for each connection."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any, cast

import asyncssh
from sshpyk_core.transport_kit.streams.local_forward import LocalForward
from sshpyk_core.types import Address, UnixAddress

from sshpyk_asyncssh.relay import FarEnd, NearEnd, OpenChannel

__all__ = ["Forward", "channel_opener", "open_forward"]


class Forward(LocalForward):
    """A local address whose connections come out at the destination."""

    def __init__(self, address: Address) -> None:
        """Listen nowhere yet."""
        super().__init__(address)
        self.ends: set[NearEnd] = set()

    @property
    def in_use(self) -> bool:
        """Whether it listens, or connections through it are open."""
        return super().in_use or bool(self.ends)

    async def end(self) -> None:
        """Stop listening, and cut what is open."""
        await super().end()
        for end in list(self.ends):
            end.abort()


async def open_forward(host: str, listen: Address, open_channel: OpenChannel) -> Forward:
    """Listen at a local address.

    Args:
        host: the alias, for errors.
        listen: the local address.
        open_channel: opens a channel to the destination.

    Raises:
        ForwardError: the address cannot be listened at.
    """
    loop = asyncio.get_running_loop()
    forward = Forward(listen)

    def accept() -> NearEnd:
        return NearEnd(open_channel, forward.ends)

    async def make_server(sock: socket.socket) -> asyncio.Server:
        if sys.platform != "win32" and isinstance(listen, UnixAddress):
            return await loop.create_unix_server(accept, sock=sock, start_serving=False)
        return await loop.create_server(accept, sock=sock, start_serving=False)

    await forward.listen(host, make_server)
    return forward


def channel_opener(
    connection: asyncssh.SSHClientConnection, destination: Address, window: int
) -> OpenChannel:
    """Return what opens channels to a destination as seen from the host.

    Args:
        connection: to the host.
        destination: where the host connects to.
        window: bytes that may be on their way here.
    """

    async def open_channel(end: FarEnd) -> None:
        if isinstance(destination, UnixAddress):
            factory = cast(Any, lambda: end)
            await connection.create_unix_connection(factory, destination.path, window=window)
        else:
            host, port = destination.host, destination.port
            await connection.create_connection(lambda: end, host, port, window=window)

    return open_channel
