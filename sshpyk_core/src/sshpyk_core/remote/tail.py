"""The beginning of a message that was taken in part: who comes next has to get all of it."""

from typing import List

from .zmtp import Boundaries

TAIL = 16 * 1024 * 1024
"""Bytes kept of a message that a program has taken in part."""


class Tail:
    """The beginning of a message, taken already, whose end is not."""

    def __init__(self) -> None:
        """Start between two messages."""
        self.boundaries = Boundaries()
        self.pieces: List[bytes] = []
        self.size = 0
        self.cut = False
        """Whether it was too long to be kept."""

    def feed(self, data: bytes) -> None:
        """Take note that bytes were taken.

        Raises:
            ForeignError: they are not of ZMTP.
        """
        boundary = self.boundaries.feed(data)
        if boundary >= 0:
            self.pieces.clear()
            self.size = 0
            self.cut = False
            data = data[boundary:]
        if data and not self.cut:
            self.pieces.append(data)
            self.size += len(data)
        if self.size > TAIL:
            self.pieces.clear()
            self.size = 0
            self.cut = True
