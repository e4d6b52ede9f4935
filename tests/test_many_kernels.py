"""All kernels of a host share one connection, and Jupyter's loop never waits for it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from jupyter_client.multikernelmanager import AsyncMultiKernelManager
from sshpyk_core.remote import wire
from support.distributions import Distributions, distributions
from support.far import FarSide
from support.kernels import execute
from support.loop_watch import watched_loop
from support.managers import connected_to, started
from support.sessions import close_hosts
from support.wiretap import Wiretap

__all__ = ["distributions"]

TWENTY = 20
LONGEST_WAIT = 0.1
LONGEST_POLL = 50e-6


async def test_twenty_kernels_start_at_once_over_one_connection_and_one_channel(
    far: FarSide,
) -> None:
    far.install("patient", launch_timeout=150)
    async with started("patient"):
        pass  # the host has the remote package from now on
    close_hosts()
    logins, sessions = far.server.logins(), far.server.sessions()
    manager = AsyncMultiKernelManager(default_kernel_name="patient")
    try:
        names = await asyncio.gather(*(manager.start_kernel() for _ in range(TWENTY)))
        kernels = [manager.get_kernel(name) for name in names]
        assert len({port for kernel in kernels for port in kernel.ports}) == 5 * TWENTY
        assert len(set(await asyncio.gather(*map(ask_who, kernels)))) == TWENTY
        assert far.server.logins() == logins + 1
        assert far.server.sessions() == sessions + 1
    finally:
        await manager.shutdown_all(now=True)
    assert far.left_behind() == []


async def test_a_start_on_a_warm_host_is_one_round_trip(
    far: FarSide, distributions: Distributions
) -> None:
    with Wiretap(distributions) as tap:
        for _ in range(2):
            calls = tap.calls
            manager = AsyncKernelManager(kernel_name="far")
            await manager.start_kernel()
            await manager.shutdown_kernel(now=True)
    assert tap.calls == calls
    frames = list(tap.frames())
    newest = max(frame.supervisor for _, frame in frames)
    asked = [n for n, (way, frame) in enumerate(frames) if is_spawn(frame)][-1]
    start = [f for n, f in enumerate(frames) if n == asked or f.frame.supervisor == newest]
    kinds = [(way, frame.kind) for way, frame in start if frame.kind != wire.ACK]
    round_trip = kinds[: kinds.index(("read", wire.RESULT)) + 1]
    assert round_trip == [
        ("sent", wire.REQUEST),
        ("sent", wire.ATTACH),
        ("sent", wire.COMMAND),
        ("read", wire.ATTACHED),
        ("read", wire.RESULT),
    ]


async def test_a_poll_answers_at_once_whatever_the_host_does(far: FarSide) -> None:
    async with started() as (manager, _):
        provisioner = manager.provisioner
        with frozen_connections(far):
            assert await manager.is_alive()
            assert only_step(provisioner.poll()) is None
            assert builtins_called_by(provisioner.poll()) == set()
            assert min(seconds_of_poll(provisioner) for _ in range(20)) < LONGEST_POLL


async def test_the_loop_of_jupyter_never_waits_for_the_host(far: FarSide) -> None:
    manager = AsyncKernelManager(kernel_name="far")
    assert manager.kernel_spec.display_name == "far"  # Jupyter imports much when it looks first
    async with watched_loop() as watch:
        await manager.start_kernel()
        await manager.restart_kernel()
        await manager.restart_kernel(now=True)
        await manager.interrupt_kernel()
        await manager.shutdown_kernel()
    assert watch.rounds > 50
    assert watch.longest_wait < LONGEST_WAIT


async def ask_who(manager: Any) -> str:
    async with connected_to(manager) as client:
        return (await execute(client, "import os; print(os.getpid())", timeout=120)).text


def is_spawn(frame: wire.Frame) -> bool:
    return frame.kind == wire.REQUEST and frame.json()["do"] == "spawn"


@contextmanager
def frozen_connections(far: FarSide) -> Iterator[None]:
    """Stop the bridge and all else that runs in a login."""
    detached = far.server.detached()
    attached = [process for process in far.server.processes() if process not in detached]
    assert attached
    for process in attached:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in attached:
            os.kill(process.pid, signal.SIGCONT)


def only_step(coroutine: Any) -> Any:
    """Give what a coroutine returns that never waits for anything."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits for something")


def builtins_called_by(coroutine: Any) -> set[str]:
    """Name the functions not written in Python that it calls: system calls are among them."""
    called = set()

    def note(_frame: FrameType, event: str, function: Any) -> None:
        if event == "c_call":
            called.add(function.__name__)

    sys.setprofile(note)
    try:
        only_step(coroutine)
    finally:
        sys.setprofile(None)
    return called - {"send", "setprofile"}


def seconds_of_poll(provisioner: Any) -> float:
    start = time.perf_counter()
    for _ in range(100):
        only_step(provisioner.poll())
    return (time.perf_counter() - start) / 100
