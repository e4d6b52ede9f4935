"""The supervisor's end of a stream: one connection to one of the kernel's ports."""

import errno
import socket
from typing import Callable, List, NamedTuple, Optional

from .reactor import Conduit, Reactor, Timer
from .spool import SpoolBudget
from .wire import WINDOW

FIRST_RETRY = 0.01
LAST_RETRY = 0.1
"""Seconds between attempts to connect, doubling: nothing tells when another process listens."""


class StreamCallbacks(NamedTuple):
    """Told what the kernel said, that it has closed its end, that it took so many bytes.

    ``on_data`` gives whether no more may be read for now, until :meth:`KernelStream.read_on`.
    ``awaited`` says whether the kernel may still come to listen.
    """

    on_data: Callable[[bytes], bool]
    on_end: Callable[[], None]
    on_written: Callable[[int], None]
    awaited: Callable[[], bool]


class KernelStream:
    """Connects to a port as soon as the kernel listens there, then carries bytes both ways."""

    def __init__(
        self,
        reactor: Reactor,
        port: int,
        budget: SpoolBudget,
        callbacks: StreamCallbacks,
    ) -> None:
        """Begin to connect."""
        self._reactor = reactor
        self._port = port
        self._budget = budget
        self._callbacks = callbacks
        self._waiting: List[bytes] = []
        self._conduit: Optional[Conduit] = None
        self._delay = FIRST_RETRY
        self._timer: Optional[Timer] = None
        self._stopped = False
        self._pending: Optional[socket.socket] = None
        self._ended = False
        self._closing = False
        self._uncredited = 0
        self._connect()

    def _connect(self) -> None:
        self._timer = None
        try:
            connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        except OSError:
            # The process has no descriptor left: that may pass, and must not cost the kernel.
            self._retry()
            return
        connection.setblocking(False)
        status = connection.connect_ex(("127.0.0.1", self._port))
        if status == errno.EINPROGRESS:
            # A kernel that is stopped takes no connections: its queue of them is full.
            self._pending = connection
            self._reactor.watch(connection.fileno(), None, self._connected)
        else:
            self._settle(connection, status)

    def _connected(self) -> None:
        connection = self._forget_pending()
        if connection is not None:
            status = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            self._settle(connection, status)

    def _forget_pending(self) -> Optional[socket.socket]:
        connection, self._pending = self._pending, None
        if connection is not None:
            self._reactor.watch(connection.fileno(), None)
        return connection

    def _settle(self, connection: socket.socket, status: int) -> None:
        if status == 0 and connection.getsockname() == connection.getpeername():
            # With nobody listening, a connect from the very port that it goes to meets itself.
            status = errno.ECONNREFUSED
        if status != 0:
            connection.close()
            self._retry()
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        fd = connection.detach()
        self._conduit = Conduit(self._reactor, fd, fd, self._read, self._end)
        self._conduit.on_written = self._written
        waiting, self._waiting = self._waiting, []
        for data in waiting:
            self._conduit.write(data)
        if self._closing:
            self._conduit.close_when_written()

    def _retry(self) -> None:
        if self._closing and not self._callbacks.awaited():
            self.close()
            return
        self._timer = self._reactor.call_later(self._delay, self._connect)
        self._delay = min(2 * self._delay, LAST_RETRY)

    def _read(self, data: bytes) -> None:
        must_wait = self._callbacks.on_data(data)
        if must_wait and self._conduit is not None and not self._stopped:
            self._stopped = True
            self._budget.stopped += 1
            self._conduit.pause()

    def read_on(self) -> None:
        """Read again if a full spool had stopped that."""
        if self._stopped:
            self._stopped = False
            self._budget.stopped -= 1
            if self._conduit is not None:
                self._conduit.unpause()

    def _written(self, size: int) -> None:
        self._uncredited += size
        if self._uncredited >= WINDOW // 4:
            size, self._uncredited = self._uncredited, 0
            self._callbacks.on_written(size)

    def _end(self) -> None:
        self.read_on()
        if not self._ended:
            self._ended = True
            self._callbacks.on_end()

    def write(self, data: bytes) -> None:
        """Send bytes to the kernel, when it listens."""
        if self._conduit is not None:
            self._conduit.write(data)
        else:
            self._waiting.append(data)

    @property
    def connected(self) -> bool:
        """Whether the kernel has let this in and has not closed its end."""
        return self._conduit is not None and not self._ended

    @property
    def waiting(self) -> int:
        """Count the bytes that the kernel has not taken."""
        if self._conduit is not None:
            return self._conduit.buffered
        return sum(map(len, self._waiting))

    @property
    def unheard(self) -> bool:
        """Whether there is something to tell to a kernel that has not let this in yet."""
        return self._conduit is None and bool(self._waiting)

    def close_when_written(self) -> None:
        """End the connection after what was written, for which the kernel is still waited for."""
        self._ended = True
        self._closing = True
        self.read_on()
        if self._conduit is not None:
            self._conduit.close_when_written()
        elif not self._waiting:
            self.close()

    def close(self) -> None:
        """End the connection now."""
        self._ended = True
        self._waiting.clear()
        self.read_on()
        pending = self._forget_pending()
        if pending is not None:
            pending.close()
        if self._timer is not None:
            self._timer.cancel()
        if self._conduit is not None:
            self._conduit.close()
