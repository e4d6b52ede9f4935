"""A TCP relay in front of a server, which can fail as networks and hosts do.

It stands between a client and a server on loopback and runs on a thread of its own, so that it
goes on while a test waits. A fault lasts until the next call changes it. The page on the fault
proxy in the documentation says what each of them stands for.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from random import Random
from types import TracebackType
from typing import Any, TypeVar, get_args

from sshpyk_core.testing.line import PLAIN, Line
from sshpyk_core.testing.relayed_connection import RelayedConnection, Side

__all__ = ["Line", "Relay"]

T = TypeVar("T")

ROUNDS = 4
"""How often the loop goes round until it has taken up what came before."""


class Relay:
    """Carry TCP connections from a port of 127.0.0.1 to a server; use it with ``with``.

    A method blocks until what it does is done (a coroutine calls it with ``asyncio.to_thread``);
    only ``silence(after_bytes=...)`` returns before. They may be called from any thread but the
    relay's own.

    Args:
        port: the server's TCP port on 127.0.0.1.
        seed: what the jitter is drawn from; None gives other draws each time.

    Attributes:
        port: the relay's own TCP port; 0 until the first start, then the same at every start.
    """

    def __init__(self, port: int, *, seed: int | None = None) -> None:
        """Keep the server's port; nothing listens before ``start``."""
        self.port = 0
        self._upstream = port
        self._connections: set[RelayedConnection] = set()
        self._random = Random(seed)  # noqa: S311 (jitter)
        self._lines = PLAIN, PLAIN
        self._made = 0
        self._bytes_sent = 0
        self._silent = False
        self._bytes_until_silent: int | None = None
        self._counted: Side = "client"
        self._silence: Future[None] = Future()
        self._listener: asyncio.Server | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

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
        self._run(self._close_listener())

    def accept(self) -> None:
        """Let new connections come.

        Raises:
            OSError: the port is taken by now.
        """
        self._run(self._listen())

    def cut(self) -> None:
        """Drop every open connection, on both sides; new ones may come.

        What was under way is lost. When this returns, both sides have been told.
        """
        self._run(self._each(RelayedConnection.cut))

    def half_open(self, keep: Side = "client") -> None:
        """Drop one side of every open connection, and let the other know nothing of it.

        The side that is kept can send until its buffers are full, and never hears anything, until
        ``cut``. New connections are as usual.

        Args:
            keep: ``"client"``: clients keep an end that nobody serves, as when the host has
                crashed. ``"server"``: the server keeps an end that nobody speaks at, as when the
                client was suspended or its router has forgotten the connection; also where the
                connection to the server was only being made.

        Raises:
            ValueError: another side.
        """
        if keep not in get_args(Side):
            raise ValueError(f"keep={keep!r}: it must be one of {', '.join(get_args(Side))}")
        self._run(self._each(lambda one: one.half_open(keep)))

    def shape(self, to_server: Line | None = None, to_client: Line | None = None) -> None:
        """Make the line slow, from now on, for open connections and new ones.

        Each direction of each connection is a line by itself: its delays shift nothing in the
        other. What is under way already goes on as on the new line.

        Args:
            to_server: what clients send through; None stands for a line that takes no time.
            to_client: what clients receive through, likewise.
        """
        self._do(lambda: self._shape(to_server or PLAIN, to_client or PLAIN))

    def silence(self, *, after_bytes: int = 0, sent_by: Side = "client") -> Future[None]:
        """Carry not a byte more, either way; connections stay open and new ones may come.

        Args:
            after_bytes: how many bytes to let through before.
            sent_by: on which side those are counted.

        Returns:
            At once, with ``after_bytes`` too: a future that is done when the silence has begun.
        """
        return self._do(lambda: self._fall_silent(after_bytes, sent_by))

    def resume(self) -> None:
        """Carry on; nothing that was sent in the silence is lost."""
        self._do(self._speak)

    def settle(self) -> None:
        """Drop the connections that a fault holds open although their client has gone.

        Of a connection whose server's end alone was kept, it is the server that has to have gone.
        A peer that went while it could send no more cannot be told from one that is there.
        """
        self._run(self._each(RelayedConnection.settle))

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

    async def _close_listener(self) -> None:
        await self._catch_up()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _accepted(self) -> asyncio.BaseProtocol:
        return RelayedConnection(
            self._upstream,
            self._random,
            opened=self._opened,
            sent=self._count,
            ended=self._connections.discard,
        ).client

    def _opened(self, connection: RelayedConnection) -> None:
        self._made += 1
        self._connections.add(connection)
        connection.shape(*self._lines)
        if self._silent:
            connection.silence()

    def _shape(self, to_server: Line, to_client: Line) -> None:
        self._lines = to_server, to_client
        for connection in tuple(self._connections):
            connection.shape(to_server, to_client)

    def _count(self, side: Side, size: int) -> None:
        """Take note of bytes; fall silent when it was agreed."""
        if side == "client":
            self._bytes_sent += size
        if self._bytes_until_silent is not None and side == self._counted:
            self._bytes_until_silent -= size
            if self._bytes_until_silent <= 0:
                self._fall_silent()

    def _fall_silent(self, after_bytes: int = 0, sent_by: Side = "client") -> Future[None]:
        if self._silence.done():
            self._silence = Future()
        if after_bytes:
            self._bytes_until_silent, self._counted = after_bytes, sent_by
            return self._silence
        self._bytes_until_silent = None
        self._silent = True
        for connection in tuple(self._connections):
            connection.silence()
        if not self._silence.done():
            self._silence.set_result(None)
        return self._silence

    def _speak(self) -> None:
        self._silent = False
        self._bytes_until_silent = None
        for connection in tuple(self._connections):
            connection.resume()

    async def _each(self, work: Callable[[RelayedConnection], Coroutine[Any, Any, None]]) -> None:
        """Do something to every connection that is open now."""
        await self._catch_up()
        await asyncio.gather(*(work(connection) for connection in tuple(self._connections)))

    async def _catch_up(self) -> None:
        """Take up the connections that clients have and the system has yet to hand over."""
        for _ in range(ROUNDS):
            await asyncio.sleep(0)
