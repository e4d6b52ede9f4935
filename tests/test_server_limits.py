"""Servers that allow little: one session at a time, no forwarding."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from support.far import MakeFarSide
from support.kernels import execute
from support.managers import READY, interrupted, started

LIMITS = {
    "one session": ["MaxSessions 1"],
    "no tcp": ["AllowTcpForwarding no"],
    "no sockets": ["AllowStreamLocalForwarding no"],
    "all": [
        "MaxSessions 1",
        "AllowTcpForwarding no",
        "AllowStreamLocalForwarding no",
        "AllowAgentForwarding no",
        "PermitTTY no",
        "PermitUserRC no",
        "DisableForwarding yes",
    ],
}


@pytest.mark.ways(servers=["sshd"], why="these are settings of sshd")
@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
async def test_a_limited_server_runs_kernels(make_far: MakeFarSide, limits: Sequence[str]) -> None:
    far = make_far(sshd_config=limits)
    async with started() as (first_manager, first), started() as (_, second):
        assert (await execute(first, "kept = 1; print(kept)")).text == "1\n"
        assert (await execute(second, "print(2)")).text == "2\n"
        cell = "import time; print('busy', flush=True); time.sleep(600)"
        assert (await interrupted(first_manager, first, cell)).reply["ename"] == "KeyboardInterrupt"
        await first_manager.restart_kernel(now=True)
        await first.wait_for_ready(timeout=READY)
        assert (await execute(first, "print('kept' in globals())")).text == "False\n"
        assert far.server.logins() == 1
    assert far.left_behind() == []
