"""What is left of a supervisor on its host, and its end by force where it does not answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sshpyk_core.answers import Reader, answer_to
from sshpyk_core.errors import RemoteError
from sshpyk_core.link.link import Link
from sshpyk_core.transport import Transport
from sshpyk_core.types import Session

__all__ = ["Remains", "confirm", "end_by_force"]

SIGTERM = 15
SIGKILL = 9

PATIENCE = 25.0
"""Seconds for an answer: the host gives up before."""

TERM_WAIT = 3.0
"""Seconds that a supervisor may take to end when it was told to."""

KILL_WAIT = 10.0
"""Seconds that processes may take to be gone when they were killed."""


@dataclass(frozen=True)
class Remains:
    """What the host has just found of a supervisor.

    Attributes:
        lives: whether it runs, or may run for all that can be known there.
        words: what became of it, for people.
        elsewhere: whether it is another machine's, that shares the directory.
        supervisor: its process; None where it is not certain which one it is.
        kernel: the leader of the kernel's process group; None likewise.
    """

    lives: bool
    words: str
    elsewhere: bool
    supervisor: int | None
    kernel: int | None


async def confirm(link: Link, directory: str, wait_seconds: float = 0.0) -> Remains:
    """Find out what is left of a supervisor; what a dead one has left is cleared away.

    Args:
        link: to its host.
        directory: the supervisor's.
        wait_seconds: how long to wait for its end, at most 15.

    Raises:
        HostError: see :func:`.answers.answer_to`.
    """
    tried = "find out what is left of a kernel"
    answer = await answer_to(
        link, tried, "confirm", PATIENCE, directory=directory, wait=wait_seconds
    )
    return Remains(
        lives=answer["lives"].flag(),
        words=answer["words"].text(),
        elsewhere=answer["elsewhere"].flag(),
        supervisor=answer["supervisor"].maybe(_pid),
        kernel=answer["kernel"].maybe(_pid),
    )


async def end_by_force(
    transport: Transport, session: Session, link: Link, directory: str
) -> Remains:
    """End a supervisor that does not answer, and its kernel: SIGTERM, then SIGKILL.

    Only processes whose number and start the host has confirmed just before get a signal.

    Args:
        transport: that of the session.
        session: to its host.
        link: likewise.
        directory: the supervisor's.

    Returns:
        What is left then, best nothing.

    Raises:
        RemoteError: it runs on another machine.
        HostError: see :func:`confirm`.
    """
    found = await confirm(link, directory)
    if found.lives and found.elsewhere:
        raise RemoteError(
            link.host,
            "end a kernel by force",
            found.words,
            "Give the name of that machine as HOST.",
        )
    if found.lives and found.supervisor is not None:
        await transport.signal(session, found.supervisor, SIGTERM)
        found = await confirm(link, directory, TERM_WAIT)
    if found.lives:
        # The kernel first: with its supervisor gone, only the host could tell which one it was.
        wanted = [found.kernel and -found.kernel, found.supervisor]
        killed = [transport.signal(session, pid, SIGKILL) for pid in wanted if pid]
        await asyncio.gather(*killed)
        found = await confirm(link, directory, KILL_WAIT)
    return found


def _pid(reader: Reader) -> int:
    pid = reader.integer()
    if pid <= 1:  # a signal to 0, 1, or -1 is one to many
        raise reader.wrong("the number of a process")
    return pid
