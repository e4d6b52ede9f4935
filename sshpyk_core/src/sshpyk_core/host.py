"""One host per target: its connection, shared by all kernels there, and reconnecting.

All of it runs on the background loop.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any, TypeVar

from sshpyk_core.connection import Connection, Places, Plan, check_same_host
from sshpyk_core.errors import (
    AuthenticationError,
    HostError,
    HostKeyError,
    LinkLostError,
    SshpykError,
)
from sshpyk_core.kept_tasks import KeptTasks
from sshpyk_core.link.link import BridgeHello, Link
from sshpyk_core.link.options import SupervisorOptions
from sshpyk_core.link.supervisor import SupervisorClient
from sshpyk_core.logging_in import LoggingIn
from sshpyk_core.prompting.login import Login, Shared
from sshpyk_core.prompting.patience import Patience
from sshpyk_core.reattaching import Reattaching
from sshpyk_core.reconnecting import HostState, Loss, Reconnecting
from sshpyk_core.timers import LinkTimers
from sshpyk_core.transport import Transport, transport_for
from sshpyk_core.types import Address, Forward, Target

__all__ = ["LINGER", "Host", "HostState", "Places"]

LINGER = 60.0
"""Seconds that a connection without kernels is kept: the next kernel starts on a warm host."""

LEAVE_PATIENCE = 1.0
"""Seconds that the end of a program waits for the supervisors to know of it."""

UNDO_PATIENCE = 5.0
"""Seconds that a supervisor whose start failed may take to say that it has stopped."""

T = TypeVar("T")

log = logging.getLogger(__name__)


class Host:
    """A target's connection and the kernels that hold it."""

    def __init__(self, target: Target, shared: Shared | None = None) -> None:
        """Connect to nothing yet.

        Args:
            target: where to.
            shared: what the logins of this process share.

        Raises:
            PluginError: the target's transport is unknown or broken.
        """
        self.target = target
        self.hello: BridgeHello | None = None
        """What the last bridge said of itself."""
        self.patience = Patience()
        """The clock for whatever waits for this host: it stands still while a person is asked."""
        self._transport: Transport = transport_for(target)
        appears = partial(self._transport.login_appears, target)
        self._plan = Plan(self._transport, target, self.patience)
        self._timers: LinkTimers | None = None
        self._connection: Connection | None = None
        self._supervisors: set[SupervisorClient] = set()
        self._places = Places()
        self._connecting = LoggingIn(self._connect, shared or Shared(), self.patience)
        self._reattaching = Reattaching(target.alias, self._supervisors.__contains__)
        self._reconnecting = Reconnecting(
            target.alias,
            self._connecting.unattended,
            self._misses,
            appears if self._transport.keeps_logins else None,
        )
        self._linger: asyncio.TimerHandle | None = None
        self._spawn = KeptTasks().spawn

    def tighten(self, timers: LinkTimers) -> None:
        """Have the next link keep to these timers where they are stricter than the others'."""
        self._timers = timers if self._timers is None else self._timers.strictest(timers)

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
        try:
            link = await self.link_for(supervisor, places)
            spawned = supervisor.spawn(link, options)
            launched = supervisor.command("launch", request=request)
            try:
                await spawned
            except LinkLostError as error:
                # The next link finds the supervisor, or starts it.
                log.debug("%s", error)
            return await launched
        except BaseException:
            await asyncio.shield(self._undo(supervisor))
            raise

    async def link_for(self, supervisor: SupervisorClient, places: Places) -> Link:
        """Hold the connection for a kernel, until :meth:`release`; make it if there is none.

        Raises:
            HostError: there can be none now.
        """
        self._supervisors.add(supervisor)
        return await self._warm_link(places)

    async def link(self, places: Places) -> Link:
        """Give the link for a question; it stays for a while, as behind the last kernel."""
        link = await self._warm_link(places)
        if not self._supervisors:
            self._keep_warm()
        return link

    async def _undo(self, supervisor: SupervisorClient) -> None:
        if supervisor.spawned:
            # While the host cannot be reached, it is told as soon as it can.
            stopping = self._spawn(self.stop(supervisor, keep_warm=False))
            await asyncio.wait([stopping], timeout=UNDO_PATIENCE)
        else:
            await self.release(supervisor, keep_warm=False)

    async def stop(self, supervisor: SupervisorClient, *, keep_warm: bool = True) -> None:
        """Stop a supervisor and its kernel, however long it takes to reach it, and let go of it."""
        try:
            await supervisor.command("stop")
        except HostError as error:
            log.debug("stopping a supervisor: %s", error)
        await self.release(supervisor, keep_warm=keep_warm)

    async def release(self, supervisor: SupervisorClient, *, keep_warm: bool = True) -> None:
        """Let go of a kernel, and of the connection when it was the last."""
        supervisor.release()
        self._supervisors.discard(supervisor)
        if self._supervisors:
            return
        self._stop_waiting()
        if keep_warm and self._connected:
            self._keep_warm()
        else:
            await self._close_idle()

    def _keep_warm(self) -> None:
        later = asyncio.get_running_loop().call_later
        self._linger = later(LINGER, lambda: self._spawn(self._close_idle()))

    def _stop_waiting(self) -> None:
        self._reconnecting.not_needed()
        self._end_linger()

    def _end_linger(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None

    async def _close_idle(self) -> None:
        if not self._supervisors:
            self._reconnecting.closed()
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

    @property
    def state(self) -> HostState:
        """How things stand between here and the host."""
        return self._reconnecting.state

    @property
    def _connected(self) -> bool:
        return self._connection is not None and self._connection.alive

    async def _warm_link(self, places: Places) -> Link:
        """Give the link, after making it when there is none."""
        self._end_linger()
        if not self._connected:
            if not self._connecting.running:
                self._places = places
            await self._connecting.for_user()
        if self._connection is None:
            raise LinkLostError(self.target.alias, "connect", "it was closed meanwhile")
        return self._connection.link

    async def _connect(self, login: Login) -> None:
        """Replace the connection and attach to all kernels over it."""
        await self._disconnect("replaced")
        connection = await self._plan.connect(self._places, self._timers or LinkTimers(), login)
        try:
            if self.hello is not None and any(each.spawned for each in self._supervisors):
                check_same_host(self.target.alias, self.hello, connection.hello)
        except HostError:
            await asyncio.shield(connection.aclose("another host"))
            raise
        self.hello = connection.hello
        self._connection = connection
        self._reconnecting.connected()
        connection.when_lost(lambda reason: self._lost(connection, reason))
        spawned = [each for each in self._supervisors if each.spawned]
        waited = await self._reattaching.over(connection, spawned)
        if connection.alive:
            self._reconnecting.back(waited)

    async def _disconnect(self, reason: str) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await asyncio.shield(self._spawn(connection.aclose(reason)))

    # --- reconnecting ------------------------------------------------------------------------

    def try_again(self) -> None:
        """Reconnect after a login was needed: the user has come back and may be asked now."""
        if self.state is HostState.NEEDS_LOGIN:
            self._reconnecting.begin(self._connecting.for_user)

    async def log_in(self) -> None:
        """Do the same, and wait for that login; what time may cure is left to the reconnecting.

        Raises:
            AuthenticationError: a login is still needed.
            HostKeyError: likewise.
        """
        if self.state is HostState.NEEDS_LOGIN or self._connecting.in_person:
            try:
                await self._connecting.for_user()
            except (AuthenticationError, HostKeyError):
                raise
            except SshpykError as error:
                log.debug("%s", error)
                self._reconnecting.begin()

    def _lost(self, connection: Connection, reason: str) -> None:
        if self._connection is not connection:
            return
        if not self._supervisors:
            self._spawn(self._close_idle())
            return
        # A link over a dead session takes nothing any more, but may not know it yet.
        connection.link.lose(reason)
        self._reconnecting.lost(Loss(reason, connection.link.silence, len(self._supervisors)))

    def _misses(self) -> bool:
        """Say whether a connection is needed and not there."""
        return bool(self._supervisors) and not self._connected

    async def aclose(self) -> None:
        """Let go of everything for good; a supervisor stays for as long as its kernel runs."""
        self._stop_waiting()
        # A start that nobody has seen through is undone: nobody would ever ask for that kernel.
        leaving = [
            each.command("leave" if each.start_seen else "stop")
            for each in self._supervisors
            if each.connected
        ]
        if leaving:
            await asyncio.wait(leaving, timeout=LEAVE_PATIENCE)
        for supervisor in list(self._supervisors):
            supervisor.release()
        self._supervisors.clear()
        # At the end of the process: what is not awaited here is not undone, such as a terminal
        # without echo.
        await self._connecting.aclose()
        await self._close_idle()
