"""Local forwards: a listener here, and a channel of paramiko for each connection."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from functools import partial
from typing import Any

from sshpyk_core.transport_kit.streams.local_forward import LocalForward
from sshpyk_core.types import Address, TcpAddress, UnixAddress

from sshpyk_paramiko.connection import Connection, Notice
from sshpyk_paramiko.gone import GONE, close
from sshpyk_paramiko.reading import ChannelReader, Pump
from sshpyk_paramiko.workers import Workers
from sshpyk_paramiko.writing import ChannelWriter

__all__ = ["ChannelForward", "Far"]

_READ_BYTES = 256 * 1024


class Far:
    """What forwards need of a session.

    Args:
        connection: to the host.
        workers: for what blocks.
        pump: takes what arrives.
        window: bytes that may be on their way here in one channel.
    """

    def __init__(self, connection: Connection, workers: Workers, pump: Pump, window: int) -> None:
        """Keep them."""
        self._connection = connection
        self._window = window
        self.workers = workers
        self.pump = pump

    async def open(self, destination: TcpAddress, origin: tuple[str, int]) -> Any:
        """Open a channel to a destination as seen from the host.

        Raises:
            SSHException, EOFError, OSError: the host refuses, or the connection has ended.
        """
        place = (destination.host, destination.port)
        return await self.workers.run(
            "open a forward",
            lambda: self._connection.open_channel(
                "direct-tcpip", place, origin, window_size=self._window
            ),
            close,
        )


class ChannelForward(LocalForward):
    """A local address whose connections come out at the destination: a Forward."""

    def __init__(self, far: Far, address: Address, destination: TcpAddress) -> None:
        """Listen nowhere yet."""
        super().__init__(address)
        self._far = far
        self._destination = destination
        self._connections: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(
        cls, host: str, far: Far, listen: Address, destination: TcpAddress
    ) -> ChannelForward:
        """Listen at a local address.

        Args:
            host: the alias, for errors.
            far: opens the channels.
            listen: the local address.
            destination: where the host connects to.

        Raises:
            ForwardError: the address cannot be listened at.
        """
        forward = cls(far, listen, destination)

        async def make_server(sock: socket.socket) -> asyncio.Server:
            accept = forward._accept
            if sys.platform != "win32" and isinstance(listen, UnixAddress):
                return await asyncio.start_unix_server(accept, sock=sock, start_serving=False)
            return await asyncio.start_server(accept, sock=sock, start_serving=False)

        await forward.listen(host, make_server)
        return forward

    @property
    def in_use(self) -> bool:
        """Whether it listens or carries a connection."""
        return super().in_use or bool(self._connections)

    async def end(self) -> None:
        """Stop listening, and cut what is open."""
        await super().end()
        cut = list(self._connections)
        for connection in cut:
            connection.cancel()
        if cut:
            await asyncio.wait(cut)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.get_running_loop().create_task(self._carry(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)
        # Not in the task, which may be cancelled before it has begun.
        connection.add_done_callback(lambda _: writer.transport.abort())

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end."""
        peer = writer.get_extra_info("peername")
        origin = (peer[0], peer[1]) if isinstance(peer, tuple) else ("127.0.0.1", 0)
        # That the connection ends is all that a client can be told.
        with contextlib.suppress(*GONE):
            channel = await self._far.open(self._destination, origin)
            await _Carried(channel, self._far, reader, writer).run()


class _Carried:
    """A local connection and a channel that carry each other's bytes."""

    def __init__(
        self,
        channel: Any,
        far: Far,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._near_reader = reader
        self._near_writer = writer
        self._channel = channel
        self._far = far
        self._far_writer = ChannelWriter(channel, far.workers)
        self._far_reader = ChannelReader(far.pump, channel, channel.recv_ready, channel.recv)
        self._closed = asyncio.Event()
        channel.status_event = Notice(loop, self._closed.set)
        channel.in_buffer.set_event(self._far_reader)
        if channel.closed:
            self._closed.set()

    async def run(self) -> None:
        """Carry both directions until both have ended, or the host has closed the channel.

        Raises:
            OSError: the local connection broke.
        """
        loop = asyncio.get_running_loop()
        there = loop.create_task(self._there())
        back = loop.create_task(self._back())
        closed = loop.create_task(self._closed.wait())
        waiting: set[asyncio.Task[Any]] = {there, back, closed}
        try:
            # What the host has sent before it closed the channel still comes.
            while not back.done() or not (there.done() or closed.done()):
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            self._near_writer.close()
            await self._near_writer.wait_closed()
        finally:
            await _cancelled(there, back, closed)
            self._far_writer.abort()
            self._far_reader.abort()
            self._far.workers.start("close a channel", partial(close, self._channel))

    async def _there(self) -> None:
        try:
            while data := await self._near_reader.read(_READ_BYTES):
                self._far_writer.write(data)
                try:
                    await self._far_writer.drain()
                except OSError:
                    return  # the channel has been closed, which the other direction sees too
        finally:
            self._far_writer.close()

    async def _back(self) -> None:
        while data := await self._far_reader.read(_READ_BYTES):
            self._near_writer.write(data)
            await self._near_writer.drain()
        if self._near_writer.can_write_eof():
            self._near_writer.write_eof()


async def _cancelled(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks, and return when they have ended, whatever they raise."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        _ = task.cancelled() or task.exception()
