"""What carries the bytes of one connection, in the shape that paramiko takes for a socket.

paramiko reads each packet with two short reads, and wakes up ten times a second to look whether it
shall end. Here it reads from what was read ahead, and sleeps until there is something or the wire
is shut.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from typing import Any, Protocol

__all__ = ["Below", "Wire"]

_READ_BYTES = 256 * 1024


class Below(Protocol):
    """What a wire runs over: a socket, or a channel of the connection to a jump host."""

    def recv(self, size: int, /) -> bytes:
        """Wait for bytes; none at the end."""
        ...

    def send(self, data: bytes, /) -> int:
        """Send some of the bytes; return how many."""
        ...

    def close(self) -> object:
        """Free it."""
        ...


class Wire:
    """A socket-like object as described at ``paramiko.Transport``; see this module.

    Attributes:
        reads: how often something has arrived so far.
    """

    def __init__(self, below: Below) -> None:
        """Take over a connected socket, or channel, that blocks."""
        self._below = below
        self._ahead = memoryview(b"")
        self._shut = False
        self.reads = 0

    @property
    def _closed(self) -> bool:  # paramiko asks for it, as sockets have it
        return self._shut

    def settimeout(self, seconds: float | None) -> None:
        """Do nothing: a wait ends when the wire is closed."""

    def recv(self, size: int) -> bytes:
        """Wait for bytes and return at most ``size``; none at the end.

        Raises:
            OSError: the connection is broken.
        """
        if not self._ahead:
            data = self._below.recv(_READ_BYTES)
            self.reads += 1
            if len(data) <= size:
                return data
            self._ahead = memoryview(data)
        piece, self._ahead = bytes(self._ahead[:size]), self._ahead[size:]
        return piece

    def send(self, data: bytes) -> int:
        """Send some of the bytes; return how many.

        Raises:
            OSError: the connection is broken or was closed.
        """
        return self._below.send(data)

    def cut(self) -> None:
        """End both directions of a socket, without waiting: whoever uses it gets to know at once.

        On POSIX it keeps its descriptor until `release`, so that no thread can be reading from one
        that has become another's. A channel ends with the connection that it belongs to.
        """
        self._shut = True
        if isinstance(self._below, socket.socket):
            with contextlib.suppress(OSError):
                self._below.shutdown(socket.SHUT_RDWR)
            if sys.platform == "win32":
                self._below.close()  # there it is only this that surely wakes who reads

    def close(self) -> None:
        """End both directions, also of a channel, which may wait for the connection below."""
        self.cut()
        if not isinstance(self._below, socket.socket):
            self._close_below()

    def release(self) -> None:
        """Free what is below, when no thread uses it any more."""
        self._shut = True
        self._close_below()

    def _close_below(self) -> None:
        # A channel says goodbye over the connection below, which may have gone.
        with contextlib.suppress(EOFError, OSError):
            self._below.close()

    def getpeername(self) -> Any:
        """Return the other end's address, for what paramiko says of itself."""
        return self._below.getpeername() if isinstance(self._below, socket.socket) else ("", 0)
