"""One forwarded connection: a local socket and a channel that carry each other's bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import asyncssh

__all__ = ["FarEnd", "NearEnd", "OpenChannel"]


class _Channel(Protocol):
    """What is used of asyncssh's channels to TCP ports and unix-domain sockets."""

    def write(self, data: bytes) -> None: ...
    def write_eof(self) -> None: ...
    def close(self) -> None: ...
    def is_closing(self) -> bool: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


class NearEnd(asyncio.Protocol):
    """The local connection."""

    def __init__(self, open_channel: OpenChannel, ends: set[NearEnd]) -> None:
        """Wait for a connection.

        Args:
            open_channel: opens the channel that belongs to it.
            ends: all local connections of a forward; this one is in it while it is open.
        """
        self._open_channel = open_channel
        self._ends = ends
        self._far = FarEnd(self)
        self._transport: asyncio.Transport | None = None
        self._opening: asyncio.Task[None] | None = None
        self._early: list[bytes] | None = []
        self.at_eof = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open a channel; little is read before there is one."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ends.add(self)
        transport.pause_reading()
        self._opening = asyncio.get_running_loop().create_task(self._open())

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the channel too."""
        self._transport = None
        self._ends.discard(self)
        self._far.close()

    def data_received(self, data: bytes) -> None:
        """Pass bytes on; keep them while the channel is being opened."""
        if self._early is None:
            self._far.write(data)
        else:
            self._early.append(data)
            self.pause_reading()  # older Pythons forget that in connection_made

    def eof_received(self) -> bool:
        """Pass the end on, and keep the other way open."""
        self.at_eof = True
        if self._early is None:
            self._far.write_eof()
            self._close_if_over()
        return True

    def pause_writing(self) -> None:
        """Let the host wait: the local program does not read."""
        self._far.pause_reading()

    def resume_writing(self) -> None:
        """Let the host go on."""
        self._far.resume_reading()

    def write(self, data: bytes) -> None:
        """Give bytes to the local program."""
        if self._transport is not None:
            self._transport.write(data)

    def write_eof(self) -> None:
        """Give it the end of file."""
        if self._transport is not None and self._transport.can_write_eof():
            self._transport.write_eof()
        self._close_if_over()

    def pause_reading(self) -> None:
        """Take no more from it."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take more from it."""
        if self._transport is not None:
            self._transport.resume_reading()

    def close(self) -> None:
        """Close when all is written."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _close_if_over(self) -> None:
        if self.at_eof and self._far.at_eof:
            self._far.close()
            self.close()

    async def _open(self) -> None:
        try:
            await self._open_channel(self._far)
        except (asyncssh.Error, OSError, AssertionError):
            # That the connection ends is all that a client can be told. asyncssh asserts that its
            # own connection has not gone in the moment when the server answers.
            self.abort()
        else:
            self._begin()

    def _begin(self) -> None:
        """Let the bytes flow: the channel is open."""
        early, self._early = self._early or [], None
        if self._transport is None:
            self._far.close()
            return
        for data in early:
            self._far.write(data)
        if self.at_eof:
            self._far.write_eof()
            self._close_if_over()
        elif not self._far.is_full:
            self._transport.resume_reading()


class FarEnd(asyncssh.SSHTCPSession[bytes]):
    """The channel, also one to a unix-domain socket: its callbacks are the same.

    Attributes:
        at_eof: whether the destination has sent end of file.
        is_full: whether the host takes no more for now.
    """

    def __init__(self, near: NearEnd) -> None:
        """Belong to a local connection."""
        self._near = near
        self._channel: _Channel | None = None
        self.at_eof = False
        self.is_full = False

    def connection_made(self, chan: Any) -> None:
        """Keep the channel."""
        self._channel = chan

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the local connection too."""
        self._channel = None
        self._near.close()

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Pass bytes on."""
        self._near.write(data)

    def eof_received(self) -> bool:
        """Pass the end on, and keep the other way open."""
        self.at_eof = True
        self._near.write_eof()
        return True

    def pause_writing(self) -> None:
        """Let the local program wait: the host does not take it."""
        self.is_full = True
        self._near.pause_reading()

    def resume_writing(self) -> None:
        """Let the local program go on."""
        self.is_full = False
        self._near.resume_reading()

    def write(self, data: bytes) -> None:
        """Send bytes to the destination."""
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write(data)

    def write_eof(self) -> None:
        """Send end of file to the destination."""
        if self._channel is not None:
            self._channel.write_eof()

    def pause_reading(self) -> None:
        """Let the host wait."""
        if self._channel is not None:
            self._channel.pause_reading()

    def resume_reading(self) -> None:
        """Let the host go on."""
        if self._channel is not None:
            self._channel.resume_reading()

    def close(self) -> None:
        """Close the channel when all is sent."""
        if self._channel is not None:
            self._channel.close()


OpenChannel = Callable[[FarEnd], Awaitable[None]]
"""Opens a channel to the destination, whose callbacks go to that end."""
