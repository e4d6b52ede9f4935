"""The listening half of the embedded server: connections, what they may open, how they end.

Everything here runs on one event loop, that of the embedded server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any

import asyncssh

from sshpyk_core.testing.exec_session import ExecSession, ExecSettings
from sshpyk_core.testing.logins import Logins, LoginServer, LoginSettings

__all__ = ["Listener", "ListenerSettings"]

WINDOW_BYTES = 8 << 20
# Where both ends have AES instructions these are the fastest; every client of today has one.
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")


@dataclass(frozen=True)
class ListenerSettings:
    """What connections may do.

    Attributes:
        commands: how commands run.
        max_sessions: how many session channels one connection may hold open.
        allow_tcp: carry TCP forwards.
        allow_unix: carry forwards to unix-domain sockets.
        logins: how clients prove who they are.
    """

    commands: ExecSettings
    max_sessions: int
    allow_tcp: bool
    allow_unix: bool
    logins: LoginSettings


class _Forward:
    """Awaited for a forward; nothing is begun for a client that has gone before.

    Args:
        connection: the client's.
        connect: connects to the destination.
    """

    def __init__(
        self,
        connection: asyncssh.SSHServerConnection,
        connect: Callable[[], Awaitable[asyncssh.SSHForwarder]],
    ) -> None:
        self._connection = connection
        self._connect = connect

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._run().__await__()

    async def _run(self) -> asyncssh.SSHForwarder:
        forwarder = await self._connect()
        if self._connection.is_closed():
            forwarder.close()  # asyncssh would forget it, and leave both of its ends open
        return forwarder


class _Connection(LoginServer):
    """Decide what one connection may open."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener.logins)
        self._listener = listener
        self._open = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._listener.connections.add(conn)

    def auth_completed(self) -> None:
        self._listener.connections_made += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._listener.connections.discard(self._connection)

    def session_requested(self) -> ExecSession:
        if self._open >= self._listener.settings.max_sessions:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "open failed")
        self._open += 1
        self._listener.sessions_made += 1
        sessions = self._listener.sessions
        return ExecSession(
            self._listener.settings.commands,
            started=sessions.add,
            ended=sessions.discard,
            closed=self._session_closed,
        )

    def _session_closed(self) -> None:
        self._open -= 1

    def connection_requested(
        self, dest_host: str, dest_port: int, orig_host: str, orig_port: int
    ) -> Awaitable[asyncssh.SSHTCPSession[bytes]]:
        if not self._listener.settings.allow_tcp:
            raise asyncssh.ChannelOpenError(
                asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "open failed"
            )
        connect = partial(self._connection.forward_connection, dest_host, dest_port)
        return _Forward(self._connection, connect)

    def unix_connection_requested(
        self, dest_path: str
    ) -> bool | Awaitable[asyncssh.SSHUNIXSession[bytes]]:
        if not self._listener.settings.allow_unix:
            return False  # sshd gives no other reason than "open failed"
        connect = partial(self._connection.forward_unix_connection, dest_path)
        return _Forward(self._connection, connect)


class Listener:
    """Accept connections on 127.0.0.1.

    Args:
        settings: what connections may do.
        host_key: the key that the server proves itself with.
        authorized: the only user keys that are let in.

    Attributes:
        settings: as given.
        connections: the live connections.
        sessions: the sessions whose command has started and not ended.
        connections_made: how many connections have been authenticated so far.
        sessions_made: how many session channels have been opened so far.
        logins: what was tried to get in.
    """

    def __init__(
        self,
        settings: ListenerSettings,
        host_key: asyncssh.SSHKey,
        authorized: asyncssh.SSHAuthorizedKeys,
    ) -> None:
        """Keep the parts; nothing listens before ``open``."""
        self.settings = settings
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.sessions: set[ExecSession] = set()
        self.connections_made = 0
        self.sessions_made = 0
        self.logins = Logins(settings.logins)
        self._host_key = host_key
        self._authorized = authorized
        self._acceptor: asyncssh.SSHAcceptor | None = None

    async def open(self, port: int) -> int:
        """Listen on a port and return it; 0 asks for any free one.

        Raises:
            OSError: the port is taken.
        """
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            port,
            server_factory=lambda: _Connection(self),
            server_host_keys=[self._host_key],
            authorized_client_keys=self._authorized,
            public_key_auth=self.settings.logins.allow_key,
            encryption_algs=CIPHERS,
            compression_algs=["none"],
            encoding=None,
            window=WINDOW_BYTES,
            line_editor=False,
            allow_pty=False,
            agent_forwarding=False,
            x11_forwarding=False,
            gss_host=None,
            reuse_address=True,
        )
        return self._acceptor.get_port()

    async def cut(self) -> None:
        """Drop every live connection without a word to the client."""
        connections = list(self.connections)
        for connection in connections:
            connection.abort()
        for connection in connections:
            await connection.wait_closed()

    async def close(self) -> None:
        """Stop listening, drop every connection and see every command ended."""
        if self._acceptor is not None:
            self._acceptor.close()
        while self.connections:  # one may have been accepted a moment ago
            await self.cut()
        if self._acceptor is not None:
            await self._acceptor.wait_closed()  # from Python 3.12 on it waits for connections too
        await asyncio.gather(*(session.finish() for session in list(self.sessions)))
