"""A small event loop for the remote processes: file descriptors, timers, buffered pipes.

asyncio would double the start-up time and the memory of a supervisor, and differs too much
between Python 3.6 and today.
"""

import heapq
import itertools
import math
import os
import selectors
import signal
import socket
import time
from collections import deque
from typing import Callable, Deque, Dict, List, Optional, Tuple, Union

READ_SIZE = 64 * 1024
"""Most bytes taken from a descriptor at once: as much as fits into a frame, so nothing is cut."""

WRITE_PIECES = 16
"""Most pieces handed to the system at once: what POSIX promises for IOV_MAX."""

MOST_PATIENCE = 3600.0
"""Seconds of one wait: epoll_wait(2) counts milliseconds in an int, so some 24 days at most."""


class Timer:
    """A callback that is due at some time, unless it is cancelled."""

    def __init__(self, callback: Callable[[], None]) -> None:
        """Keep the callback."""
        self._callback: Optional[Callable[[], None]] = callback

    def cancel(self) -> None:
        """Make sure that it is not called any more."""
        self._callback = None

    @property
    def cancelled(self) -> bool:
        """Whether it will not be called (any more)."""
        return self._callback is None

    def fire(self) -> None:
        """Call it, once."""
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


class Reactor:
    """Calls back when descriptors are ready and when timers are due, until it is stopped."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with nothing to watch; ``clock`` gives seconds that never go back."""
        self.clock = clock
        self._selector = selectors.DefaultSelector()
        self._callbacks: Dict[int, Tuple[Optional[Callable[[], None]], ...]] = {}
        self._timers: List[Tuple[float, int, Timer]] = []
        self._counter = itertools.count()
        self._stopped = False
        self._wakeup: Optional[Tuple[socket.socket, socket.socket]] = None

    def watch(
        self,
        fd: int,
        on_readable: Optional[Callable[[], None]],
        on_writable: Optional[Callable[[], None]] = None,
    ) -> None:
        """Set what to call for a descriptor; None for both forgets it."""
        events = (selectors.EVENT_READ if on_readable else 0) | (
            selectors.EVENT_WRITE if on_writable else 0
        )
        known = fd in self._callbacks
        if not events:
            if known:
                del self._callbacks[fd]
                self._selector.unregister(fd)
            return
        self._callbacks[fd] = (on_readable, on_writable)
        if known:
            self._selector.modify(fd, events)
        else:
            self._selector.register(fd, events)

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call back once, after ``delay`` seconds.

        Raises:
            ValueError: that is no time: one that never comes would stand before all others.
        """
        if not math.isfinite(delay):
            raise ValueError("nothing can be called after %r seconds" % delay)
        timer = Timer(callback)
        heapq.heappush(self._timers, (self.clock() + delay, next(self._counter), timer))
        return timer

    def run(self) -> None:
        """Work until :meth:`stop` is called, also if that was before this."""
        while not self._stopped:
            for key, events in self._selector.select(self._patience()):
                self._dispatch(key.fd, events)
            while not self._stopped and self._timers and self._timers[0][0] <= self.clock():
                heapq.heappop(self._timers)[2].fire()
        self._stopped = False

    def _patience(self) -> Optional[float]:
        """Give the seconds until the first timer that still counts, None when there is none."""
        while self._timers and self._timers[0][2].cancelled:
            heapq.heappop(self._timers)
        if not self._timers:
            return None
        return min(MOST_PATIENCE, max(0.0, self._timers[0][0] - self.clock()))

    def _dispatch(self, fd: int, events: int) -> None:
        # Each callback may change what is watched, so the table is read anew for each.
        if events & selectors.EVENT_WRITE and fd in self._callbacks:
            on_writable = self._callbacks[fd][1]
            if on_writable is not None:
                on_writable()
        if events & selectors.EVENT_READ and fd in self._callbacks:
            on_readable = self._callbacks[fd][0]
            if on_readable is not None:
                on_readable()

    def after_child_exits(self, callback: Callable[[], None]) -> None:
        """Call back, on the loop, after a child process has ended (or another signal has come)."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        self._wakeup = (ours, theirs)
        signal.set_wakeup_fd(theirs.fileno())
        signal.signal(signal.SIGCHLD, lambda _signum, _frame: None)

        def on_readable() -> None:
            try:
                ours.recv(64)
            except BlockingIOError:
                return
            callback()

        self.watch(ours.fileno(), on_readable)

    def stop(self) -> None:
        """Return from :meth:`run` after the callback that called this, or as soon as it is called.

        A connection may break before there is a loop to hear of it.
        """
        self._stopped = True

    def close(self) -> None:
        """Free the selector; the watched descriptors stay open."""
        self._selector.close()


class Conduit:
    """A pair of non-blocking descriptors (or one socket twice) with a buffer for output."""

    def __init__(
        self,
        reactor: Reactor,
        read_fd: int,
        write_fd: int,
        on_data: Callable[[bytes], None],
        on_end: Callable[[], None],
    ) -> None:
        """Take ownership of the descriptors and begin to read.

        ``on_data`` gets what was read; ``on_end`` is called once, when the other end has closed or
        the connection broke, after which the conduit is closed.
        """
        self._reactor = reactor
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._on_data = on_data
        self._on_end = on_end
        self._output: Deque[memoryview] = deque()
        self._paused = False
        self._closing = False
        self._writing = False
        self._watched = (False, False)
        self.closed = False
        self.buffered = 0
        self.on_written: Optional[Callable[[int], None]] = None
        """Called with the count of bytes that left the buffer, each time some have."""
        os.set_blocking(read_fd, False)
        os.set_blocking(write_fd, False)
        self._rewatch()

    def _rewatch(self) -> None:
        wanted = (not self._paused and not self._closing, bool(self._output))
        if wanted == self._watched:
            return
        self._watched = wanted
        reader = self._readable if wanted[0] else None
        writer = self._writable if wanted[1] else None
        if self._read_fd == self._write_fd:
            self._reactor.watch(self._read_fd, reader, writer)
        else:
            self._reactor.watch(self._read_fd, reader)
            self._reactor.watch(self._write_fd, None, writer)

    def pause(self) -> None:
        """Stop reading, so that the other end has to wait."""
        if not self._paused and not self.closed:
            self._paused = True
            self._rewatch()

    def unpause(self) -> None:
        """Read again."""
        if self._paused and not self.closed:
            self._paused = False
            self._rewatch()

    def write(self, *pieces: Union[bytes, memoryview]) -> None:
        """Send bytes, now or when the descriptor takes them; after closing they are dropped."""
        if self.closed or self._closing:
            return
        idle = not self._output
        for piece in pieces:
            self._output.append(memoryview(piece))
            self.buffered += len(piece)
        if idle:
            self._writable()

    def _writable(self) -> None:
        if self._writing:
            # Called from on_written: the loop below goes on with what that wrote.
            return
        self._writing = True
        try:
            while self._flush():
                pass
        finally:
            self._writing = False

    def _flush(self) -> bool:
        """Write what the descriptor takes; say whether more has come that it may take too."""
        written = 0
        try:
            while self._output:
                pieces = list(itertools.islice(self._output, WRITE_PIECES))
                sent = os.writev(self._write_fd, pieces)
                written += sent
                while self._output and sent >= len(self._output[0]):
                    sent -= len(self._output.popleft())
                if sent:
                    self._output[0] = self._output[0][sent:]
                    break
        except BlockingIOError:
            pass
        except OSError:
            self._end()
            return False
        self.buffered -= written
        all_gone = not self._output
        if self._closing and not self._output:
            self.close()
        elif not self.closed:
            self._rewatch()
        if written and self.on_written is not None:
            self.on_written(written)
        return all_gone and bool(self._output)

    def _readable(self) -> None:
        try:
            data = os.read(self._read_fd, READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._on_data(data)
        else:
            self._end()

    def _end(self) -> None:
        if not self.closed:
            self.close()
            self._on_end()

    def close_when_written(self) -> None:
        """Close as soon as the buffer is empty; nothing is read any more."""
        self._closing = True
        if self._output:
            self._rewatch()
        else:
            self.close()

    def close(self) -> None:
        """Close now; ``on_end`` is not called for it."""
        if self.closed:
            return
        self.closed = True
        self._output.clear()
        self.buffered = 0
        for fd in {self._read_fd, self._write_fd}:
            self._reactor.watch(fd, None)
            os.close(fd)
