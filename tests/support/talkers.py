"""Two who talk over a stream: each says known bytes and checks that it hears the other's."""

from __future__ import annotations

import random
import socket

__all__ = ["Talker"]

LENGTH = 1_000_003
"""Bytes after which what is said repeats: a prime, so that no piece falls onto its like."""


class Talker:
    """One end of a TCP connection, whose other end is the product's."""

    def __init__(self, voice: int, other_voice: int) -> None:
        """Start without a connection; a voice is a number that says what the bytes will be."""
        self._words = random.Random(voice).randbytes(LENGTH)
        self._other_words = random.Random(other_voice).randbytes(LENGTH)
        self._connection: socket.socket | None = None
        self._sent = 0
        self.said = 0
        """Bytes that were to be said, whether or not they could be handed over yet."""
        self.heard = 0
        self.left = False
        """Whether it has no more to say."""
        self.heard_end = False
        self._told_end = False

    def connected(self, connection: socket.socket) -> None:
        """Talk over this."""
        connection.setblocking(False)
        self._connection = connection

    @property
    def is_connected(self) -> bool:
        """Whether there was ever a connection."""
        return self._connection is not None

    def say(self, size: int) -> None:
        """Say so many bytes more, unless it has left."""
        if not self.left:
            self.said += size
            self.push()

    def leave(self) -> None:
        """Close this direction after what was said."""
        self.left = True
        self.push()

    def push(self) -> int:
        """Hand over what the system takes; return how many bytes."""
        before = self._sent
        if self._connection is None or self._told_end:
            return 0
        try:
            while self._sent < self.said:
                start = self._sent % LENGTH
                piece = self._words[start : start + self.said - self._sent]
                self._sent += self._connection.send(piece)
            if self.left:
                self._told_end = True
                self._connection.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            pass
        except OSError:
            self._told_end = True
        return self._sent - before

    def hear(self, size: int) -> int:
        """Take up to so many bytes of what has come; return how many.

        Raises:
            AssertionError: they are not those that the other says at this place.
        """
        before = self.heard
        while self._connection is not None and self.heard - before < size and not self.heard_end:
            start = self.heard % LENGTH
            try:
                data = self._connection.recv(min(size - (self.heard - before), LENGTH - start))
            except BlockingIOError:
                break
            except OSError:
                data = b""
            self.heard_end = not data
            assert data == self._other_words[start : start + len(data)], self.heard
            self.heard += len(data)
        return self.heard - before

    def close(self) -> None:
        """Free the socket."""
        if self._connection is not None:
            self._connection.close()
