"""The three pipes between a session channel and a command, with flow control both ways."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import cast

import asyncssh

__all__ = ["InputPipe", "OutputPipe", "open_pipe"]

PIPE_BYTES = 1 << 20


class InputPipe(asyncio.BaseProtocol):
    """Carry the client's input to the command; hold the client back while it is not read.

    Input that comes before the pipe is there is kept, and input that the command no longer reads
    is dropped.

    Args:
        channel: where the input comes from.
    """

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        """Start without a pipe."""
        self._channel: asyncssh.SSHServerChannel[bytes] | None = channel
        self._transport: asyncio.WriteTransport | None = None
        self._early: list[bytes] = []
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to write, a moment later.

        asyncio begins to watch the pipe after this callback, also when a write in it has failed:
        what gets the number of that descriptor next would never be heard.
        """
        asyncio.get_running_loop().call_soon(self._begin, cast(asyncio.WriteTransport, transport))

    def _begin(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport
        early, self._early = self._early, []
        transport.write(b"".join(early))
        if self._ended:
            transport.close()

    def write(self, data: bytes) -> None:
        """Pass input on."""
        if self._transport is None:
            self._early.append(data)
        elif not self._transport.is_closing():
            self._transport.write(data)

    def end(self) -> None:
        """Half-close: the command reads end of file after what was written."""
        self._ended = True
        if self._transport is not None:
            self._transport.close()

    def detach(self) -> None:
        """End, and never touch the channel again: it is gone."""
        self._channel = None
        self.end()

    def abort(self) -> None:
        """Close now, whatever is still unread."""
        self.end()
        # A pipe that asyncio is closing already must not be aborted as well.
        if self._transport is not None and self._transport.get_write_buffer_size():
            self._transport.abort()

    def pause_writing(self) -> None:
        """Let the client's window run full."""
        if self._channel is not None:
            self._channel.pause_reading()

    def resume_writing(self) -> None:
        """Open the client's window again, a moment later.

        The channel may give data and its end at once, and asyncio loses what a pipe that is closed
        in this callback was given in it.
        """
        asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        if self._channel is not None:
            self._channel.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the rest of the input come, to be dropped: nobody reads it."""
        self.resume_writing()


class OutputPipe(asyncio.Protocol):
    """Carry one output of the command to the channel, never ahead of the client's window.

    Args:
        channel: where the output goes.
        datatype: None for standard output, else the extended data type (RFC 4254, section 5.2).

    Attributes:
        ended: set when nobody holds the other end any more, or when this end was closed.
    """

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], datatype: int | None) -> None:
        """Start without a pipe."""
        self._channel = channel
        self._datatype = datatype
        self._transport: asyncio.ReadTransport | None = None
        self._held = False
        self._closed = False
        self.ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take up what was asked for before the pipe was there."""
        self._transport = cast(asyncio.ReadTransport, transport)
        # Not now, as with the input.
        asyncio.get_running_loop().call_soon(self._catch_up)

    def hold(self, held: bool) -> None:
        """Stop reading from the command, or go on."""
        self._held = held
        if self._transport is None or self._transport.is_closing():
            return
        if held:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _catch_up(self) -> None:
        if self._closed:
            self.close()
        else:
            self.hold(self._held)

    def close(self) -> None:
        """Close our end: the command gets SIGPIPE when it writes on."""
        self._closed = True
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Send output to the client."""
        try:
            self._channel.write(data, self._datatype)
        except BrokenPipeError:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Say that this output has ended."""
        self.ended.set()


def open_pipe() -> tuple[int, int]:
    """Make a pipe, a wide one where the system can: fewer turns of the loop for each megabyte.

    Returns:
        The reading and the writing descriptor.
    """
    reading, writing = os.pipe()
    if sys.platform == "linux":
        import fcntl

        # An unprivileged user's share of pipe memory may be used up: then the pipe stays narrow.
        with contextlib.suppress(PermissionError):
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return reading, writing
