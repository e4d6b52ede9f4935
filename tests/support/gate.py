"""Something on a host that waits until a test lets it go on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["Gate", "gate"]


class Gate:
    """A fifo that a shell or a cell reads a line from.

    Attributes:
        path: of the fifo.
        wait_in_shell: the command of sh that waits.
        wait_in_python: the statement of Python that waits.
    """

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self.wait_in_shell = f"read go < {path}"
        self.wait_in_python = f"open({str(path)!r}).readline()"
        self._fd = -1

    async def reached(self) -> None:
        """Return when somebody waits there."""
        self._fd = await asyncio.to_thread(os.open, self.path, os.O_WRONLY)

    def open(self) -> None:
        """Let whoever waits go on."""
        os.write(self._fd, b"go\n")
        os.close(self._fd)
        self._fd = -1

    def remove(self) -> None:
        """Turn away whoever waits, on either side."""
        if self._fd >= 0:
            os.close(self._fd)
        with suppress(OSError):
            os.close(os.open(self.path, os.O_RDONLY | os.O_NONBLOCK))
        self.path.unlink(missing_ok=True)


@contextmanager
def gate(path: Path) -> Iterator[Gate]:
    """Have a gate at a path."""
    made = Gate(path)
    try:
        yield made
    finally:
        made.remove()
