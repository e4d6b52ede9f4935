"""A TCP relay in front of a server, which can fail as networks and hosts do.

It stands between a client and a server on loopback and runs on a thread of its own, so that it
goes on while a test waits. A fault lasts until the next call changes it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any, TypeVar

from sshpyk_core.testing.relayed import Connection

__all__ = ["Relay"]

T = TypeVar("T")


class Relay:
    """Carry TCP connections from a port of 127.0.0.1 to a server; use it with ``with``.

    All methods return when what they do is done, and may be called from any thread but the
    relay's own.

    Args:
        port: the server's TCP port on 127.0.0.1.

    Attributes:
        port: the relay's own TCP port; 0 until the first start, then the same at every start.
    """

    def __init__(self, port: int) -> None:
        """Keep the server's port; nothing listens before ``start``."""
        self.port = 0
        self._upstream = port
        self._connections: set[Connection] = set()
        self._made = 0
        self._bytes_sent = 0
        self._silent = False
        self._bytes_until_silent: int | None = None
        self._silence: Future[None] = Future()
        self._listener: asyncio.Server | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._idle = asyncio.Event()

    @property
    def connections_made(self) -> int:
        """How many connections have come so far."""
        return self._made

    @property
    def bytes_sent(self) -> int:
        """How many bytes have come from clients so far."""
        return self._bytes_sent

    @property
    def open_connections(self) -> int:
        """How many connections are open here, on either side."""
        return len(self._connections)

    @property
    def descriptors(self) -> frozenset[int]:
        """The descriptors of the sockets that it listens on, which change when it refuses."""
        listener = self._listener
        sockets = listener.sockets if listener is not None else ()
        return frozenset(one.fileno() for one in sockets)

    def start(self) -> None:
        """Listen; harmless when it runs already.

        Raises:
            OSError: the port of an earlier start is taken by now.
        """
        if self._thread is not None:
            return
        self._loop = loop = asyncio.new_event_loop()
        self._idle = asyncio.Event()
        self._idle.set()
        self._thread = threading.Thread(target=loop.run_forever, name="relay")
        self._thread.start()
        try:
            self.accept()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop listening and drop every connection; harmless when it does not run."""
        if self._thread is None or self._loop is None:
            return
        self.refuse()
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._thread = None

    def refuse(self) -> None:
        """Refuse new connections; the open ones go on."""
        self._do(self._close_listener)

    def accept(self) -> None:
        """Let new connections come.

        Raises:
            OSError: the port is taken by now.
        """
        self._run(self._listen())

    def cut(self) -> None:
        """Drop every open connection, on both sides; new ones may come."""
        self._do(lambda: self._each(Connection.abort))
        self._run(self._idle.wait())

    def half_open(self) -> None:
        """Drop the server's side of every connection; clients keep an end that nobody serves."""
        self._do(lambda: self._each(Connection.abandon))

    def silence(self, *, after_bytes: int = 0) -> Future[None]:
        """Carry not a byte more, either way; connections stay open and new ones may come.

        Args:
            after_bytes: how many bytes from clients to let through before.

        Returns:
            Done when the silence has begun.
        """
        return self._do(lambda: self._fall_silent(after_bytes))

    def resume(self) -> None:
        """Carry on; nothing that was sent in the silence is lost."""
        self._do(self._speak)

    def settle(self) -> None:
        """Drop the connections that a silence holds open although their client has gone."""
        self._do(lambda: self._each(Connection.abort_unwanted))

    def __enter__(self) -> Relay:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            work.close()
            raise RuntimeError("the relay does not run")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _do(self, work: Callable[[], T]) -> T:
        async def call() -> T:
            return work()

        return self._run(call())

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.get_running_loop().create_server(
                self._accepted, "127.0.0.1", self.port, reuse_address=True
            )
            self.port = self._listener.sockets[0].getsockname()[1]

    def _close_listener(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _accepted(self) -> asyncio.BaseProtocol:
        self._made += 1
        connection = Connection(self._upstream, self._count, self._ended)
        connection.silent = self._silent
        self._connections.add(connection)
        self._idle.clear()
        return connection.client

    def _ended(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._idle.set()

    def _count(self, size: int) -> None:
        """Take note of bytes from a client; fall silent when it was agreed."""
        self._bytes_sent += size
        if self._bytes_until_silent is not None:
            self._bytes_until_silent -= size
            if self._bytes_until_silent <= 0:
                self._fall_silent(0)

    def _fall_silent(self, after_bytes: int) -> Future[None]:
        if self._silence.done():
            self._silence = Future()
        if after_bytes:
            self._bytes_until_silent = after_bytes
            return self._silence
        self._bytes_until_silent = None
        self._silent = True
        for connection in self._connections:
            connection.silent = True
        if not self._silence.done():
            self._silence.set_result(None)
        return self._silence

    def _speak(self) -> None:
        self._silent = False
        self._bytes_until_silent = None
        self._each(Connection.resume)

    def _each(self, work: Callable[[Connection], None]) -> None:
        for connection in list(self._connections):
            work(connection)
