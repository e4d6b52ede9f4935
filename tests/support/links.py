"""A link to a host of a test, as a command makes one: a session, a bridge, no kernel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sshpyk_core.config import KernelConfig
from sshpyk_core.connection import Connection
from sshpyk_core.link.bootstrap import open_link
from sshpyk_core.link.link import Link
from sshpyk_core.timers import LinkTimers
from sshpyk_core.transport import transport_for

from support.far import FarSide

__all__ = ["linked"]


@asynccontextmanager
async def linked(far: FarSide) -> AsyncIterator[Link]:
    """Connect to a host; the connection ends with the block."""
    stanza = {
        "ssh_host_alias": far.server.alias,
        "ssh_config": str(far.server.ssh_config),
        "remote_kernel_name": "python3",
        "transport": far.way.transport,
    }
    target = KernelConfig.parse(stanza).target
    transport = transport_for(target)
    session = await transport.connect(target, None)
    try:
        link, hello = await open_link(
            transport, session, python=None, directory=None, timers=LinkTimers()
        )
    except BaseException:
        await session.aclose()
        raise
    try:
        yield link
    finally:
        await Connection(session, link, hello).aclose("not needed any more")
