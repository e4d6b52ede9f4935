"""Control masters that are kept: found by later sessions, given up when dead, ended when asked."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sshpyk_core.types import Target
from support.local import LocalSide
from support.openssh import connected, left_behind, local_ssh, outcome, target_of
from support.processes import wait_gone
from support.sshd import SSHServer

from sshpyk_openssh import kept, master, mux, plugin


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mux, "_ANSWER_LIMIT_SECONDS", 0.5)
    monkeypatch.setattr(mux, "_STOP_LIMIT_SECONDS", 0.5)
    monkeypatch.setattr(master, "_PROBE_LIMIT_SECONDS", 0.5)
    monkeypatch.setattr(kept, "_GLANCE_SECONDS", 0.05)


def files(local: LocalSide) -> list[Path]:
    return sorted((local.home / ".cache/sshpyk/logins").glob("*"))


@asynccontextmanager
async def kept_login(server: SSHServer, **options: object) -> AsyncIterator[Target]:
    """Leave a master open for the time of a test; find nothing of it afterwards."""
    target = target_of(server, **options)
    async with connected(server, keep=True, **options):
        pass
    try:
        yield target
    finally:
        await kept.end(target)
        assert left_behind(server) == []


async def works(server: SSHServer) -> None:
    async with connected(server) as session:
        assert (await outcome(await plugin.sshpyk_launch(session, "echo in")))[1] == b"in\n"


async def test_sessions_use_it_and_none_ends_it(sshd: SSHServer, local: LocalSide) -> None:
    appearing = asyncio.create_task(kept.appears(target_of(sshd)))
    async with kept_login(sshd) as target:
        await asyncio.wait_for(appearing, 10)
        masters = local_ssh(sshd)
        assert len(masters) == 1
        for options in ({}, {"multiplex": "own"}, {"keep": True}, {"verbose": 1}):
            async with connected(sshd, **options):
                assert local_ssh(sshd) == masters
        found = await kept.find(target)
        assert found is not None
        assert sshd.logins() == 1
        assert await kept.find(target_of(sshd, multiplex="never")) is None
        assert await kept.find(target_of(sshd, options={"ServerAliveInterval": "7"})) is None
        (finding,) = [f for f in await plugin.sshpyk_diagnose(target) if "kept open" in f.cause]
        assert finding.level == "ok"
        assert await kept.end(target)
        assert not await kept.end(target)
    assert files(local) == []


async def test_on_a_dead_network_it_is_left_alone_until_another_takes_its_place(
    sshd: SSHServer, local: LocalSide
) -> None:
    async with kept_login(sshd) as target:
        masters = local_ssh(sshd)
        stopped = sshd.connections()
        for process in stopped:
            os.kill(process.pid, signal.SIGSTOP)
        assert await kept.find(target) is None
        await works(sshd)
        assert wait_gone(lambda: [p for p in local_ssh(sshd) if p not in masters], 5) == []
        assert local_ssh(sshd) == masters
        async with connected(sshd, keep=True):
            pass
        assert wait_gone(lambda: [p for p in local_ssh(sshd) if p in masters], 5) == []
        assert await kept.find(target) is not None
        for process in stopped:
            os.kill(process.pid, signal.SIGKILL)
    assert files(local) == []


async def test_one_that_hangs_is_killed(sshd: SSHServer, local: LocalSide) -> None:
    async with kept_login(sshd) as target:
        (process,) = local_ssh(sshd)
        os.kill(process.pid, signal.SIGSTOP)
        assert await kept.find(target) is None
        assert await kept.end(target)
        assert left_behind(sshd) == []
    assert files(local) == []


async def test_what_is_left_of_one_that_has_ended_is_removed(
    sshd: SSHServer, local: LocalSide
) -> None:
    async with kept_login(sshd) as target:
        (process,) = local_ssh(sshd)
        os.kill(process.pid, signal.SIGKILL)
        assert wait_gone(lambda: local_ssh(sshd), 5) == []
        assert files(local) != []
        assert await kept.find(target) is None
        assert files(local) == []


async def test_two_logins_at_once_leave_one(sshd: SSHServer) -> None:
    async def log_in() -> None:
        async with connected(sshd, keep=True):
            pass

    await asyncio.gather(log_in(), log_in())
    async with kept_login(sshd):
        assert wait_gone(lambda: local_ssh(sshd)[1:], 5) == []


async def test_a_kernel_that_would_not_use_it_does_not_see_it_appear(
    sshd: SSHServer, local: LocalSide
) -> None:
    async with kept_login(sshd) as target:
        aside = asyncio.create_task(kept.appears(target_of(sshd, multiplex="never")))
        await kept.appears(target)
        done, _ = await asyncio.wait([aside], timeout=1)
        aside.cancel()
        assert not done


async def test_a_socket_where_others_could_listen_is_not_used(
    sshd: SSHServer, local: LocalSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(local.home / ("long" * 20)))
    async with kept_login(sshd) as target:
        runtime = os.environ["XDG_RUNTIME_DIR"]
        (name,) = os.listdir(runtime)
        os.chmod(os.path.join(runtime, name), 0o777)
        assert await kept.find(target) is None
        await works(sshd)
        assert sshd.logins() == 2
        assert await kept.end(target)


async def test_where_others_could_enter_nothing_is_kept(sshd: SSHServer, local: LocalSide) -> None:
    place = local.home / ".cache/sshpyk/logins"
    place.mkdir(parents=True)
    place.chmod(0o755)
    async with kept_login(sshd) as target:
        assert await kept.find(target) is None
        assert wait_gone(lambda: local_ssh(sshd), 5) == []


async def test_a_place_whose_path_is_too_long_has_the_socket_elsewhere(
    sshd: SSHServer, local: LocalSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(local.home / ("long" * 20)))
    async with kept_login(sshd) as target:
        assert await kept.find(target) is not None
        assert os.listdir(os.environ["XDG_RUNTIME_DIR"]) != []
