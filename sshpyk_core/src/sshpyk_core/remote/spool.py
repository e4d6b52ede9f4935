"""What a supervisor has read from its kernel and the local side has not yet taken.

A stream's spool is kept in memory up to a bound that all streams of a supervisor share, and then
in an unnamed file in the supervisor's directory. Bytes are never dropped out of the middle: when
the limit of the whole is reached, :attr:`SpoolBudget.full` says so and the supervisor stops
reading.
"""

import os
from collections import deque
from typing import IO, Callable, Deque, Dict, Iterable, Iterator, Optional, Union

from .outflow import ByteQueue

DISK_PIECE = 1024 * 1024
"""Bytes read back from disk at once."""


class SpoolBudget:
    """What the spools of one supervisor hold together."""

    def __init__(self, directory: str, limit: int, memory: int) -> None:
        """Allow ``memory`` bytes in memory and ``limit`` bytes on disk beyond that."""
        self.directory = directory
        self.limit = limit
        self.memory = memory
        self.stopped = 0
        """Streams that do not read from the kernel because of this budget."""
        self.in_memory = 0
        self.on_disk = 0
        """Bytes that the files take; those read back count until their file is dropped."""
        self.disk_refuses = ""
        """Why the disk took no more although the limit allows it, until a file has left it."""
        self.was_full = False
        """Whether there was once no room for more."""
        self.on_full: Optional[Callable[[], None]] = None
        """Called when that happens."""

    @property
    def full(self) -> bool:
        """Whether nothing more may be read from the kernel."""
        no_disk = bool(self.disk_refuses) or self.on_disk >= self.limit
        return no_disk and (self.on_disk > 0 or self.in_memory >= self.memory)

    def note_full(self) -> Dict[str, Union[str, int]]:
        """Remember that nothing more may be read; give the event that tells of it."""
        if not self.was_full:
            self.was_full = True
            if self.on_full is not None:
                self.on_full()
        return self.fullness()

    def fullness(self) -> Dict[str, Union[str, int]]:
        """Give the event that tells that something had no room."""
        return {
            "event": "spool-full",
            "bytes": self.in_memory + self.on_disk,
            "cause": "disk" if self.disk_refuses else "limit",
            "reason": self.disk_refuses,
        }


class Spool(ByteQueue):
    """The bytes of one stream that wait to be sent: in memory, then on disk, then in memory again.

    Those on disk come after the first in memory; while there are any, new ones go to disk too,
    and only where the disk refuses them they wait in memory behind it: late is better than lost.
    """

    def __init__(self, budget: SpoolBudget) -> None:
        """Start empty, within a supervisor's budget."""
        super().__init__()
        self._budget = budget
        self._file: Optional[IO[bytes]] = None
        self._read_at = 0
        self._write_at = 0
        self._behind: Deque[bytes] = deque()

    def append(self, data: bytes) -> None:
        """Add bytes at the end."""
        self.size += len(data)
        budget = self._budget
        later = bool(self._behind) or self._write_at > self._read_at
        to_disk = later or budget.in_memory >= budget.memory
        if to_disk and not self._behind and self._spill(data):
            return
        (self._behind if to_disk else self._chunks).append(data)
        budget.in_memory += len(data)

    def _spill(self, data: bytes) -> bool:
        try:
            if self._file is None:
                self._file = unnamed_file(self._budget.directory)
            self._file.seek(self._write_at)
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            self._budget.disk_refuses = error.strerror or str(error)
            return False
        self._write_at += len(data)
        self._budget.on_disk += len(data)
        return True

    def pop(self, limit: int) -> bytes:
        """Remove and give at least one and at most ``limit`` bytes from the front."""
        if not self._chunks:
            self._recall()
        data = super().pop(limit)
        self._budget.in_memory -= len(data)
        return data

    def pieces(self) -> Iterator[bytes]:
        """Give all bytes, from the front, and leave them here."""
        yield from list(self._chunks)
        at, stop = self._read_at, self._write_at
        while self._file is not None and at < stop:
            self._file.seek(at)
            data = self._file.read(min(DISK_PIECE, stop - at))
            at += len(data)
            yield data
        yield from list(self._behind)

    def adopt(self, first: Iterable[bytes], other: "Spool") -> None:
        """Take over all that another one of this budget holds, behind the little that is here.

        Args:
            first: goes between the two.
            other: is empty afterwards.
        """
        own = list(self.pieces())
        self.discard()
        for data in [*own, *first]:
            self._chunks.append(data)
            self._budget.in_memory += len(data)
            self.size += len(data)
        self._chunks.extend(other._chunks)
        self._behind.extend(other._behind)
        self._file, self._read_at, self._write_at = other._file, other._read_at, other._write_at
        self.size += other.size
        other._forget()

    def _forget(self) -> None:
        """Hold nothing any more of what somebody else has taken over."""
        self._file = None
        self._read_at = self._write_at = 0
        self._chunks.clear()
        self._behind.clear()
        self.size = 0

    def _recall(self) -> None:
        """Make what comes next available in memory."""
        if self._file is not None and self._read_at < self._write_at:
            self._file.seek(self._read_at)
            data = self._file.read(min(DISK_PIECE, self._write_at - self._read_at))
            self._read_at += len(data)
            self._budget.in_memory += len(data)
            self._chunks.append(data)
        else:
            self._chunks, self._behind = self._behind, self._chunks
        if self._read_at == self._write_at:
            self._drop_file()

    def _drop_file(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None
        self._budget.on_disk -= self._write_at
        self._budget.disk_refuses = ""
        self._read_at = self._write_at = 0

    def discard(self) -> None:
        """Drop everything and free what it holds."""
        self._budget.in_memory -= self.size - (self._write_at - self._read_at)
        self._drop_file()
        self._behind.clear()
        super().discard()


def unnamed_file(directory: str) -> IO[bytes]:
    """Open a new private file that vanishes when it is closed.

    As tempfile does, without what that loads: a random generator, and in some versions OpenSSL.

    Raises:
        OSError: there can be none.
    """
    path = os.path.join(directory, "spool")
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    os.unlink(path)
    return os.fdopen(fd, "r+b", buffering=0)
