"""Sessions of the OpenSSH transport: commands, their bytes, and what is left when all is over."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from sshpyk_core.errors import ForwardError, LaunchError
from sshpyk_core.transport_kit import remote_command
from sshpyk_core.types import RemoteProcess, Session, TcpAddress
from support import processes
from support.openssh import connected, left_behind, local_ssh, logins, outcome, target_of
from support.sshd import SSHServer

from sshpyk_openssh import plugin

MODES = ("own", "never")
LOOPBACK = TcpAddress("127.0.0.1", 0)


def open_descriptors() -> set[str]:
    return {name for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}")}


@pytest.mark.parametrize("mode", MODES)
async def test_a_command_gives_its_output_its_errors_and_its_status(
    shared_sshd: SSHServer, mode: str
) -> None:
    async with connected(shared_sshd, multiplex=mode) as session:
        assert isinstance(session, Session)
        process = await plugin.sshpyk_launch(session, "echo out; echo err >&2; exit 7")
        assert isinstance(process, RemoteProcess)
        assert await outcome(process) == (7, b"out\n", b"err\n")


@pytest.mark.parametrize("mode", MODES)
async def test_every_byte_passes_both_ways_and_closing_the_input_is_read_as_its_end(
    shared_sshd: SSHServer, mode: str
) -> None:
    content = bytes(range(256)) * 40_000
    async with connected(shared_sshd, multiplex=mode) as session:
        process = await plugin.sshpyk_launch(session, "cat; echo done >&2")

        async def feed() -> None:
            for start in range(0, len(content), 65536):
                process.stdin.write(content[start : start + 65536])
                await process.stdin.drain()
            process.stdin.close()

        _, output = await asyncio.gather(feed(), process.stdout.read())
        assert output == content
        assert await process.stderr.read() == b"done\n"
        assert await process.wait() == 0


@pytest.mark.parametrize("mode", MODES)
async def test_a_terminated_command_reads_the_end_of_its_input_and_is_reaped_here(
    shared_sshd: SSHServer, mode: str
) -> None:
    async with connected(shared_sshd, multiplex=mode) as session:
        process = await plugin.sshpyk_launch(session, "echo $$; exec cat")
        pid = int(await process.stdout.read(100))
        await process.terminate()
        await process.terminate()
        assert await process.wait() == 255
        process.stdin.write(b"dropped")
        with pytest.raises(OSError):  # noqa: PT011 - which one depends on who noticed first
            await process.stdin.drain()
        cat = partial(_cat, shared_sshd, pid)
        assert await asyncio.to_thread(processes.wait_gone, cat, 10) == []


def _cat(server: SSHServer, pid: int) -> list[processes.Process]:
    return [process for process in server.processes() if process.pid == pid]


async def test_a_command_that_a_signal_ends_has_status_255(shared_sshd: SSHServer) -> None:
    async with connected(shared_sshd) as session:
        process = await plugin.sshpyk_launch(session, "exec sh -c 'kill -9 $$'")
        assert (await outcome(process))[0] == 255


async def test_many_commands_share_one_connection(sshd: SSHServer) -> None:
    async with connected(sshd) as session:

        async def one(number: int) -> bytes:
            process = await plugin.sshpyk_launch(session, f"echo {number}")
            return (await outcome(process))[1]

        got = await asyncio.gather(*map(one, range(8)))
        assert got == [b"%d\n" % number for number in range(8)]
    assert logins(sshd) == 1


@pytest.mark.parametrize("mode", MODES)
async def test_a_closed_session_leaves_nothing_behind(sshd: SSHServer, mode: str) -> None:
    async with connected(sshd, multiplex=mode):
        pass  # what asyncio itself opens once, it keeps
    before = open_descriptors()
    async with connected(sshd, multiplex=mode) as session:
        running = await plugin.sshpyk_launch(session, "exec sleep 1000")
        ended = await plugin.sshpyk_launch(session, "exit 0")
        await plugin.sshpyk_forward(session, LOOPBACK, TcpAddress("127.0.0.1", 9))
        assert await ended.wait() == 0
        assert not session.closed.done()
    assert session.closed.done()
    await session.aclose()
    assert await running.wait() == 255
    assert left_behind(sshd) == []
    await asyncio.sleep(0)
    assert open_descriptors() == before
    with pytest.raises(LaunchError):
        await plugin.sshpyk_launch(session, "true")
    sshd.kill_processes()  # sleep reads no input, so nothing tells it that its channel is gone


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3])
async def test_a_cancelled_connect_leaves_nothing_behind(
    sshd: SSHServer, mode: str, seconds: float
) -> None:
    attempt = asyncio.create_task(plugin.sshpyk_connect(target_of(sshd, multiplex=mode), None))
    await asyncio.wait([attempt], timeout=seconds)
    if attempt.cancel():
        await asyncio.wait([attempt])
        assert attempt.cancelled()
    else:
        await attempt.result().aclose()
    assert left_behind(sshd) == []


@pytest.mark.parametrize("mode", MODES)
async def test_a_cancelled_launch_leaves_nothing_behind(sshd: SSHServer, mode: str) -> None:
    async with connected(sshd, multiplex=mode) as session:
        before = open_descriptors()
        for turns in range(12):
            attempt = asyncio.ensure_future(plugin.sshpyk_launch(session, "exec cat"))
            for _ in range(turns):
                await asyncio.sleep(0)
            attempt.cancel()
            await asyncio.wait([attempt])
            if not attempt.cancelled():
                await attempt.result().terminate()
        await asyncio.sleep(0)
        assert open_descriptors() == before
        process = await plugin.sshpyk_launch(session, "echo fine")
        assert (await outcome(process))[1] == b"fine\n"


async def test_a_session_is_closed_when_its_connection_is_cut(sshd: SSHServer) -> None:
    async with connected(sshd) as session:
        process = await plugin.sshpyk_launch(session, "exec cat")
        sshd.cut()
        assert "ended" in await asyncio.wait_for(session.closed, 10)
        assert await process.stdout.read() == b""
        assert await process.wait() == 255
        with pytest.raises(LaunchError):
            await plugin.sshpyk_launch(session, "true")
        with pytest.raises(ForwardError):
            await plugin.sshpyk_forward(session, LOOPBACK, LOOPBACK)
    assert logins(sshd) == 1


async def test_a_master_that_hangs_is_killed(sshd: SSHServer) -> None:
    session = await plugin.sshpyk_connect(target_of(sshd), None)
    (master,) = local_ssh(sshd)
    os.kill(master.pid, signal.SIGSTOP)
    await session.aclose()
    assert left_behind(sshd) == []


OWNER = """
import asyncio, sys
from sshpyk_core.types import Target
from sshpyk_openssh import command, plugin

async def main():
    command._PERSIST_SECONDS = 1
    session = await plugin.sshpyk_connect(Target(sys.argv[1], ssh_config=sys.argv[2]), None)
    await asyncio.wait([session.closed], timeout=2.5)
    print("closed" if session.closed.done() else "open", flush=True)
    await session.closed

asyncio.run(main())
"""


def test_an_idle_master_lasts_as_long_as_its_owner_also_when_that_is_killed(
    sshd: SSHServer,
) -> None:
    arguments = [sys.executable, "-c", OWNER, sshd.alias, str(sshd.ssh_config)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"open\n"
        assert len(local_ssh(sshd)) == 2
        owner.kill()
    assert processes.wait_gone(partial(local_ssh, sshd), 10) == []


async def test_one_session_at_a_time_is_enough_for_commands_in_turn(
    make_sshd: Callable[..., SSHServer],
) -> None:
    server = make_sshd(sshd_config=["MaxSessions 1"])
    async with connected(server) as session:
        launch = partial(plugin.sshpyk_launch, session)
        for number in range(30):
            result = await remote_command.run(launch, f"exit {number}")
            assert result.status == number
        holder = await plugin.sshpyk_launch(session, "exec cat")
        with pytest.raises(LaunchError, match="MaxSessions"):
            await plugin.sshpyk_launch(session, "true")
        await holder.terminate()
    assert logins(server) == 1


@pytest.mark.parametrize("mode", MODES)
async def test_what_a_user_config_adds_to_sessions_is_kept_out(
    make_sshd: Callable[..., SSHServer], tmp_path: Path, mode: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = make_sshd(
            ssh_config=[
                "RemoteCommand echo surprise",
                "RequestTTY force",
                f"LocalForward 127.0.0.1:{port} 127.0.0.1:9",
                "ExitOnForwardFailure yes",
                "PermitLocalCommand yes",
                f"LocalCommand touch {tmp_path}/local",
                "StdinNull yes",
                "ForkAfterAuthentication yes",
                "LogLevel QUIET",
                "ControlMaster auto",
                f"ControlPath {tmp_path}/%C",
            ]
        )
        async with connected(server, multiplex=mode) as session:
            process = await plugin.sshpyk_launch(session, "tty; cat")
            process.stdin.write(b"in\n")
            assert await outcome(process) == (0, b"not a tty\nin\n", b"")
            await plugin.sshpyk_forward(session, LOOPBACK, TcpAddress("127.0.0.1", 9))
    assert os.listdir(tmp_path) == []
