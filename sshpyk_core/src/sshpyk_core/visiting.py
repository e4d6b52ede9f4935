"""A visit: one connection to a host for the length of a command, without a kernel.

Unlike a :class:`~sshpyk_core.host.Host` it never comes back when it is lost, and it runs on
whatever event loop it is asked for on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sshpyk_core.connection import Places, Plan
from sshpyk_core.link.link import BridgeHello, Link
from sshpyk_core.prompting.login import Login, Shared
from sshpyk_core.prompting.patience import Patience
from sshpyk_core.timers import LinkTimers
from sshpyk_core.transport import Transport, transport_for
from sshpyk_core.types import Address, Forward, Prompter, Session, Target

__all__ = ["Reached", "Visit", "session_to", "visiting"]


@dataclass(frozen=True)
class Reached:
    """A host that one is logged in to, without anything of ours there.

    Attributes:
        transport: that of the target.
        session: the connection.
    """

    transport: Transport
    session: Session

    async def forward(self, listen: Address, destination: Address) -> Forward:
        """Listen here and connect there; raises what :meth:`Transport.forward` raises."""
        return await self.transport.forward(self.session, listen, destination)


@dataclass(frozen=True)
class Visit:
    """What a command has of a host while it is there.

    Attributes:
        transport: that of the target.
        session: the connection.
        link: to the bridge on it.
        hello: what the bridge says of itself and of the host.
    """

    transport: Transport
    session: Session
    link: Link
    hello: BridgeHello


@asynccontextmanager
async def visiting(
    target: Target,
    *,
    person: Prompter | None = None,
    places: Places | None = None,
    shared: Shared | None = None,
) -> AsyncIterator[Visit]:
    """Connect, start a bridge, and leave nothing behind afterwards.

    Args:
        target: where to.
        person: whom to ask for a password or about a host key; None when nobody can be asked.
        places: where on the host the remote package runs.
        shared: what the logins of this process share.

    Raises:
        PluginError: the target's transport is unknown or broken.
        HostError: what failed.
    """
    plan, login = _begin(target, person, shared)
    connection = await plan.connect(places or Places(), LinkTimers(), login)
    try:
        yield Visit(plan.transport, connection.session, connection.link, connection.hello)
    finally:
        await asyncio.shield(connection.aclose("the visit is over"))


@asynccontextmanager
async def session_to(
    target: Target, *, person: Prompter | None = None, shared: Shared | None = None
) -> AsyncIterator[Reached]:
    """Connect, and start nothing there: for what needs no Python on the host.

    Args:
        target: where to.
        person: whom to ask for a password or about a host key; None when nobody can be asked.
        shared: what the logins of this process share.

    Raises:
        PluginError: the target's transport is unknown or broken.
        HostError: what failed.
    """
    plan, login = _begin(target, person, shared)
    session = await plan.log_in(login)
    try:
        yield Reached(plan.transport, session)
    finally:
        await asyncio.shield(session.aclose())


def _begin(target: Target, person: Prompter | None, shared: Shared | None) -> tuple[Plan, Login]:
    patience = Patience()
    plan = Plan(transport_for(target), target, patience)
    return plan, Login(shared or Shared(), person, patience)
