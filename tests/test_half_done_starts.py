"""A start that is ended, doubled or cut off in the middle leaves one kernel or none."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from jupyter_client.manager import AsyncKernelManager
from sshpyk_core.background import background
from sshpyk_core.config import KernelConfig
from sshpyk_core.errors import KernelSpecNotFoundError, KernelStartError
from sshpyk_core.kernel.launch_request import Launch, MessageSecurity
from sshpyk_core.kernel.live_kernel import LiveKernel
from sshpyk_core.remote import presence, wire
from support.bridge_process import bridge_in
from support.far import FarSide, MakeFarSide, is_listening, state_of
from support.kernels import remote_kernel
from support.local import LocalSide
from support.managers import READY
from support.processes import wait_gone, with_home
from support.serving import serving
from support.traces import leaving_nothing

NAME = "5" * 32

NEVER_LISTENS = """
import socket, sys, time
socket.create_connection(("127.0.0.1", int(sys.argv[1])))
time.sleep(1000)
"""

LISTENS = """
import json, socket, sys, time
content = json.load(open(sys.argv[1]))
ports = [content[name] for name in content if name.endswith("_port")]
listeners = [socket.create_server(("127.0.0.1", port)) for port in ports]
time.sleep(1000)
"""


@asynccontextmanager
async def deaf_kernel(far: FarSide) -> AsyncIterator[asyncio.Event]:
    """Have a kernel, ``deaf``, that never listens; the event tells that its process is there."""
    there = asyncio.Event()

    async def on_call(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        there.set()

    async with serving(on_call) as port:
        remote_kernel(far.server.home, "deaf", ["python3", "-c", NEVER_LISTENS, str(port)])
        far.install("deaf", "deaf")
        yield there


async def test_a_kernel_that_is_ended_while_it_starts_leaves_nothing_behind(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    async with deaf_kernel(far) as there:
        with leaving_nothing(far, within=10):
            manager = AsyncKernelManager(kernel_name="deaf")
            start = asyncio.create_task(manager.start_kernel())
            await asyncio.wait_for(there.wait(), READY)
            await manager.provisioner.cleanup()
            with pytest.raises(KernelStartError, match="it was ended meanwhile"):
                await start
            assert not manager.has_kernel
    assert far.left_behind() == []


@pytest.mark.ways(servers=["sshd"], why="another server stands in its place")
@pytest.mark.parametrize("wanted", [{"existing": "0123abcd"}, {"reattach": True}])
async def test_a_kernel_that_is_ended_while_it_is_looked_for_is_not_started(
    make_far: MakeFarSide, wanted: dict[str, str | bool]
) -> None:
    far, asked = make_far(), asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()

    async with serving(say_nothing) as port:
        far.server.reach_through(port)
        far.install("wanted", **wanted)
        manager = AsyncKernelManager(kernel_name="wanted")
        start = asyncio.create_task(manager.start_kernel(env={"JPY_SESSION_NAME": "work.ipynb"}))
        await asyncio.wait_for(asked.wait(), READY)
        await manager.provisioner.cleanup()
        with pytest.raises(KernelStartError, match="it was ended meanwhile"):
            await asyncio.wait_for(start, READY)
        assert not manager.has_kernel


async def test_a_start_that_is_cut_off_and_cancelled_is_undone_when_the_host_is_back(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    far.install("missing", "no-such-kernel")
    async with deaf_kernel(far) as there:
        manager = AsyncKernelManager(kernel_name="deaf")
        start = asyncio.create_task(manager.start_kernel())
        await asyncio.wait_for(there.wait(), READY)
        # What the supervisor has said so far came over the same link before this answer.
        with pytest.raises(KernelSpecNotFoundError):
            await AsyncKernelManager(kernel_name="missing").start_kernel()
        assert not start.done()
        await asyncio.to_thread(far.server.stop)
        start.cancel()
        with pytest.raises(asyncio.CancelledError):
            await start
        assert not manager.has_kernel
        assert len(far.supervisors()) == 1
        assert any("time.sleep(1000)" in each.command for each in far.server.processes())
        await asyncio.to_thread(far.server.start)
        assert await asyncio.to_thread(far.left_behind, 20) == []


async def test_two_starts_of_one_kernel_at_the_same_time_make_one(far: FarSide) -> None:
    stanza = {"ssh_host_alias": far.server.alias, "ssh_config": str(far.server.ssh_config)}
    live = LiveKernel(KernelConfig.parse({**stanza, "remote_kernel_name": "python3"}, "a test"))
    launch = Launch(MessageSecurity("a key"))
    try:
        starts = [background.run(live.start(launch)) for _ in range(2)]
        first, second = await asyncio.gather(*starts)
        assert first.ports == second.ports
        assert len(far.supervisors()) == 1
        kernels = [each for each in far.server.detached() if "ipykernel" in each.command]
        assert len(kernels) == 1
    finally:
        await background.run(live.end())
    assert far.left_behind() == []
    assert not any(is_listening(port) for port in first.ports.values())


@pytest.mark.parametrize("precmd", ["exit 3", ""], ids=["failed", "seen"])
def test_a_week_is_waited_only_for_a_program_that_has_seen_its_kernel_start(
    local: LocalSide, precmd: str
) -> None:
    a_week = 7 * 86400.0
    remote_kernel(local.home, "listens", [sys.executable, "-c", LISTENS, "{connection_file}"])
    spawn = {"do": "spawn", "supervisor": NAME, "token": "t", "owner": "a test", "remote_dir": None}
    limits = {"spool_limit": 0, "spool_memory": 0, "detached_timeout": a_week}
    attach = {"token": "t", "attachment": "a", "epoch": 1, "received": 0}
    launch = {"kernel_name": "listens", "remote_python": "auto", "precmd": precmd}
    connection = {"key": "", "signature_scheme": "hmac-sha256", "encryption": "disabled"}
    with bridge_in(local.home) as bridge:

        def say(handle: int, kind: int, seq: int = 0, /, **fields: object) -> None:
            bridge.say(wire.Frame(handle, kind, 0, seq, wire.dumps(fields)).encode())

        say(0, wire.REQUEST, id=1, handle=7, **spawn, **limits)
        say(7, wire.ATTACH, **attach)
        say(7, wire.COMMAND, 1, id=2, do="launch", request={**launch, "connection": connection})
        result = next(each for each in bridge.hear() if each.kind == wire.RESULT)
        number = wire.U64.pack(result.seq)
        bridge.say(wire.Frame(7, wire.ACK, 0, 0, number).encode())
        bridge.finish()
    assert ("error" in result.json()) is bool(precmd)
    supervisor = local.home / ".cache/sshpyk/supervisors" / NAME
    while (told := state_of(supervisor))["attached"]:
        time.sleep(0.05)  # nothing tells when a file has changed
    waits = told["ends_at"] - told["detached_since"]
    assert waits == (presence.UNKNOWN_PATIENCE if precmd else a_week)
    os.kill(told["supervisor_pid"], signal.SIGTERM)
    assert wait_gone(partial(with_home, local.home), READY) == []
