"""Bringing a lost connection back: one loop for each host, for days if need be."""

from __future__ import annotations

import asyncio
import enum
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sshpyk_core import suspend
from sshpyk_core.errors import AuthenticationError, HostKeyError, SshpykError
from sshpyk_core.link.attachment import Replayed

__all__ = ["BACKOFF", "Attempt", "HostState", "Loss", "Reconnecting"]

BACKOFF = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before each attempt; the last one again and again."""

SHORT_LIFE = 1.0
"""Seconds that a connection must live for the next loss not to be one more failure in a row."""

log = logging.getLogger(__name__)


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
        kernels: how many kernels go on there.
    """

    reason: str
    silence: float
    kernels: int


Attempt = Callable[[], Awaitable[Replayed]]
"""Makes the connection, and says how much went again over it."""


class Reconnecting:
    """The loop of one host; it says once that the connection is lost, and once that it is back."""

    def __init__(self, alias: str, attempt: Attempt, wanted: Callable[[], bool]) -> None:
        """Do nothing yet.

        Args:
            alias: the host, for the log.
            attempt: one that asks nobody.
            wanted: says whether a connection is needed and not there.
        """
        self._alias = alias
        self._attempt = attempt
        self._wanted = wanted
        self._failures = 0
        self._connected_at = 0.0

    def connected(self) -> None:
        """Take note that there is a connection, whoever made it."""
        self._connected_at = asyncio.get_running_loop().time()

    def lost(self, loss: Loss) -> None:
        """Tell the user, and settle when the first attempt comes."""
        if asyncio.get_running_loop().time() - self._connected_at >= SHORT_LIFE:
            self._failures = 0
        heard = time.strftime("%H:%M:%S", time.localtime(time.time() - loss.silence))
        delay = self._delay
        soon = "now" if delay < 1 else f"in {delay:.0f} s"
        goes_on = "its kernel goes on" if loss.kernels == 1 else f"its {loss.kernels} kernels go on"
        log.warning(
            "%s: connection lost (%s); last heard from at %s; %s; connecting again %s",
            self._alias,
            loss.reason,
            heard,
            goes_on,
            soon,
        )

    @property
    def _delay(self) -> float:
        return BACKOFF[min(self._failures, len(BACKOFF) - 1)]

    async def run(self, first: Attempt | None = None) -> HostState:
        """Try to connect until it works, is not wanted any more, or needs a login.

        Refused credentials and host keys end it: repeating those gets people locked out.

        Args:
            first: makes the first attempt, at once, instead of one that asks nobody.

        Returns:
            How things stand then.
        """
        since = time.time()
        while self._wanted():
            if first is None and await suspend.sleep(self._delay * random.uniform(0.8, 1.2)):  # noqa: S311 (jitter)
                self._failures = 0  # those were of another network, perhaps
            attempt, first = first or self._attempt, None
            if not self._wanted():
                break
            self._failures += 1
            try:
                replayed = await attempt()
            except (AuthenticationError, HostKeyError) as error:
                self._failures = 0
                advice = "Then interrupt or restart a kernel there: that connects again."
                log.warning("needs login: %s\n%s", error, advice)
                return HostState.NEEDS_LOGIN
            except SshpykError as error:
                log.debug("%s: attempt %d to reconnect: %s", self._alias, self._failures, error)
            except Exception:
                # Whatever it was, the kernels there are worth another attempt.
                log.exception("%s: attempt to reconnect failed oddly", self._alias)
            else:
                self._back(time.time() - since, replayed)
        return HostState.CONNECTED

    def _back(self, seconds: float, replayed: Replayed) -> None:
        log.warning(
            "%s: connected again after %.1f s; %d bytes had waited there, %d here",
            self._alias,
            seconds,
            replayed.there,
            replayed.here,
        )
