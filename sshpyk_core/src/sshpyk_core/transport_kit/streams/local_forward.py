"""The listening half of a forward, which is the same for every library."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from sshpyk_core.transport_kit.streams.local_listener import listening_sockets, remove_socket
from sshpyk_core.types import Address

__all__ = ["LocalForward", "MakeServer"]

MakeServer = Callable[[socket.socket], Awaitable[asyncio.Server]]
"""Makes a server of a socket that listens; it must not serve yet (``start_serving=False``)."""


class LocalForward:
    """The listening half of a Forward; what carries the connections derives from it.

    Attributes:
        address: where it listens; once it does, what is really bound.
    """

    def __init__(self, address: Address) -> None:
        """Listen nowhere yet."""
        self.address = address
        self._servers: list[asyncio.Server] = []

    @property
    def in_use(self) -> bool:
        """Whether it listens."""
        return bool(self._servers)

    async def listen(self, host: str, make_server: MakeServer) -> None:
        """Listen and serve, at all addresses that a name stands for.

        Args:
            host: the alias, for the error.
            make_server: makes the servers.

        Raises:
            ForwardError: the address is taken, not of this machine, or of a kind that it has not.
        """
        sockets, self.address = await listening_sockets(host, self.address)
        try:
            while sockets:
                self._servers.append(await make_server(sockets[0]))
                del sockets[0]
            for server in self._servers:
                # Not when it is made: cancelled in that, it would be lost, and its descriptor
                # closed while the loop watches it. What gets that number next is never heard.
                await server.start_serving()
        except BaseException:
            for sock in sockets:
                sock.close()
            remove_socket(self.address)
            await self.end()
            raise

    async def aclose(self) -> None:
        """Stop listening; connections that are open go on until they end."""
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
        if servers:
            remove_socket(self.address)

    async def end(self) -> None:
        """Stop listening, and cut what is open."""
        await self.aclose()
