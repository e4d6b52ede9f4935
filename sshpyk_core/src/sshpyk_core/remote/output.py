"""What a kernel's processes wrote to their standard output and error, in memory and bounded.

Between it stand lines of the supervisor's own: when a process started, how it ended. A place in it
is the count of bytes before it, from the supervisor's start: it stays the same as older bytes go.
"""

import os
import time
from typing import Callable, List, NamedTuple, Optional

from .reactor import Reactor, Timer

KEPT_BYTES = 1024 * 1024
"""How much is kept."""

SLACK = 128 * 1024
"""How much more may pile up before it is cut, so that not each byte moves all others."""

TAIL_BYTES = 8 * 1024
"""How much of it error messages show."""

MOST_AT_ONCE = 256 * 1024
"""Bytes that are given at once."""


class Part(NamedTuple):
    """A piece of it: where it really starts, and the bytes."""

    offset: int
    data: bytes


class _Waiter:
    """Somebody who wants what comes next."""

    def __init__(self, offset: int, callback: Callable[[Part], None]) -> None:
        self.offset = offset
        self.callback = callback
        self.timer: Optional[Timer] = None


class Output:
    """That of one supervisor's kernel."""

    def __init__(self, reactor: Reactor) -> None:
        """Start with nothing."""
        self._reactor = reactor
        self._kept = bytearray()
        self._gone = 0
        self._tail = bytearray()
        self._fd = -1
        self._waiters: List[_Waiter] = []

    @property
    def end(self) -> int:
        """The place after the last byte."""
        return self._gone + len(self._kept)

    @property
    def tail(self) -> str:
        """The last of what the present process, or the last one, wrote."""
        return self._tail.decode("utf-8", "replace").strip()

    # --- in ----------------------------------------------------------------------------------

    def follow(self, fd: int) -> None:
        """Take over the reading end of a new process's pipe."""
        os.set_blocking(fd, False)
        self._fd = fd
        self._reactor.watch(fd, self.read)

    def read(self) -> None:
        """Take what the pipe holds, if there is one."""
        if self._fd < 0:
            return
        try:
            data = os.read(self._fd, 65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._tail += data
        del self._tail[:-TAIL_BYTES]
        self._append(data)

    def close(self) -> None:
        """Close the pipe."""
        if self._fd >= 0:
            self._reactor.watch(self._fd, None)
            os.close(self._fd)
            self._fd = -1

    def forget_tail(self) -> None:
        """Let error messages be about the next process."""
        self._tail.clear()

    def note(self, words: str) -> None:
        """Add a line of the supervisor's own."""
        when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        line = "[sshpyk %s] %s\n" % (when, words)
        begins = not self._kept or self._kept.endswith(b"\n")
        self._append((line if begins else "\n" + line).encode("utf-8", "replace"))

    def _append(self, data: bytes) -> None:
        self._kept += data
        excess = len(self._kept) - KEPT_BYTES
        if excess > SLACK:
            del self._kept[:excess]
            self._gone += excess
        waiters, self._waiters = self._waiters, []
        for each in waiters:
            if each.offset < self.end:
                self._tell(each)
            else:
                self._waiters.append(each)

    # --- out ---------------------------------------------------------------------------------

    def part(self, offset: int) -> Part:
        """Give what follows a place: the oldest that is kept where that is gone."""
        start = max(0, offset - self._gone)
        if offset >= self.end:
            return Part(self.end, b"")
        return Part(self._gone + start, bytes(self._kept[start : start + MOST_AT_ONCE]))

    def when_more(self, offset: int, patience: float, callback: Callable[[Part], None]) -> None:
        """Call back with what follows a place, as soon as there is something or time is up.

        Args:
            offset: the place.
            patience: seconds.
            callback: called once.
        """
        if offset < self.end or patience <= 0:
            callback(self.part(offset))
            return
        waiter = _Waiter(offset, callback)
        waiter.timer = self._reactor.call_later(patience, lambda: self._give_up(waiter))
        self._waiters.append(waiter)

    def _give_up(self, waiter: _Waiter) -> None:
        self._waiters.remove(waiter)
        self._tell(waiter)

    def _tell(self, waiter: _Waiter) -> None:
        if waiter.timer is not None:
            waiter.timer.cancel()
        waiter.callback(self.part(waiter.offset))
