"""Kernels on a host are listed, read, interrupted and stopped by somebody who is not attached."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest
from sshpyk_core.errors import RemoteError, SupervisorGoneError, SupervisorUnreachableError
from sshpyk_core.link.link import Link
from support.far import FarSide, MakeFarSide, state_of
from support.kernels import execute
from support.leftovers import left, named
from support.links import linked
from support.managers import READY, answer_to, busy, started

from sshpyk_core import running_kernels as running

SAY = "import os; os.write(1, b'said by hand\\n')"
SPIN = "print('spinning', flush=True)\nwhile True: pass"


async def until_gone(link: Link, directory: str) -> None:
    while True:
        await running.tell(link, directory, "status")


async def test_a_kernel_is_listed_and_its_output_read_and_it_is_interrupted_and_stopped(
    far: FarSide,
) -> None:
    async with started() as (_, client), linked(far) as link:
        (supervisor,) = far.supervisors()
        about = state_of(supervisor)
        found = await running.running_kernels(link)
        (kernel,) = found.kernels
        assert (kernel.name, kernel.directory) == (supervisor.name, str(supervisor))
        assert (kernel.kernel, kernel.pid) == ("python3", about["pid"])
        assert kernel.answers
        assert kernel.attached
        assert kernel.attached_since is not None
        assert abs(found.now - time.time()) < 10
        assert kernel.memory is not None
        assert kernel.memory > 10_000_000
        assert kernel.cpu_seconds is not None
        assert kernel.spool_memory == 0
        directory = kernel.directory
        # Nobody took notice of the visit.
        assert state_of(supervisor)["attached_since"] == about["attached_since"]

        first = await running.read_log(link, directory)
        assert b"kernel python3 started, pid %d\n" % about["pid"] in first.data
        waiting = asyncio.create_task(running.read_log(link, directory, first.next, 30))
        await execute(client, SAY)
        part = await asyncio.wait_for(waiting, READY)
        assert part.data.startswith(b"said by hand\n")
        assert not part.ended
        assert (await running.read_log(link, directory, 10**9)).data == b""

        cell = await busy(client, SPIN)
        while (await running.tell(link, directory, "signal", signum=0))["delivered"]:
            (kernel,) = (await running.running_kernels(link)).kernels
            if kernel.cpu_percent is not None and kernel.cpu_percent > 30:
                break
        delivered = await running.tell(link, directory, "signal", signum=2, name="SIGINT")
        assert delivered == {"delivered": True}
        assert (await answer_to(client, cell))["ename"] == "KeyboardInterrupt"

        await running.tell(link, directory, "signal", signum=9, name="SIGKILL")
        end = await running.read_log(link, directory, part.next, 30)
        while b"ended with signal 9" not in end.data:
            end = await asyncio.wait_for(running.read_log(link, directory, end.next, 30), READY)
        assert await running.tell(link, directory, "stop") == {}
        with pytest.raises(SupervisorGoneError) as caught:
            await until_gone(link, directory)
        assert caught.value.kind == "gone"
    assert await asyncio.to_thread(far.left_behind) == []


async def test_a_supervisor_that_does_not_answer_is_listed_and_a_dead_one_accounted_for(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    async with started(), linked(far) as link:
        (supervisor,) = far.supervisors()
        about = state_of(supervisor)
        left(supervisor.parent.parent, "dead")
        os.kill(about["supervisor_pid"], signal.SIGSTOP)
        try:
            found = await running.running_kernels(link, ["/nowhere"])
            (kernel,) = found.kernels
            assert not kernel.answers
            assert (kernel.kernel, kernel.pid) == ("python3", about["pid"])
            assert [each.name for each in found.ended] == [named("dead")]
            assert "was killed" in found.ended[0].words
            with pytest.raises(SupervisorUnreachableError):
                await running.tell(link, str(supervisor), "status")
        finally:
            os.kill(about["supervisor_pid"], signal.SIGCONT)
        assert "token" not in await running.tell(link, str(supervisor), "status")
        with pytest.raises(RemoteError, match="bad command"):
            await running.tell(link, str(supervisor), "log", offset=-1)
    assert await asyncio.to_thread(far.left_behind) == []
