"""Bringing the kernels of a host back onto a new connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from sshpyk_core.connection import Connection
from sshpyk_core.errors import (
    HostError,
    LinkLostError,
    SupervisorGoneError,
    SupervisorUnreachableError,
)
from sshpyk_core.link.attachment import Waited
from sshpyk_core.link.supervisor import SupervisorClient

__all__ = ["Reattaching"]

PATIENCE = 10.0
"""Seconds that a supervisor may take to answer over a new connection before it is asked again."""

PAUSE = 2.0
"""Seconds between two questions to a supervisor that cannot be reached although it runs."""

log = logging.getLogger(__name__)


class Reattaching:
    """Asks each supervisor by itself: one that does not answer holds up no other."""

    def __init__(self, alias: str, wanted: Callable[[SupervisorClient], bool]) -> None:
        """Ask nobody yet; ``wanted`` says whether a kernel is still of interest."""
        self._alias = alias
        self._wanted = wanted
        self._tasks: set[asyncio.Task[Waited]] = set()

    async def over(self, connection: Connection, supervisors: Iterable[SupervisorClient]) -> Waited:
        """Attach to all of them; those that take long are left to go on by themselves.

        Returns:
            What had waited for those that have answered.
        """
        tasks = [asyncio.create_task(self._reattach(each, connection)) for each in supervisors]
        self._tasks.update(tasks)
        for task in tasks:
            task.add_done_callback(self._tasks.discard)
        done = (await asyncio.wait(tasks, timeout=PATIENCE))[0] if tasks else set()
        return sum((task.result() for task in done), Waited())

    async def _reattach(self, supervisor: SupervisorClient, connection: Connection) -> Waited:
        told = False
        while connection.alive and self._wanted(supervisor):
            try:
                return await asyncio.wait_for(supervisor.reattach(connection.link), PATIENCE)
            except (asyncio.TimeoutError, SupervisorUnreachableError) as error:
                silent = f"{self._alias}: the supervisor in {supervisor.directory} does not answer"
                said = str(error) or silent
                log.log(logging.DEBUG if told else logging.WARNING, "%s; asking again", said)
                told = True
                await asyncio.sleep(PAUSE)
            except (LinkLostError, SupervisorGoneError):
                break  # of the second the kernel tells its user
            except HostError as error:
                log.warning("%s", error)
                break
        return Waited()
