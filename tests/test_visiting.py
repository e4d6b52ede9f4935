"""A command's short visit to a host."""

from __future__ import annotations

import asyncio

import pytest
from sshpyk_core.errors import HostError, UnknownTransportError
from sshpyk_core.types import Target
from sshpyk_core.visiting import visiting
from support.embedded_host import EmbeddedHost
from support.far import FarSide
from support.processes import wait_gone


async def test_a_visit_leaves_nothing_behind(far: FarSide) -> None:
    async with visiting(far.target) as visit:
        assert visit.hello.pid > 0
        assert [each.pid for each in far.bridges()] == [visit.hello.pid]
        process = await visit.transport.launch(visit.session, "echo here")
        assert await process.stdout.read() == b"here\n"
    assert not wait_gone(far.bridges, 10)


async def test_a_visit_that_is_given_up_leaves_nothing_behind(far: FarSide) -> None:
    inside = asyncio.Event()

    async def visit() -> None:
        async with visiting(far.target):
            inside.set()
            await asyncio.Event().wait()

    visitor = asyncio.create_task(visit())
    await asyncio.wait_for(inside.wait(), 30)
    visitor.cancel()
    await asyncio.wait([visitor])
    assert not wait_gone(far.bridges, 10)


async def test_why_there_is_no_visit(kernel_embedded: EmbeddedHost) -> None:
    with pytest.raises(UnknownTransportError):
        async with visiting(Target("lab", "carrier-pigeon")):
            pass
    config = str(kernel_embedded.ssh_config)
    with pytest.raises(HostError, match=r"no-such-host\.invalid: could not connect"):
        async with visiting(Target("no-such-host.invalid", "openssh", config)):
            pass
