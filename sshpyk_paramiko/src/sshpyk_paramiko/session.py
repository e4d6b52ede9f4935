"""A live connection of paramiko: commands and forwards over its channels."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from paramiko.ssh_exception import SSHException
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.session_limit import EndedSessions
from sshpyk_core.transport_kit.settings.environment import sent_environment
from sshpyk_core.types import Address, Target, UnixAddress

from sshpyk_paramiko.chain import Chain
from sshpyk_paramiko.connection import Connection
from sshpyk_paramiko.failures import end_reason, forward_lost, launching, no_unix
from sshpyk_paramiko.forward import ChannelForward, Far
from sshpyk_paramiko.gone import close
from sshpyk_paramiko.options import Options
from sshpyk_paramiko.process import ChannelProcess
from sshpyk_paramiko.reading import Pump
from sshpyk_paramiko.signs_of_life import watch

__all__ = ["ParamikoSession"]


class ParamikoSession:
    """One live, authenticated connection, with those to its jump hosts.

    Args:
        chain: the connections, all of them logged in; the session's from now on.
        options: of the kernel spec.
    """

    def __init__(self, chain: Chain, options: Options) -> None:
        """Watch over the connections."""
        self._loop = asyncio.get_running_loop()
        self._chain = chain
        self._options = options
        self._environment = sent_environment(self.settings)
        self._pump = Pump(chain.workers)
        self._far = Far(self._connection, chain.workers, self._pump, options.window)
        self._processes: set[ChannelProcess] = set()
        self._forwards: set[ChannelForward] = set()
        self._ended_sessions = EndedSessions()
        self._turn = asyncio.Lock()
        self._ending: asyncio.Task[None] | None = None
        self.closed: asyncio.Future[str] = self._loop.create_future()
        watching = watch(chain.hops, chain.workers, self._end)
        self._watching = self._loop.create_task(watching)
        self._connection.ended.add_done_callback(self._lost)

    @property
    def target(self) -> Target:
        """What it is connected to."""
        return self._chain.target

    @property
    def settings(self) -> HostSettings:
        """The settings of the host."""
        return self._chain.hops[-1].settings

    @property
    def _connection(self) -> Connection:
        return self._chain.hops[-1].connection

    async def launch(self, command: str) -> ChannelProcess:
        """Run a command; returns when the server has started it.

        Raises:
            LaunchError: the server refuses the channel, or the session is gone.
        """
        with launching(self.settings):
            channel = await self._ended_sessions.open(self._open, SSHException, self.closed)
            process = ChannelProcess(channel, self._chain.workers, self._pump, self._forget)
            self._processes.add(process)
            try:
                start = partial(self._start, channel, command)
                await self._chain.workers.run("start a command", start)
            except BaseException:
                await process.terminate()
                raise
        return process

    async def forward(self, listen: Address, destination: Address) -> ChannelForward:
        """Listen here and connect there.

        Raises:
            ForwardError: the address cannot be bound, the destination is a unix-domain socket, or
                the session is gone.
        """
        if isinstance(destination, UnixAddress):
            raise no_unix(self.settings, listen, destination)
        forward = await ChannelForward.open(self.target.alias, self._far, listen, destination)
        if self.closed.done():
            await forward.end()
            raise forward_lost(self.settings, listen, destination, self.closed.result())
        self._forwards = {one for one in self._forwards if one.in_use} | {forward}
        return forward

    async def aclose(self) -> None:
        """End it with all that runs over it; waits for no server."""
        self._end("it was closed here")
        assert self._ending is not None
        await asyncio.shield(self._ending)

    async def _open(self) -> Any:
        """Open a channel, one after the other: paramiko keeps only one error for all of them."""
        await self._turn.acquire()
        open_session = self._connection.open_session
        opening = self._loop.create_task(
            self._chain.workers.run(
                "open a session", lambda: open_session(window_size=self._options.window)
            )
        )
        opening.add_done_callback(lambda _: self._turn.release())
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(self._discard)
            raise

    def _discard(self, opening: asyncio.Task[Any]) -> None:
        """Close a channel for which nobody waits any more."""
        self._ended_sessions.one_ended()
        if not opening.cancelled() and opening.exception() is None:
            self._chain.workers.start("close a channel", partial(close, opening.result()))

    def _start(self, channel: Any, command: str) -> None:
        for name, value in self._environment.items():
            channel.set_environment_variable(name, value)
        channel.exec_command(command)

    def _forget(self, process: ChannelProcess) -> None:
        self._processes.discard(process)
        self._ended_sessions.one_ended()

    def _lost(self, ended: asyncio.Future[BaseException | None]) -> None:
        self._end(end_reason(ended.result(), self._connection.farewell))

    def _end(self, reason: str) -> None:
        """Begin the end, once."""
        if not self.closed.done():
            self.closed.set_result(reason)
            self._ending = self._loop.create_task(self._finish())

    async def _finish(self) -> None:
        self._watching.cancel()
        for process in list(self._processes):
            process.abort()
        for forward in self._forwards:
            await forward.end()
        self._pump.stop()
        await self._chain.aclose()
        await asyncio.wait([self._watching])
