"""A kernel that cannot start says why and what to do, and leaves nothing behind, here or there."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import AsyncKernelManager
from sshpyk_core.errors import (
    AuthenticationError,
    ChangedHostKeyError,
    ConfigError,
    HostError,
    HostNotFoundError,
    HostUnreachableError,
    KernelSpecNotFoundError,
    KernelStartError,
    LaunchError,
    SshpykError,
    UnknownHostKeyError,
)
from support.far import FarSide, MakeFarSide
from support.kernels import execute, remote_failing_kernel, remote_kernel
from support.managers import started
from support.traces import leaving_nothing


async def failure(far: FarSide, **config: Any) -> SshpykError:
    """Give the error of a start that leaves nothing behind."""
    far.install("failing", **config)
    # A thread of paramiko's that is cut off ends a moment later.
    with leaving_nothing(far, within=5 if far.way.transport == "paramiko" else 0):
        manager = AsyncKernelManager(kernel_name="failing")
        with pytest.raises(SshpykError) as caught:
            await manager.start_kernel()
        assert not manager.has_kernel
    return caught.value


async def host_failure(far: FarSide, **config: Any) -> HostError:
    """Give the error of a start that failed on the way to the host or on it."""
    error = await failure(far, **config)
    assert isinstance(error, HostError)
    assert str(error).startswith(f"{error.host}: could not {error.tried}: {error.answer}")
    assert error.answer
    return error


def ssh(far: FarSide, **settings: str | int) -> dict[str, Any]:
    """Give the key of the spec that sets these settings of ssh."""
    lines = [f"{key} {value}" for key, value in settings.items()]
    return {"ssh_config": str(far.server.client.config_with(*lines))}


@contextmanager
def silent_port(*, answers: bool) -> Iterator[int]:
    """Hold a port that takes connections and never says a word, or that refuses them."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        if answers:
            holder.listen()
        yield holder.getsockname()[1]


# --- on the way to the host ----------------------------------------------------------------------


async def test_an_alias_that_nobody_knows_is_told(far: FarSide) -> None:
    error = await host_failure(far, ssh_host_alias="nowhere.invalid")
    assert type(error) is HostNotFoundError
    assert error.host == "nowhere.invalid"
    assert "Check the alias `nowhere.invalid`" in str(error)


async def test_a_refused_connection_is_told(far: FarSide) -> None:
    with silent_port(answers=False) as port:
        error = await host_failure(far, **ssh(far, Port=port))
    assert type(error) is HostUnreachableError
    assert "refused" in error.answer
    assert str(port) in str(error)


async def test_a_host_that_never_answers_is_given_up_after_its_connect_timeout(
    far: FarSide,
) -> None:
    with silent_port(answers=True) as port:
        error = await host_failure(far, **ssh(far, Port=port, ConnectTimeout=1))
    assert type(error) is HostUnreachableError
    assert re.search("timed out|within 1 s", error.answer)


async def test_a_host_that_never_answers_is_given_up_after_the_launch_timeout(
    far: FarSide,
) -> None:
    with silent_port(answers=True) as port:
        error = await host_failure(far, launch_timeout=1, **ssh(far, Port=port))
    assert type(error) is KernelStartError
    assert "it had not started after 1 s" in error.answer
    assert "launch_timeout" in error.fix


async def test_a_wrong_key_is_told_with_the_command_that_logs_in(far: FarSide) -> None:
    client = far.server.client
    client.offer_wrong_key()
    try:
        error = await host_failure(far)
    finally:
        client.offer_right_key()
    assert type(error) is AuthenticationError
    assert f"ssh -F {far.server.ssh_config} {far.server.alias}" in error.fix


async def test_an_unknown_host_key_is_told_with_the_command_that_accepts_it(far: FarSide) -> None:
    client = far.server.client
    client.forget_host_key()
    try:
        error = await host_failure(far)
    finally:
        client.trust_host_key()
    assert type(error) is UnknownHostKeyError
    assert f"accept it, once, in a terminal: `ssh -F {far.server.ssh_config} " in error.fix


async def test_a_changed_host_key_is_refused_plainly(far: FarSide) -> None:
    client = far.server.client
    client.change_host_key()
    try:
        error = await host_failure(far)
    finally:
        client.trust_host_key()
    assert type(error) is ChangedHostKeyError
    assert f"ssh-keygen -R '[127.0.0.1]:{far.server.port}'" in error.fix


@pytest.mark.ways(servers=["sshd"], why="only sshd has forced commands")
async def test_a_forced_command_that_ends_the_shell_is_told_with_its_words(
    make_far: MakeFarSide,
) -> None:
    far = make_far(sshd_config=["ForceCommand echo only files here; exit 3"])
    error = await host_failure(far)
    assert type(error) is LaunchError
    assert "status 3: only files here" in error.answer


# --- on the host ---------------------------------------------------------------------------------


async def test_a_missing_kernel_is_told_with_those_that_there_are(far: FarSide) -> None:
    error = await host_failure(far, remote_kernel_name="julia-1.9")
    assert type(error) is KernelSpecNotFoundError
    assert "there is no kernel 'julia-1.9'" in error.answer
    assert re.search(r"there are: .*python3", error.answer)
    assert "remote_kernel_name" in error.fix


@pytest.mark.parametrize("precmd", [None, "true"])
async def test_a_kernel_that_ends_at_once_is_told_with_its_status_and_its_last_lines(
    make_far: MakeFarSide, precmd: str | None
) -> None:
    far = make_far()
    lines = [f"line {number}" for number in range(3000)]
    remote_failing_kernel(far.server.home, lines=(*lines, "ImportError: no such thing"), status=3)
    error = await host_failure(far, remote_kernel_name="failing", remote_precmd=precmd)
    assert type(error) is KernelStartError
    assert "exit status 3" in error.answer
    assert error.answer.endswith("line 2999\nImportError: no such thing")
    assert len(error.answer) < 10_000


async def test_a_kernel_whose_program_is_not_there_is_told(make_far: MakeFarSide) -> None:
    far = make_far()
    remote_kernel(far.server.home, "gone", ["/nowhere/bin/kernel", "{connection_file}"])
    error = await host_failure(far, remote_kernel_name="gone")
    assert type(error) is KernelStartError
    assert "/nowhere/bin/kernel" in error.answer


async def test_a_kernel_that_never_listens_is_given_up_after_the_launch_timeout(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    remote_kernel(far.server.home, "deaf", ["sleep", "1000"])
    error = await host_failure(far, remote_kernel_name="deaf", launch_timeout=3)
    assert type(error) is KernelStartError
    assert "it had not started after 3 s" in error.answer


async def test_a_start_that_is_cancelled_leaves_nothing_behind(make_far: MakeFarSide) -> None:
    far = make_far()
    fifo = far.server.home / "fifo"
    await asyncio.to_thread(os.mkfifo, fifo)  # and so the thread is there that reads it
    remote_kernel(far.server.home, "deaf", ["sh", "-c", f"echo up > {fifo}; exec sleep 1000"])
    far.install("failing", "deaf")
    with leaving_nothing(far, within=10):
        start = asyncio.create_task(AsyncKernelManager(kernel_name="failing").start_kernel())
        assert await asyncio.to_thread(fifo.read_text) == "up\n"
        start.cancel()
        with pytest.raises(asyncio.CancelledError):
            await start


async def test_a_working_directory_that_is_not_there_is_told(far: FarSide) -> None:
    error = await host_failure(far, remote_cwd="~/not/there")
    assert f"{far.server.home}/not/there" in error.answer
    assert "remote_cwd" in error.fix


async def test_a_failed_start_does_not_disturb_a_kernel_that_runs(far: FarSide) -> None:
    far.install("missing", "no-such-kernel")
    async with started() as (manager, client):
        there = far.supervisors()
        for _ in range(2):
            with pytest.raises(KernelSpecNotFoundError):
                await AsyncKernelManager(kernel_name="missing").start_kernel()
        assert (await execute(client, "print(1 + 1)")).text == "2\n"
        assert await manager.is_alive()
        assert far.supervisors() == there
        async with started() as (_, second):
            assert (await execute(second, "print(2 + 2)")).text == "4\n"
    assert far.left_behind() == []


# --- words that a shell or ssh would take for something else -------------------------------------


@pytest.mark.parametrize(
    "alias",
    ["-oProxyCommand=touch {file}", "remote;touch {file}", "$(touch {file})", "a b", "`id`", ""],
)
async def test_an_alias_that_ssh_or_a_shell_could_misread_is_refused(
    far: FarSide, tmp_path: Path, alias: str
) -> None:
    file = tmp_path / "made"
    error = await failure(far, ssh_host_alias=alias.format(file=file))
    assert type(error) is ConfigError
    assert "ssh_host_alias" in str(error)
    assert not file.exists()


@pytest.mark.parametrize(
    "name", ["-f", "$(touch {file})", "python3; touch {file}", "../../python3", "a\nb", ""]
)
async def test_a_kernel_name_that_a_shell_could_misread_is_refused(
    far: FarSide, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "made"
    error = await failure(far, remote_kernel_name=name.format(file=file))
    assert type(error) is ConfigError
    assert "remote_kernel_name" in str(error)
    assert not file.exists()
