"""A control master, or a network behind it, that is stuck holds up nothing for ever."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sshpyk_core.errors import ForwardError, LaunchError
from sshpyk_core.types import TcpAddress
from sshpyk_openssh.mux import Message, MuxConnection, MuxTimeoutError
from support.openssh import connected, left_behind, local_ssh, outcome, target_of
from support.processes import Process
from support.require import require_program
from support.sshd import SSHServer

from sshpyk_openssh import master, mux, plugin

LOOPBACK = TcpAddress("127.0.0.1", 0)
NOWHERE = TcpAddress("127.0.0.1", 9)
ENOUGH_SECONDS = 15


@contextmanager
def stopped(processes: list[Process]) -> Iterator[None]:
    for process in processes:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mux, "_ANSWER_LIMIT_SECONDS", 0.5)
    monkeypatch.setattr(mux, "_STOP_LIMIT_SECONDS", 0.5)


async def test_a_session_over_a_stopped_master_of_ours_says_so_and_can_be_closed(
    sshd: SSHServer, hurried: None
) -> None:
    session = await plugin.sshpyk_connect(target_of(sshd, multiplex="own"), None)
    process = await plugin.sshpyk_launch(session, "exec cat")
    forwards = [await plugin.sshpyk_forward(session, LOOPBACK, NOWHERE) for _ in range(3)]
    with stopped(local_ssh(sshd)):

        async def use_and_close() -> None:
            with pytest.raises(LaunchError, match="did not answer within") as launch:
                await plugin.sshpyk_launch(session, "true")
            with pytest.raises(ForwardError, match="did not answer within") as forward:
                await plugin.sshpyk_forward(session, LOOPBACK, NOWHERE)
            for error in (launch.value, forward.value):
                assert f"ssh -F {sshd.ssh_config} " in error.fix
            await forwards[0].aclose()
            await process.terminate()
            await session.aclose()

        await asyncio.wait_for(use_and_close(), ENOUGH_SECONDS)
        assert left_behind(sshd) == []


async def test_a_session_over_a_stopped_master_of_the_user_can_be_closed_and_does_not_kill_it(
    make_sshd: Callable[..., SSHServer], hurried: None
) -> None:
    server = make_sshd(ssh_config=["ControlPath ${XDG_RUNTIME_DIR}/user-%C"])
    _user_ssh(server, "-fN", "-o", "ControlMaster=yes")
    users = local_ssh(server)
    session = await plugin.sshpyk_connect(target_of(server), None)
    await plugin.sshpyk_forward(session, LOOPBACK, NOWHERE)
    with stopped(users):
        await asyncio.wait_for(session.aclose(), ENOUGH_SECONDS)
        async with connected(server) as other:
            assert len(local_ssh(server)) == 2
            fine = await plugin.sshpyk_launch(other, "echo fine")
            assert (await outcome(fine))[1] == b"fine\n"
    assert local_ssh(server) == users
    _user_ssh(server, "-O", "exit")
    assert left_behind(server) == []


async def test_a_launch_that_the_server_never_answers_is_given_up_and_the_session_goes_on(
    sshd: SSHServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(sshd) as session:
        with monkeypatch.context() as patch, stopped(sshd.connections()):
            patch.setattr(mux, "_SESSION_LIMIT_SECONDS", 0.5)
            with pytest.raises(LaunchError, match="did not answer within"):
                await asyncio.wait_for(plugin.sshpyk_launch(session, "exec cat"), ENOUGH_SECONDS)
        fine = await plugin.sshpyk_launch(session, "echo fine")
        assert (await outcome(fine))[1] == b"fine\n"


async def test_a_master_that_never_greets_is_given_up(tmp_path: Path, hurried: None) -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    path = str(tmp_path / "s")
    async with await asyncio.start_unix_server(listen, path):
        with pytest.raises(MuxTimeoutError):
            await asyncio.wait_for(MuxConnection.open(path), ENOUGH_SECONDS)


async def test_a_master_of_ours_that_refuses_to_end_is_killed(tmp_path: Path) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(struct.pack(">III", 8, Message.HELLO, 4))
        await reader.readexactly(12)
        _, _, number = struct.unpack(">III", await reader.readexactly(12))
        writer.write(struct.pack(">IIII", 12, Message.PERMISSION_DENIED, number, 0))
        await reader.read()
        writer.close()

    directory = tmp_path / "d"
    directory.mkdir()
    path = str(directory / "s")
    process = await asyncio.create_subprocess_exec("sleep", "1000")
    try:
        async with await asyncio.start_unix_server(refuse, path):
            keeper = await MuxConnection.open(path)
            started = await master.start_time(process.pid)
            ours = master.Master(path, keeper, directory, process.pid, started)
            await asyncio.wait_for(ours.release(), ENOUGH_SECONDS)
        assert await asyncio.wait_for(process.wait(), ENOUGH_SECONDS) == -signal.SIGKILL
        assert not directory.exists()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _user_ssh(server: SSHServer, *arguments: str) -> None:
    ssh = require_program("ssh", "openssh-client")
    command = [ssh, "-F", str(server.ssh_config), *arguments, "--", server.alias]
    subprocess.run(command, check=True, timeout=30, stderr=subprocess.DEVNULL)
