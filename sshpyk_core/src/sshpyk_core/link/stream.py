"""The local end of a stream: one connection that a Jupyter client made to one of the ports."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Protocol

from sshpyk_core.remote.wire import WINDOW

HIGH_WATER = 1024 * 1024
"""Bytes waiting for the link at which no more is read from the client."""


class StreamOwner(Protocol):
    """What a stream needs of the kernel that it belongs to."""

    def opened(self, stream: LocalStream) -> None:
        """Begin to carry the stream."""

    def send(self, stream: LocalStream, data: bytes) -> int:
        """Queue bytes for the kernel; return how many wait now."""

    def consumed(self, stream: LocalStream, size: int) -> None:
        """Take note that the client has taken so many bytes."""

    def closed(self, stream: LocalStream) -> None:
        """Take note that the client has closed its end."""


class LocalStream(asyncio.Protocol):
    """Carries the bytes of one client connection; all calls come from the background loop."""

    def __init__(self, kernel: StreamOwner, port: int) -> None:
        """Wait for the connection to be made; ``port`` is the index of the kernel's port."""
        self.port = port
        self.number = 0
        self.answered = False
        """Whether the kernel has said anything."""
        self.delivered = 0
        """Bytes that the client was given."""
        self._kernel = kernel
        self._transport: asyncio.Transport | None = None
        self._reading = True
        self._writing = True
        self._unreported = 0
        self._closed = False

    # --- asyncio's side ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open the stream."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._kernel.opened(self)

    def data_received(self, data: bytes) -> None:
        """Pass on what the client says, and let it wait when too much waits already."""
        waiting = self._kernel.send(self, data)
        if waiting > HIGH_WATER and self._reading and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        """Hold back credit: the client does not take what it gets."""
        self._writing = False

    def resume_writing(self) -> None:
        """Give the credit that was held back."""
        self._writing = True
        self._report(0)

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the stream."""
        self._transport = None
        if not self._closed:
            self._closed = True
            self._kernel.closed(self)

    # --- the kernel's side -------------------------------------------------------------------

    def sent(self, waiting: int) -> None:
        """Read on when little waits for the link."""
        if not self._reading and waiting < HIGH_WATER // 2 and self._transport is not None:
            self._reading = True
            self._transport.resume_reading()

    def deliver(self, data: bytes) -> None:
        """Give the client what the kernel said."""
        self.answered = True
        if self._transport is not None:
            self._transport.write(data)
            self.delivered += len(data)
            self._report(len(data))

    def _report(self, size: int) -> None:
        self._unreported += size
        if self._writing and self._unreported >= WINDOW // 4:
            size, self._unreported = self._unreported, 0
            self._kernel.consumed(self, size)

    def drop(self) -> None:
        """Cut the client's connection, as if the client had closed it."""
        if self._transport is not None:
            self._transport.abort()

    def end(self) -> None:
        """Close the client's connection after what was delivered: the kernel has closed its end."""
        self._closed = True
        if self._transport is None:
            return
        if not self._transport.is_closing():
            # Closing would take until the loop's next turn, in which the client may be told that
            # the kernel has ended: what it says then is not to go into this connection.
            with suppress(OSError):
                self._transport.write_eof()
        self._transport.close()
