"""A host comes back when somebody can log in again, and only when it is the same host."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from support.client import make_key
from support.far import FarSide
from support.kernels import execute
from support.managers import READY, interrupted, started
from support.require import require_other_host
from support.said import listened

MakeFarSide = Callable[..., FarSide]

BUSY = "import time; print('busy', flush=True); time.sleep(600)"


@pytest.mark.ways(servers=["sshd"], why="the keys that sshd lets in can be changed")
async def test_after_a_needed_login_an_interrupt_connects_again(
    make_far: MakeFarSide, tmp_path: Path
) -> None:
    far = make_far()
    async with started() as (manager, client):
        with listened() as said:
            far.server.authorize(make_key(tmp_path / "another"))
            await asyncio.to_thread(far.server.cut)
            await said.wait_for("needs login")
            attempts = far.server.log().count("Connection from")
            assert await manager.is_alive()
            far.server.authorize(far.server.client.public_key)
            assert said.containing("connected again") == []
            await manager.interrupt_kernel()
            await said.wait_for("connected again")
            assert (await execute(client, "print('back')")).text == "back\n"
            cell = await interrupted(manager, client, BUSY)
            assert cell.reply["ename"] == "KeyboardInterrupt"
            assert len(said.containing("needs login")) == 1
            assert far.server.log().count("Connection from") == attempts + 1
    assert far.left_behind() == []


@pytest.mark.ways(servers=["sshd"], why="only sshd has forced commands")
async def test_an_alias_that_leads_to_another_host_is_refused_while_kernels_run(
    make_far: MakeFarSide, tmp_path: Path
) -> None:
    program = tmp_path / "login"
    here = '#!/bin/sh\nexec sh -c "$SSH_ORIGINAL_COMMAND"\n'
    program.write_text(here)
    program.chmod(0o755)
    other = require_other_host(tmp_path, "elsewhere")
    far = make_far(sshd_config=[f"ForceCommand {program}"])
    async with started() as (manager, client):
        before = far.supervisors()
        with listened() as said:
            program.write_text(f"#!/bin/sh\nexec {other}\n")
            await asyncio.to_thread(far.server.cut)
            await said.wait_for("it is elsewhere now, but the kernels are on ")
            assert await manager.is_alive()
            program.write_text(here)
            await said.wait_for("connected again")
        assert (await execute(client, "print('same host')", timeout=READY)).text == "same host\n"
        assert far.supervisors() == before
    assert far.left_behind() == []
