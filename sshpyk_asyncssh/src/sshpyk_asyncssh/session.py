"""One live connection to a target, with the connections to the jump hosts that it runs over."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import asyncssh
from sshpyk_core.errors import ForwardError, LaunchError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.route.proxy_command import ProxyConnection
from sshpyk_core.transport_kit.session_limit import EndedSessions
from sshpyk_core.transport_kit.settings.environment import sent_environment
from sshpyk_core.types import Address, Target

from sshpyk_asyncssh.forward import Forward, channel_opener, open_forward
from sshpyk_asyncssh.options import Options
from sshpyk_asyncssh.process import ChannelSession, Process, abandon

__all__ = ["AsyncsshSession", "Route"]


@dataclass
class Route:
    """The connections that lead to a target, nearest host first, and what carries the first one.

    Attributes:
        connections: one for each host; the last one leads to the target.
        proxy: the first host's ProxyCommand, where it has one.
    """

    connections: list[asyncssh.SSHClientConnection] = field(default_factory=list)
    proxy: ProxyConnection | None = None

    def cut(self) -> None:
        """Close all connections, without waiting."""
        for connection in reversed(self.connections):
            connection.close()

    async def aclose(self) -> None:
        """Close all, the target's first; no answer of any host is waited for."""
        self.cut()
        try:
            for connection in reversed(self.connections):
                await connection.wait_closed()
        finally:
            if self.proxy is not None:
                await self.proxy.aclose()


class AsyncsshSession:
    """One live connection."""

    def __init__(
        self,
        target: Target,
        settings: HostSettings,
        options: Options,
        route: Route,
        lost: asyncio.Future[str],
    ) -> None:
        """Take over connections that are logged in.

        Args:
            target: what it is connected to.
            settings: of the target.
            options: what the kernel spec asks of the transport.
            route: the connections.
            lost: done, with the reason as a phrase, when the connection to the target is lost.
        """
        self.target = target
        self._settings = settings
        self._options = options
        self._route = route
        self._connection = route.connections[-1]
        self._environment = list(sent_environment(settings).items())
        self._forwards: set[Forward] = set()
        self._openings: set[asyncio.Task[Any]] = set()
        self._channels: set[ChannelSession] = set()
        self._loop = asyncio.get_running_loop()
        self._ended_sessions = EndedSessions()
        self._ending: asyncio.Task[None] | None = None
        self.closed: asyncio.Future[str] = self._loop.create_future()
        lost.add_done_callback(lambda done: self._close(done.result()))

    async def launch(self, command: str) -> Process:
        """Run a command; returns when the server has accepted it.

        Raises:
            LaunchError: the server refuses the channel, or the session is gone.
        """
        try:
            return await self._ended_sessions.open(
                partial(self._open, command), asyncssh.ChannelOpenError, self.closed, self._closing
            )
        except asyncssh.ChannelOpenError as error:
            if self.closed.done():
                raise self._gone() from error
            fix = "The server may allow no further session on a connection (sshd's MaxSessions)."
            words = f"the server refused a session: {error.reason}"
            raise LaunchError(self.target.alias, "run a command", words, fix) from error
        except (asyncssh.Error, OSError) as error:
            raise self._gone(str(error)) from error
        except AttributeError as error:
            # asyncssh starts a session whose connection went in the moment of the server's answer.
            if not self.closed.done():
                raise
            raise self._gone() from error

    async def forward(self, listen: Address, destination: Address) -> Forward:
        """Listen here and connect there.

        That the server refuses a destination shows only when a connection is made: it is closed.

        Raises:
            ForwardError: the address cannot be bound, or the session is gone.
        """
        opener = channel_opener(self._connection, destination, self._options.window)
        forward = await open_forward(self.target.alias, listen, opener)
        if self.closed.done():
            await forward.end()
            tried = f"forward {listen} to {destination}"
            raise ForwardError(self.target.alias, tried, self.closed.result())
        self._forwards = {one for one in self._forwards if one.in_use} | {forward}
        return forward

    async def aclose(self) -> None:
        """End what runs over it, and the connections; waits for no answer of the host."""
        self._close("it was closed here")
        if self._ending is None:
            self._ending = self._loop.create_task(self._end())
        await asyncio.shield(self._ending)

    async def _end(self) -> None:
        for forward in self._forwards:
            await forward.end()
        await self._route.aclose()
        if self._openings:
            await asyncio.wait(self._openings)

    def _close(self, reason: str) -> None:
        if not self.closed.done():
            self.closed.set_result(reason)
            self._route.cut()

    def _closing(self) -> list[asyncio.Future[None]]:
        return [one.lost for one in self._channels if one.exit_status.done()]

    async def _open(self, command: str) -> Process:
        if self.closed.done():
            raise self._gone()
        session = ChannelSession()
        opening = self._loop.create_task(
            self._connection.create_session(
                lambda: session,
                command,
                env=self._environment,
                request_pty=False,
                encoding=None,
                window=self._options.window,
            )
        )
        self._openings.add(opening)
        self._channels.add(session)
        opening.add_done_callback(lambda _: self._opened(opening, session))
        session.lost.add_done_callback(lambda _: self._ended(session))
        try:
            channel, _ = await asyncio.shield(opening)
        except asyncio.CancelledError:
            abandon(session)  # a channel that the server's answer still opens is closed at once
            raise
        return Process(session, channel)

    def _opened(self, opening: asyncio.Task[Any], session: ChannelSession) -> None:
        self._openings.discard(opening)
        if opening.cancelled() or opening.exception() is not None:
            self._channels.discard(session)

    def _ended(self, session: ChannelSession) -> None:
        self._channels.discard(session)
        self._ended_sessions.one_ended()

    def _gone(self, said: str = "") -> LaunchError:
        words = said or "the session has ended"
        if self.closed.done():
            words = f"the session has ended: {self.closed.result()}"
        fix = f"Try it in a terminal: `{self._settings.login_line}`"
        return LaunchError(self.target.alias, "run a command", words, fix)
