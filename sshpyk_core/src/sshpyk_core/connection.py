"""A session and the link over it: made together, lost together, ended together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from sshpyk_core.errors import (
    AuthenticationError,
    ConnectError,
    HostKeyError,
    HostNotFoundError,
    HostUnreachableError,
    UnknownHostKeyError,
)
from sshpyk_core.link.bootstrap import open_link
from sshpyk_core.link.link import BridgeHello, Link
from sshpyk_core.login_advice import advise_login
from sshpyk_core.prompting.login import Login
from sshpyk_core.prompting.patience import Patience
from sshpyk_core.timers import LinkTimers
from sshpyk_core.transport import Transport
from sshpyk_core.types import Session, Target

__all__ = ["CONNECT_PATIENCE", "Connection", "Places", "Plan", "check_same_host"]

CONNECT_PATIENCE = 120.0
"""Seconds that one attempt to connect may take, with a login that goes over several hosts.

The time in which a person is asked does not count; it has a limit of its own.
"""


T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Places:
    """Where on the host the remote package runs.

    Attributes:
        python: interpreter to try first, None for the usual ones.
        directory: directory to try first, None for the usual ones.
    """

    python: str | None = None
    directory: str | None = None


@dataclass(frozen=True)
class Connection:
    """One authenticated session with one bridge on it."""

    session: Session
    link: Link
    hello: BridgeHello

    @property
    def alive(self) -> bool:
        """Whether nothing is known to be lost."""
        return not self.link.lost.done() and not self.session.closed.done()

    def when_lost(self, callback: Callable[[str], None]) -> None:
        """Call back once, with the reason, when either of the two is lost."""

        def tell(lost: asyncio.Future[str]) -> None:
            if not told.done():
                told.set_result(None)
                callback(lost.result())

        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.link.lost.add_done_callback(tell)
        self.session.closed.add_done_callback(tell)

    async def aclose(self, reason: str) -> None:
        """End both; the supervisors on the host stay."""
        try:
            await self.link.aclose(reason)
        finally:
            await self.session.aclose()


@dataclass(frozen=True)
class Plan:
    """How one target is connected to, time and again.

    Attributes:
        transport: that of the target.
        target: where to.
        patience: the clock that stands still while a person is asked.
    """

    transport: Transport
    target: Target
    patience: Patience

    async def connect(self, places: Places, timers: LinkTimers, login: Login) -> Connection:
        """Make a session to the target and start a bridge on it.

        Args:
            places: for the bridge.
            timers: of the link.
            login: of this attempt.

        Raises:
            HostError: what failed; nothing is left behind then.
        """
        try:
            with self._judging(login):
                return await self._in_time(
                    lambda: self._connect(places, timers, login),
                    lambda made: made.aclose("not wanted any more"),
                )
        except (AuthenticationError, UnknownHostKeyError) as error:
            advise_login(error, self.target)
            raise

    async def log_in(self, login: Login) -> Session:
        """Make a session to the target, and start nothing on it.

        Args:
            login: of this attempt.

        Raises:
            HostError: what failed; nothing is left behind then.
        """
        with self._judging(login):
            return await self._in_time(lambda: self._log_in(login), lambda made: made.aclose())

    @contextmanager
    def _judging(self, login: Login) -> Iterator[None]:
        """Tell the login how it went."""
        try:
            yield
        except asyncio.TimeoutError as error:
            said = f"it answered, but was not ready within {CONNECT_PATIENCE:.0f} s"
            raise HostUnreachableError(self.target.alias, "connect", said) from error
        except AuthenticationError:
            login.refused()
            raise
        except (HostKeyError, HostNotFoundError, HostUnreachableError):
            raise
        except ConnectError:
            login.broken_off()
            raise
        finally:
            login.dismiss()

    async def _in_time(
        self,
        work: Callable[[], Coroutine[Any, Any, T]],
        undo: Callable[[T], Coroutine[Any, Any, None]],
    ) -> T:
        made: list[T] = []

        async def work_and_tell() -> None:
            made.append(await work())

        try:
            await self.patience.wait_for(work_and_tell(), CONNECT_PATIENCE)
        except BaseException:
            # When it was given up just as all was done, nobody else knows of the connection.
            for each in made:
                await asyncio.shield(undo(each))
            raise
        return made[0]

    async def _log_in(self, login: Login) -> Session:
        session = await self.transport.connect(self.target, login.prompter)
        try:
            await login.accepted()
        except BaseException:
            await asyncio.shield(session.aclose())
            raise
        return session

    async def _connect(self, places: Places, timers: LinkTimers, login: Login) -> Connection:
        session = await self._log_in(login)
        try:
            link, hello = await open_link(
                self.transport,
                session,
                python=places.python,
                directory=places.directory,
                timers=timers,
            )
        except BaseException:
            await asyncio.shield(session.aclose())
            raise
        return Connection(session, link, hello)


def check_same_host(alias: str, known: BridgeHello, hello: BridgeHello) -> None:
    """Make sure that a connection leads to the host that the kernels are on.

    Args:
        alias: the host's.
        known: what the bridge of an earlier connection said of itself.
        hello: what the bridge of this one says.

    Raises:
        ConnectError: it is another: an alias may stand for several login nodes.
    """
    same_boot = bool(hello.boot_id) and known.boot_id == hello.boot_id
    if known.host != hello.host and not same_boot:
        raise ConnectError(
            alias,
            "connect again",
            f"it is {hello.host} now, but the kernels are on {known.host}",
            f"Give the host alias the name of one machine, such as {known.host}.",
        )
    if known.boot_id != hello.boot_id:
        log.warning("%s has been restarted, its kernels are gone", alias)
