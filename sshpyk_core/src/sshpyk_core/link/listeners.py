"""The loopback ports that Jupyter clients connect to: bound here, kept for the kernel's life."""

from __future__ import annotations

import asyncio
import functools
import socket
import sys
from collections.abc import Mapping

from sshpyk_core.errors import SshpykError
from sshpyk_core.link.stream import LocalStream, StreamOwner
from sshpyk_core.remote.wire import PORTS


class Listeners:
    """Five bound sockets whose connections become streams of one kernel."""

    def __init__(self, address: str, wanted: Mapping[str, int]) -> None:
        """Bind the ports.

        Args:
            address: a local IP address.
            wanted: port numbers by name that must be these; 0 or absent means any free one.

        Raises:
            SshpykError: a wanted port is taken.
        """
        self.address = address
        self.ports: dict[str, int] = {}
        self._sockets: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []
        self._kernel: StreamOwner | None = None
        try:
            for name in PORTS:
                self._bind(name, wanted.get(name, 0))
        except BaseException:
            self._close_sockets()
            raise

    def _bind(self, name: str, number: int) -> None:
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        self._sockets.append(listener)
        if sys.platform != "win32":
            # A front end that starts its kernel again asks for the ports that it had, where
            # closed connections linger. (On Windows the option means something else.)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.address, number))
            listener.listen(64)
        except OSError as error:
            raise SshpykError(
                f"cannot listen on {self.address}:{number} for the kernel's {name} channel: {error}"
            ) from error
        listener.setblocking(False)
        self.ports[name] = listener.getsockname()[1]

    async def serve(self, kernel: StreamOwner) -> None:
        """Accept connections from now on as streams of ``kernel``, instead of an earlier one's."""
        self._kernel = kernel
        loop = asyncio.get_running_loop()
        while self._sockets:
            factory = functools.partial(self._stream, len(self._servers))
            listener = self._sockets[0]
            # Made and started in two steps: cancelled in one, the server would be lost, and the
            # loop would go on watching the descriptor of a socket that is closed.
            server = await loop.create_server(
                factory, sock=listener, backlog=64, start_serving=False
            )
            self._servers.append(server)
            self._sockets.pop(0)
            await server.start_serving()

    def _stream(self, port: int) -> LocalStream:
        assert self._kernel is not None
        return LocalStream(self._kernel, port)

    def _close_sockets(self) -> None:
        while self._sockets:
            self._sockets.pop().close()

    def close(self) -> None:
        """Stop listening."""
        self._close_sockets()
        for server in self._servers:
            _close(server)
        self._servers.clear()


def _close(server: asyncio.Server) -> None:
    """Stop listening now; let go of the port in the loop's next turn.

    A server that is closed between accepting a connection and making its transport loses the
    connection: nobody ever closes it.
    """
    loop = server.get_loop()
    if sys.platform != "win32":
        for listener in server.sockets:
            loop.remove_reader(listener.fileno())
    loop.call_soon(server.close)
