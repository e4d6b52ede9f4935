"""Bringing a lost connection back: one loop for each host, for days if need be."""

from __future__ import annotations

import asyncio
import enum
import logging
import random
from collections.abc import Awaitable, Callable, Iterator

from sshpyk_core.errors import AuthenticationError, HostKeyError, SshpykError

__all__ = ["BACKOFF", "HostState", "reconnect"]

BACKOFF = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before each attempt; the last one again and again."""

log = logging.getLogger(__name__)


class HostState(enum.Enum):
    """How things stand between here and a host."""

    IDLE = "idle"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    NEEDS_LOGIN = "needs login"


async def reconnect(
    alias: str, attempts: Iterator[Callable[[], Awaitable[int]]], wanted: Callable[[], bool]
) -> HostState:
    """Try to connect until it works, is not wanted any more, or needs a login.

    Refused credentials and host keys end it: repeating those gets people locked out.

    Args:
        alias: the host, for the log.
        attempts: each makes the connection and returns how many bytes had to be sent again.
        wanted: says whether a connection is needed and not there.

    Returns:
        How things stand then.
    """
    loop = asyncio.get_running_loop()
    since = loop.time()
    attempt = 0
    while wanted():
        delay = BACKOFF[min(attempt, len(BACKOFF) - 1)]
        await asyncio.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311 (jitter)
        attempt += 1
        if not wanted():
            break
        try:
            again = await next(attempts)()
        except (AuthenticationError, HostKeyError) as error:
            advice = "Then interrupt or restart a kernel there: that connects again."
            log.warning("needs login: %s\n%s", error, advice)
            return HostState.NEEDS_LOGIN
        except SshpykError as error:
            log.debug("%s: attempt %d to reconnect: %s", alias, attempt, error)
            continue
        except Exception:
            # Whatever it was, the kernels there are worth another attempt.
            log.exception("%s: attempt %d to reconnect failed oddly", alias, attempt)
            continue
        seconds = loop.time() - since
        log.warning("%s: connected again after %.1f s, %d bytes sent again", alias, seconds, again)
    return HostState.CONNECTED
