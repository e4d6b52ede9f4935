"""A remote kernel starts, works, restarts, dies and ends as a local one does."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from typing import Any

import pytest
from jupyter_client.ioloop import AsyncIOLoopKernelManager
from jupyter_client.restarter import KernelRestarter
from sshpyk_core.errors import KernelSpecNotFoundError
from support.far import FarSide, is_listening
from support.kernels import execute, execute_blocking, remote_ipykernel, remote_kernel
from support.managers import (
    BUSY,
    READY,
    answer_to,
    interrupted,
    interrupted_blocking,
    started,
    started_blocking,
)
from traitlets.config import Config

STATE_IS_GONE = "print('kept' in globals())"


async def test_the_async_manager_starts_works_restarts_and_shuts_down(far: FarSide) -> None:
    async with started() as (manager, client):
        here = await execute(client, "import os; kept = 1; print(os.environ['HOME'])")
        assert here.text == f"{far.server.home}\n"
        asked = await execute(
            client,
            "print('heard', input('say: '))",
            allow_stdin=True,
            stdin_hook=lambda message: client.input(message["content"]["prompt"] + "aye"),
        )
        assert asked.text == "heard say: aye\n"
        before, first_pid = manager.get_connection_info(), await pid_of(client)
        await manager.restart_kernel()
        await client.wait_for_ready(timeout=READY)
        assert manager.get_connection_info() == before
        assert await pid_of(client) != first_pid
        assert (await execute(client, STATE_IS_GONE)).text == "False\n"
        await manager.restart_kernel(now=True)
        await client.wait_for_ready(timeout=READY)
        assert (await execute(client, "print('same client')")).text == "same client\n"
        assert await manager.is_alive()
        await manager.shutdown_kernel()
        assert not await manager.is_alive()
        assert not manager.has_kernel
        assert os.listdir(far.local.runtime_dir) == []
        assert not any(is_listening(port) for port in manager.ports)
    assert far.left_behind() == []


def test_the_blocking_manager_starts_works_restarts_and_shuts_down(far: FarSide) -> None:
    with started_blocking() as (manager, client):
        here = execute_blocking(client, "import os; kept = 1; print(os.environ['HOME'])")
        assert here.text == f"{far.server.home}\n"
        asked = execute_blocking(
            client,
            "print('heard', input())",
            allow_stdin=True,
            stdin_hook=lambda _message: client.input("aye"),
        )
        assert asked.text == "heard aye\n"
        before = manager.get_connection_info()
        manager.restart_kernel()
        client.wait_for_ready(timeout=READY)
        assert manager.get_connection_info() == before
        assert execute_blocking(client, STATE_IS_GONE).text == "False\n"
        cell = interrupted_blocking(manager, client, BUSY)
        assert cell.reply["ename"] == "KeyboardInterrupt"
        assert execute_blocking(client, "print('free')").text == "free\n"
        assert manager.is_alive()
        manager.shutdown_kernel()
        assert not manager.is_alive()
        assert os.listdir(far.local.runtime_dir) == []
        assert not any(is_listening(port) for port in manager.ports)
    assert far.left_behind() == []


async def test_an_interrupt_ends_the_busy_cell_and_nothing_else(far: FarSide) -> None:
    async with started() as (manager, client):
        await execute(client, "kept = 1")
        cell = await interrupted(manager, client, BUSY)
        assert cell.reply["ename"] == "KeyboardInterrupt"
        assert manager.kernel_spec.interrupt_mode == "signal"
        assert (await execute(client, "print(kept)")).text == "1\n"


async def test_a_kernel_that_ignores_every_signal_is_shut_down_now(far: FarSide) -> None:
    deaf = (
        "import signal, time\n"
        "for each in (signal.SIGINT, signal.SIGTERM): signal.signal(each, signal.SIG_IGN)\n"
        "print('deaf', flush=True)\n"
        "while True: time.sleep(600)\n"
    )
    async with started() as (manager, client):
        client.execute(deaf)
        while (await client.get_iopub_msg(timeout=30))["header"]["msg_type"] != "stream":
            continue
        await asyncio.wait_for(manager.shutdown_kernel(now=True), 30)
        assert not await manager.is_alive()
    assert far.left_behind() == []


async def test_the_exit_status_of_a_kernel_that_dies_is_known_and_it_can_start_again(
    far: FarSide,
) -> None:
    async with started() as (manager, client):
        connection = manager.get_connection_info()
        for code, status in (
            ("import os; os._exit(7)", 7),
            ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9),
        ):
            assert await manager.provisioner.poll() is None
            client.execute(code)
            assert await asyncio.wait_for(manager.provisioner.wait(), 30) == status
            assert await manager.provisioner.poll() == status
            assert not await manager.is_alive()
            await manager.restart_kernel()
            assert manager.get_connection_info() == connection
            await client.wait_for_ready(timeout=READY)
        assert (await execute(client, "print('back')")).text == "back\n"


async def test_the_restarter_brings_a_dead_kernel_back_and_the_client_goes_on(
    far: FarSide,
) -> None:
    manager = AsyncIOLoopKernelManager(kernel_name="far", config=quick_restarter())
    async with started(manager=manager) as (_, client):
        died = asyncio.Event()
        manager.add_restart_callback(died.set)
        before, first_pid = manager.get_connection_info(), await pid_of(client)
        client.execute("import os; os._exit(7)")
        await asyncio.wait_for(died.wait(), 30)
        assert (await answer_to(client, client.kernel_info()))["status"] == "ok"
        await client.wait_for_ready(timeout=READY)
        assert await pid_of(client) != first_pid
        assert manager.get_connection_info() == before
    assert far.left_behind() == []


async def test_what_is_said_as_soon_as_a_kernel_has_died_is_for_the_one_that_comes_after_it(
    far: FarSide,
) -> None:
    async with started() as (manager, client):
        for _ in range(5):
            client.execute("import os; os._exit(7)")
            # As a restarter does, but with no time between: nothing tells of it sooner.
            while await manager.provisioner.poll() is None:  # noqa: ASYNC110
                await asyncio.sleep(0.0005)
            asked = client.kernel_info()
            await manager.restart_kernel(now=True)
            assert (await answer_to(client, asked))["status"] == "ok"
    assert far.left_behind() == []


async def test_the_end_of_a_kernel_is_told_while_a_process_that_it_forked_holds_its_connections(
    far: FarSide,
) -> None:
    async with started() as (manager, client):
        note = far.server.home / "forked"
        client.execute(
            "import os, time\nchild = os.fork()\nif child:\n"
            f"    open({str(note)!r}, 'w').write(str(child))\n    os._exit(7)\ntime.sleep(600)"
        )
        assert await asyncio.wait_for(manager.provisioner.wait(), READY) == 7
        os.kill(int(note.read_text()), signal.SIGKILL)
        await manager.restart_kernel(now=True)
        await client.wait_for_ready(timeout=READY)
        assert (await execute(client, "print('back')")).text == "back\n"
    assert far.left_behind() == []


def test_a_restarter_that_polls_the_blocking_manager_brings_a_dead_kernel_back(
    far: FarSide,
) -> None:
    with started_blocking() as (manager, client):
        restarter = KernelRestarter(kernel_manager=manager)
        restarts: list[bool] = []
        restarter.add_callback(lambda: restarts.append(manager.is_alive()))
        client.execute("import os; os._exit(7)")
        deadline = time.monotonic() + 30
        while not restarts and time.monotonic() < deadline:
            restarter.poll()
        assert restarts == [False]
        client.wait_for_ready(timeout=READY)
        assert execute_blocking(client, "print('back')").text == "back\n"
        assert manager.is_alive()
    assert far.left_behind() == []


async def test_a_kernel_that_cannot_be_started_again_is_dead_and_can_be_tried_again(
    far: FarSide,
) -> None:
    spec = remote_ipykernel(far.server.home, "vanishing")
    far.install("vanishing", "vanishing")
    async with started("vanishing") as (manager, client):
        (spec / "kernel.json").rename(spec / "kernel.json.away")
        with pytest.raises(KernelSpecNotFoundError, match="no kernel 'vanishing'"):
            await manager.restart_kernel(now=True)
        assert not await manager.is_alive()
        (spec / "kernel.json.away").rename(spec / "kernel.json")
        await manager.restart_kernel()
        await client.wait_for_ready(timeout=READY)
    assert far.left_behind() == []


async def test_the_restarter_gives_up_a_kernel_that_cannot_start_any_more(far: FarSide) -> None:
    flag = far.server.home / "broken"
    script = f'[ ! -e {flag} ] || exit 5; exec {sys.executable} -m ipykernel_launcher -f "$0"'
    remote_kernel(far.server.home, "breaking", ["sh", "-c", script, "{connection_file}"])
    far.install("breaking", "breaking")
    manager = AsyncIOLoopKernelManager(kernel_name="breaking", config=quick_restarter())
    async with started(manager=manager) as (_, client):
        dead = asyncio.Event()
        manager.add_restart_callback(dead.set, "dead")
        flag.touch()
        client.execute("import os; os._exit(7)")
        await asyncio.wait_for(dead.wait(), 60)
        assert await manager.provisioner.poll() == 5
        flag.unlink()
        await manager.restart_kernel()
        await client.wait_for_ready(timeout=READY)
    assert far.left_behind() == []


def quick_restarter() -> Config:
    return Config({"KernelRestarter": {"time_to_dead": 0.1}})


async def pid_of(client: Any) -> int:
    return int((await execute(client, "import os; print(os.getpid())")).text)
