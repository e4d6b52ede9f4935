"""One host per target: its connection, shared by all kernels there, and reconnecting.

All of it runs on the background loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from sshpyk_core.connection import Connection, Places, connect
from sshpyk_core.errors import (
    ConnectError,
    HostError,
    LinkLostError,
    SupervisorGoneError,
)
from sshpyk_core.link.link import BridgeHello, Link, LinkTimers
from sshpyk_core.link.supervisor import SupervisorClient, SupervisorOptions
from sshpyk_core.reconnecting import HostState, reconnect
from sshpyk_core.transport import Transport, transport_for
from sshpyk_core.types import Address, Forward, Target

__all__ = ["LINGER", "Host", "HostState", "Places"]

LINGER = 60.0
"""Seconds that a connection without kernels is kept: the next kernel starts on a warm host."""

LEAVE_PATIENCE = 1.0
"""Seconds that the end of a program waits for the supervisors to know of it."""

UNDO_PATIENCE = 5.0
"""Seconds that a supervisor whose start failed may take to say that it has stopped."""

log = logging.getLogger(__name__)


class Host:
    """A target's connection and the kernels that hold it."""

    def __init__(self, target: Target, timers: LinkTimers | None = None) -> None:
        """Connect to nothing yet.

        Raises:
            PluginError: the target's transport is unknown or broken.
        """
        self.target = target
        self.state = HostState.IDLE
        self.hello: BridgeHello | None = None
        """What the last bridge said of itself."""
        self._timers = timers or LinkTimers()
        self._transport: Transport = transport_for(target)
        self._connection: Connection | None = None
        self._supervisors: set[SupervisorClient] = set()
        self._places = Places()
        self._attempt: asyncio.Task[int] | None = None
        self._waiting = 0
        self._reconnecting: asyncio.Task[None] | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # --- kernels -----------------------------------------------------------------------------

    async def start_kernel(
        self,
        supervisor: SupervisorClient,
        places: Places,
        options: SupervisorOptions,
        request: dict[str, Any],
    ) -> dict[str, Any]:
        """Start a supervisor and a kernel under it: one round trip when the link is there.

        Args:
            supervisor: a fresh one.
            places: for the bridge, if one has to be started.
            options: for the supervisor.
            request: the launch request, see ``remote.launch``.

        Returns:
            The kernel's facts.

        Raises:
            HostError: what failed; nothing is left behind then, here or there.
        """
        self._supervisors.add(supervisor)
        try:
            link = await self._warm_link(places)
            spawned = supervisor.spawn(link, options)
            launched = supervisor.command("launch", request=request)
            await spawned
            return await launched
        except BaseException:
            await asyncio.shield(self._undo(supervisor))
            raise

    async def _undo(self, supervisor: SupervisorClient) -> None:
        try:
            if supervisor.connected:
                await asyncio.wait_for(supervisor.command("stop"), UNDO_PATIENCE)
        except (HostError, asyncio.TimeoutError) as error:
            log.debug("%s: undoing a failed start: %s", self.target.alias, error)
        await self.release(supervisor, keep_warm=False)

    async def release(self, supervisor: SupervisorClient, *, keep_warm: bool = True) -> None:
        """Let go of a kernel, and of the connection when it was the last."""
        supervisor.release()
        self._supervisors.discard(supervisor)
        if self._supervisors:
            return
        self._stop_waiting()
        if keep_warm and self._connection is not None and self._connection.alive:
            loop = asyncio.get_running_loop()
            self._linger = loop.call_later(LINGER, lambda: self._spawn(self._close_idle()))
        else:
            await self._close_idle()

    def _stop_waiting(self) -> None:
        if self._reconnecting is not None:
            self._reconnecting.cancel()
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None

    async def _close_idle(self) -> None:
        if not self._supervisors:
            self.state = HostState.IDLE
            await self._disconnect("not needed any more")

    async def forward(self, listen: Address, destination: Address) -> Forward:
        """Forward a port through the session.

        Raises:
            ForwardError: the server or this machine refuses.
            LinkLostError: there is no session now.
        """
        if self._connection is None:
            raise LinkLostError(self.target.alias, f"forward {listen}", "there is no session now")
        return await self._transport.forward(self._connection.session, listen, destination)

    # --- connecting --------------------------------------------------------------------------

    async def _warm_link(self, places: Places) -> Link:
        """Give the link, after making it when there is none."""
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        if self._connection is None or not self._connection.alive:
            if self._attempt is None:
                self._places = places
            await self._connect_once()
        if self._connection is None:
            raise LinkLostError(self.target.alias, "connect", "it was closed meanwhile")
        return self._connection.link

    async def _connect_once(self) -> int:
        """Wait for one attempt, however many wait for it: a refusal is not asked for twice.

        Returns:
            How many bytes had to be sent again.
        """
        attempt = self._attempt
        if attempt is None:
            attempt = self._attempt = asyncio.create_task(self._connect())
            attempt.add_done_callback(self._attempt_done)
        self._waiting += 1
        try:
            return await asyncio.shield(attempt)
        finally:
            self._waiting -= 1
            if not self._waiting:
                attempt.cancel()

    def _attempt_done(self, attempt: asyncio.Task[int]) -> None:
        self._attempt = None
        if not attempt.cancelled():
            attempt.exception()  # seen by those who wait, if any still do

    async def _connect(self) -> int:
        """Replace the connection and attach to all kernels over it; return bytes sent again."""
        await self._disconnect("replaced")
        connection = await connect(self._transport, self.target, self._places, self._timers)
        try:
            self._check_identity(connection.hello)
        except HostError:
            await asyncio.shield(connection.aclose("another host"))
            raise
        self._connection = connection
        self.state = HostState.CONNECTED
        connection.when_lost(lambda reason: self._lost(connection, reason))
        again = 0
        for supervisor in [each for each in self._supervisors if each.spawned]:
            try:
                again += await supervisor.reattach(connection.link)
            except SupervisorGoneError as error:
                log.warning("%s", error)
        return again

    def _check_identity(self, hello: BridgeHello) -> None:
        """Make sure that this is the host that the supervisors are on.

        Raises:
            ConnectError: it is another: an alias may stand for several login nodes.
        """
        known = self.hello
        if known is not None and any(each.spawned for each in self._supervisors):
            if known.host != hello.host:
                raise ConnectError(
                    self.target.alias,
                    "connect again",
                    f"it is {hello.host} now, but the kernels are on {known.host}",
                    f"Give the host alias the name of one machine, such as {known.host}.",
                )
            if known.boot_id != hello.boot_id:
                log.warning("%s has been restarted, its kernels are gone", self.target.alias)
        self.hello = hello

    async def _disconnect(self, reason: str) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.aclose(reason)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- reconnecting ------------------------------------------------------------------------

    def try_again(self) -> None:
        """Reconnect after a login was needed: the user has come back, so that may be done now."""
        if self.state is HostState.NEEDS_LOGIN:
            self._begin_reconnecting()

    def _begin_reconnecting(self) -> None:
        self.state = HostState.RECONNECTING
        if self._reconnecting is None or self._reconnecting.done():
            self._reconnecting = self._spawn(self._reconnect())

    def _lost(self, connection: Connection, reason: str) -> None:
        if self._connection is not connection:
            return
        if not self._supervisors:
            self._spawn(self._close_idle())
            return
        log.warning("%s: connection lost (%s); reconnecting", self.target.alias, reason)
        # A link over a dead session takes nothing any more, but may not know it yet.
        connection.link.lose(reason)
        self._begin_reconnecting()

    async def _reconnect(self) -> None:
        self.state = await reconnect(self.target.alias, self._connect_once, self._misses)

    def _misses(self) -> bool:
        """Say whether a connection is needed and not there."""
        alive = self._connection is not None and self._connection.alive
        return bool(self._supervisors) and not alive

    async def aclose(self) -> None:
        """Let go of everything for good; a supervisor stays for as long as its kernel runs."""
        self._stop_waiting()
        leaving = [each.command("leave") for each in self._supervisors if each.connected]
        if leaving:
            await asyncio.wait(leaving, timeout=LEAVE_PATIENCE)
        for supervisor in list(self._supervisors):
            supervisor.release()
        self._supervisors.clear()
        if self._attempt is not None:
            self._attempt.cancel()
        await self._close_idle()
