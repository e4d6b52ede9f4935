"""A kernel behind a line that can fail, and the accounts that have to be right in the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from jupyter_client.manager import AsyncKernelManager
from sshpyk_core.testing.relay import Relay

from support import kernels
from support.far import FarSide
from support.faults import LOST, LineToHost
from support.managers import polled, started
from support.said import listened
from support.sessions import close_hosts
from support.transcript import Transcript, listening

__all__ = ["KERNELS", "TIMERS", "Trial", "on_trial"]

KERNELS = {"ipykernel": kernels.remote_ipykernel, "xpython": kernels.remote_xpython_kernel}
"""xeus-python's ROUTER sockets keep to a peer's first connection (no ROUTER_HANDOVER)."""

TIMERS = {"ping_after": 0.5, "dead_after": 2}
"""Seconds; see the keys of a kernel spec."""


@dataclass(frozen=True)
class Trial:
    """A kernel that answers, behind a line that can fail.

    Attributes:
        line: leads to its host.
        manager: its manager.
        heard: what the first client hears.
    """

    line: LineToHost
    manager: AsyncKernelManager
    heard: Transcript


@asynccontextmanager
async def on_trial(far: FarSide, kernel: str) -> AsyncIterator[Trial]:
    """Run a kernel; see that it was alive throughout, and that nothing is left of it.

    Args:
        far: the host.
        kernel: one of :data:`KERNELS`.
    """
    KERNELS[kernel](far.server.home, kernel)
    with Relay(far.server.port) as relay, listened() as said:
        line = LineToHost(far, relay, said)
        line.server.reach_through(relay.port)
        far.install("far", kernel, **TIMERS)
        async with started() as (manager, client), polled(manager) as answers:
            async with listening(client) as heard:
                yield Trial(line, manager, heard)
            assert answers == {None}
            assert await manager.is_alive()
            assert said.containing(LOST)
            assert line.server.logins() >= 2
        left = far.left_behind()
        assert not left, f"left behind: {left}"
        close_hosts()
