"""Kernels without Jupyter's managers, as the command line and programs have them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from jupyter_client.asynchronous import AsyncKernelClient
from sshpyk_core.background import background
from sshpyk_core.config import KernelConfig
from sshpyk_core.kernel.connection_file import connection_info
from sshpyk_core.kernel.launch_request import KernelFacts, Launch, MessageSecurity
from sshpyk_core.kernel.live_kernel import LiveKernel

from support.far import FarSide
from support.managers import talking

__all__ = ["LAUNCH", "client_of", "config_of", "ended_by", "live_kernel", "on_loop"]

LAUNCH = Launch(MessageSecurity("a key of the first program"))

on_loop = background.run
"""Do something where all that belongs to a host is done."""


def config_of(far: FarSide, **config: Any) -> KernelConfig:
    """Give what a kernel spec for a kernel of this host would say."""
    stanza = {
        "ssh_host_alias": far.server.alias,
        "ssh_config": str(far.server.ssh_config),
        "transport": far.way.transport,
        **config,
    }
    return KernelConfig.parse(stanza)


@asynccontextmanager
async def live_kernel(
    far: FarSide, logger: logging.Logger | None = None, **config: Any
) -> AsyncIterator[LiveKernel]:
    """Have an object for a kernel; what it holds at the end is stopped."""

    async def make() -> LiveKernel:
        return LiveKernel(config_of(far, **config), logger or logging.getLogger("live"))

    kernel = await on_loop(make())
    try:
        yield kernel
    finally:
        await on_loop(kernel.end())


@asynccontextmanager
async def client_of(facts: KernelFacts) -> AsyncIterator[AsyncKernelClient]:
    """Have a client that has got an answer, by what is told of a kernel alone."""
    client = AsyncKernelClient()
    client.load_connection_info(connection_info(facts))
    async with talking(client):
        yield client


async def ended_by(kernel: LiveKernel) -> int:
    """Wait for the end of the process that runs now."""
    return await on_loop(kernel.wait())
