"""A supervisor that is killed: its kernel does not outlive it, and its user is told the truth."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import processes
from support.far import FarSide, MakeFarSide, state_of
from support.kernels import execute, remote_wrapped_kernel
from support.managers import READY, answer_to, busy, started
from support.processes import Process
from support.programs import program_with_kernel

SOON = 10.0
DEAF = """
import signal
for each in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(each, signal.SIG_IGN)
print("deaf", flush=True)
while True:
    pass
"""


@dataclass(frozen=True)
class Kernel:
    """A supervisor and its kernel as the host sees them.

    Attributes:
        pid: of the supervisor.
        kernel_pid: on record.
        processes: of the kernel.
    """

    pid: int
    kernel_pid: int
    processes: list[Process]

    def kill_supervisor(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


def the_kernel(far: FarSide) -> Kernel:
    (supervisor,) = far.supervisors()
    about = state_of(supervisor)
    return Kernel(
        about["supervisor_pid"], about["pid"], processes.children_of(about["supervisor_pid"])
    )


def until_removed(directory: Path) -> None:
    while directory.exists():
        time.sleep(0.01)  # nothing tells when it is


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Give what the user was told of supervisors."""
    return [each for each in caplog.messages if "supervisor" in each]


def epitaph(far: FarSide, kernel: Kernel, name: str = "python3") -> re.Pattern[str]:
    # The system kills the kernel when its supervisor ends, while the bridge that looks after
    # what is left of it may be there already: either may be first.
    return re.compile(
        rf"{far.server.alias}: the kernel {name} is gone: its supervisor was killed "
        rf"\(pid {kernel.pid}\), and its kernel \(pid {kernel.kernel_pid}\) "
        r"(was stopped with it|has ended too)\. Its variables are lost; restart it to go on\."
    )


@pytest.mark.parametrize("way_to_start", ["itself", "in a shell", "by a command"])
async def test_a_kernel_that_ignores_everything_does_not_outlive_its_supervisor(
    make_far: MakeFarSide, way_to_start: str, caplog: pytest.LogCaptureFixture
) -> None:
    far = make_far()
    name = "python3"
    if way_to_start == "in a shell":
        far.install("far", remote_precmd="export BEFORE=1")
    elif way_to_start == "by a command":
        name = "wrapped"
        remote_wrapped_kernel(far.server.home, name)
        far.install("far", name)
    async with started() as (manager, client):
        kernel = the_kernel(far)
        await busy(client, DEAF)
        assert await manager.provisioner.poll() is None
        connection = manager.get_connection_info()
        kernel.kill_supervisor()
        assert await asyncio.wait_for(manager.provisioner.wait(), SOON) == -signal.SIGKILL
        assert await manager.provisioner.poll() == -signal.SIGKILL
        assert not await manager.is_alive()
        assert await asyncio.to_thread(processes.wait_ended, kernel.processes, SOON) == []
        assert await asyncio.to_thread(far.left_behind) == []
        (told,) = warnings(caplog)
        assert epitaph(far, kernel, name).fullmatch(told)
        await manager.restart_kernel()
        await client.wait_for_ready(timeout=READY)
        assert manager.get_connection_info() == connection
        assert (await execute(client, "print(6 * 7)")).text == "42\n"
    assert far.left_behind() == []
    assert warnings(caplog) == [told]


async def test_the_next_connection_tells_of_a_supervisor_that_was_killed_meanwhile(
    make_far: MakeFarSide, caplog: pytest.LogCaptureFixture
) -> None:
    far = make_far()
    async with started() as (manager, client):
        kernel = the_kernel(far)
        await busy(client, DEAF)
        await asyncio.to_thread(far.server.stop)
        kernel.kill_supervisor()
        assert await asyncio.to_thread(processes.wait_ended, kernel.processes, SOON) == []
        assert await manager.provisioner.poll() is None  # nobody can know it here
        assert await manager.is_alive()
        await asyncio.to_thread(far.server.start)
        assert await asyncio.wait_for(manager.provisioner.wait(), 60) == -signal.SIGKILL
        assert far.left_behind() == []
        (told,) = warnings(caplog)
        assert epitaph(far, kernel).fullmatch(told)
        await manager.restart_kernel()
        await client.wait_for_ready(timeout=READY)
    assert far.left_behind() == []


async def test_what_is_asked_as_soon_as_a_kernel_is_gone_is_answered_by_the_next(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    async with started() as (manager, client):
        for _ in range(3):  # the moment in which it would be lost is short
            the_kernel(far).kill_supervisor()
            while await manager.provisioner.poll() is None:  # noqa: ASYNC110 (as a restarter does)
                await asyncio.sleep(0)
            question = client.kernel_info()
            await manager.restart_kernel(now=True)
            assert (await answer_to(client, question))["status"] == "ok"
    assert far.left_behind() == []


@pytest.mark.parametrize("cause", ["nobody came", "SIGTERM"])
async def test_the_next_connection_tells_why_a_supervisor_has_ended_meanwhile(
    make_far: MakeFarSide, cause: str, caplog: pytest.LogCaptureFixture
) -> None:
    far = make_far()
    far.install("far", detached_timeout=600 if cause == "SIGTERM" else 1)
    async with started() as (manager, _):
        kernel = the_kernel(far)
        await asyncio.to_thread(far.server.stop)
        if cause == "SIGTERM":
            os.kill(kernel.pid, signal.SIGTERM)
        assert await asyncio.to_thread(far.left_behind) == []
        await asyncio.to_thread(far.server.start)
        assert await asyncio.wait_for(manager.provisioner.wait(), 60) == -signal.SIGKILL
        (told,) = warnings(caplog)
        why = (
            "its supervisor was told to end, with SIGTERM"
            if cause == "SIGTERM"
            else "nobody was connected for 1 s (detached_timeout), so its supervisor stopped it"
        )
        lost = "Its variables are lost; restart it to go on."
        assert told == f"{far.server.alias}: the kernel python3 is gone: {why}. {lost}"
    assert far.left_behind() == []


async def test_what_nobody_comes_back_for_ends_when_somebody_else_connects(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    remote_wrapped_kernel(far.server.home, "wrapped")
    far.install("wrapped", "wrapped")
    async with program_with_kernel("wrapped") as program:
        await program.says("ready")
        kernel = the_kernel(far)
        (directory,) = far.supervisors()
        await program.kill()
    await asyncio.to_thread(far.server.cut)

    def bridges() -> list[Process]:
        found = [each for each in far.server.processes() if " bridge " in each.command]
        return [each for each in found if each.pid != kernel.pid]

    # Nobody is to see the supervisor's end, nor that the command has started something.
    assert await asyncio.to_thread(processes.wait_gone, bridges, SOON) == []
    kernel.kill_supervisor()

    (command,) = [each for each in kernel.processes if each.pid == kernel.kernel_pid]
    assert await asyncio.to_thread(processes.wait_ended, [command], SOON) == []
    (orphan,) = [each for each in kernel.processes if processes.is_alive(each)]
    assert "ipykernel" in orphan.command
    async with started() as (manager, client):
        assert await asyncio.to_thread(processes.wait_ended, kernel.processes, 30) == []
        await asyncio.wait_for(asyncio.to_thread(until_removed, directory), SOON)
        assert (await execute(client, "print(6 * 7)")).text == "42\n"
        assert await manager.is_alive()
    assert far.left_behind() == []
