"""A session and the link over it: made together, lost together, ended together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from sshpyk_core.link.bootstrap import open_link
from sshpyk_core.link.link import BridgeHello, Link, LinkTimers
from sshpyk_core.transport import Transport
from sshpyk_core.types import Session, Target


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
        await self.link.aclose(reason)
        await self.session.aclose()


async def connect(
    transport: Transport, target: Target, places: Places, timers: LinkTimers
) -> Connection:
    """Make a session to the target and start a bridge on it.

    Raises:
        HostError: what failed; nothing is left behind then.
    """
    session = await transport.connect(target, None)
    try:
        link, hello = await open_link(
            transport, session, python=places.python, directory=places.directory, timers=timers
        )
    except BaseException:
        await asyncio.shield(session.aclose())
        raise
    return Connection(session, link, hello)
