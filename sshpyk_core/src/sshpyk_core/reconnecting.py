"""Bringing a lost connection back: one loop for each host, for days if need be."""

from __future__ import annotations

import asyncio
import enum
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sshpyk_core.backoff import Backoff
from sshpyk_core.errors import (
    AuthenticationError,
    HostKeyError,
    HostNotFoundError,
    HostUnreachableError,
    LinkLostError,
    SshpykError,
)
from sshpyk_core.link.attachment import Waited

__all__ = ["Attempt", "HostState", "Loss", "Reconnecting"]

log = logging.getLogger(__name__)

USELESS_LOGINS = 3
"""How many logins by other means may come to nothing in a row before none is waited for."""


class HostState(enum.Enum):
    """How things stand between here and a host."""

    IDLE = "idle"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    NEEDS_LOGIN = "needs login"


@dataclass(frozen=True)
class Loss:
    """That a connection is lost.

    Attributes:
        reason: how that showed.
        silence: seconds since the last byte from the host.
        kernels: how many kernels were running there.
    """

    reason: str
    silence: float
    kernels: int


Attempt = Callable[[], Awaitable[object]]
"""Makes the connection; a connection that it makes is reported by whoever made it."""


class Reconnecting:
    """How things stand with one host, told to the user, and the loop that mends it."""

    def __init__(
        self,
        alias: str,
        attempt: Attempt,
        wanted: Callable[[], bool],
        login_appears: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Do nothing yet.

        Args:
            alias: the host, for the log.
            attempt: one that asks nobody.
            wanted: says whether a connection is needed and not there.
            login_appears: returns when another program has logged in for this one too; None where
                that cannot be.
        """
        self.state = HostState.IDLE
        self._alias = alias
        self._attempt = attempt
        self._wanted = wanted
        self._login_appears = login_appears
        self._watching: asyncio.Task[None] | None = None
        self._useless_logins = 0
        self._begun_by_login = False
        self._backoff = Backoff()
        self._lost_at: float | None = None
        """When, by the wall clock, what the user was told of; None: all is well."""
        self._task: asyncio.Task[None] | None = None
        self._told: set[str] = set()

    # --- what has happened -------------------------------------------------------------------

    def connected(self) -> None:
        """Take note that there is a connection, whoever made it."""
        self.state = HostState.CONNECTED
        self._useless_logins, self._begun_by_login = 0, False
        self._stop_watching()
        self._backoff.connected()

    def back(self, waited: Waited) -> None:
        """Tell the user, once for each loss, that the kernels are attached over a connection."""
        if self._lost_at is not None:
            seconds, self._lost_at = time.time() - self._lost_at, None
            self._told.clear()
            message = "%s: connected again after %.1f s; %d bytes had waited there, and %d here"
            log.warning(message, self._alias, seconds, waited.there, waited.here)

    def lost(self, loss: Loss) -> None:
        """Tell the user, once until all is well again, and begin to reconnect."""
        self._backoff.lost()
        known, self._lost_at = self._lost_at, self._lost_at or time.time()
        heard = time.strftime("%H:%M:%S", time.localtime(time.time() - loss.silence))
        delay = self._backoff.delay
        log.log(
            logging.WARNING if known is None else logging.DEBUG,
            "%s: connection lost (%s), last heard from at %s; %s; reconnecting %s",
            self._alias,
            loss.reason,
            heard,
            "a kernel was running there, and what it prints is kept"
            if loss.kernels == 1
            else f"{loss.kernels} kernels were running there, and what they print is kept",
            "now" if delay < 1 else f"in {delay:.0f} s",
        )
        self.begin()

    def not_needed(self) -> None:
        """Stop: nobody needs the host any more."""
        if self._task is not None:
            self._task.cancel()
        self._stop_watching()
        self._begun_by_login = False
        self._lost_at = None

    def closed(self) -> None:
        """Take note that the connection was closed, as nobody needs it."""
        self.state = HostState.IDLE

    # --- the loop ----------------------------------------------------------------------------

    def begin(self, first: Attempt | None = None) -> None:
        """Try to connect until it works, is not wanted any more, or needs a login.

        Refused credentials and host keys end it: repeating those gets people locked out.

        Args:
            first: makes the first attempt, at once, instead of one that asks nobody.
        """
        self.state = HostState.RECONNECTING
        self._stop_watching()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(first))

    async def _run(self, first: Attempt | None) -> None:
        while self._wanted():
            if first is None:
                await self._backoff.wait()
            attempt, first = first or self._attempt, None
            if not self._wanted():
                break
            self._backoff.attempt()
            try:
                await attempt()
            except (AuthenticationError, HostKeyError) as error:
                self._needs_login(error)
                return
            except SshpykError as error:
                self._tell(error)
            except Exception:
                # Whatever it was, the kernels there are worth another attempt.
                log.exception("%s: attempt to reconnect failed oddly", self._alias)
        if self.state is HostState.RECONNECTING:
            self.state = HostState.IDLE

    def _needs_login(self, error: SshpykError) -> None:
        """Tell the user, and look out for a login by other means."""
        if self._begun_by_login:
            self._useless_logins += 1
        else:
            self._backoff.forget()
        self._begun_by_login = False
        self.state = HostState.NEEDS_LOGIN
        advice = "Then interrupt or restart a kernel there: that connects again."
        if self._login_appears is not None and self._useless_logins < USELESS_LOGINS:
            advice = "After `sshpyk login` it connects by itself. Else: " + advice[len("Then ") :]
            self._watching = asyncio.create_task(self._watch(self._login_appears))
        log.warning("needs login: %s\n%s", error, advice)

    async def _watch(self, login_appears: Callable[[], Awaitable[None]]) -> None:
        try:
            await login_appears()
        except SshpykError as error:
            log.debug("%s: no login is looked out for: %s", self._alias, error)
            return
        self._watching = None
        if self.state is HostState.NEEDS_LOGIN and self._wanted():
            self._begun_by_login = True
            self.begin()

    def _stop_watching(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    def _tell(self, error: SshpykError) -> None:
        """Tell the user, once in an outage, of what time alone will hardly cure."""
        passing = isinstance(error, HostUnreachableError | HostNotFoundError | LinkLostError)
        level = logging.DEBUG if passing or str(error) in self._told else logging.WARNING
        self._told.add(str(error))
        log.log(
            level, "%s: attempt %d to reconnect: %s", self._alias, self._backoff.attempts, error
        )
