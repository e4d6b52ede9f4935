"""A link to a host of a test, as a command makes one: a session, a bridge, no kernel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sshpyk_core.link.link import Link
from sshpyk_core.visiting import visiting

from support.far import FarSide

__all__ = ["linked"]


@asynccontextmanager
async def linked(far: FarSide) -> AsyncIterator[Link]:
    """Connect to a host; the connection ends with the block."""
    async with visiting(far.target) as visit:
        yield visit.link
