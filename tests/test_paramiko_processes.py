"""Commands over the paramiko transport: their bytes, their ends, and the end of their session."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from sshpyk_core.errors import ForwardError, LaunchError, SessionError
from sshpyk_core.testing.embedded_server import EmbeddedServer
from sshpyk_core.testing.exec_session import ExecSession
from sshpyk_core.testing.relay import Relay
from sshpyk_core.transport_kit import remote_command
from sshpyk_core.types import NO_EXIT_STATUS, RemoteProcess, Session, TcpAddress
from sshpyk_paramiko.connection import Connection
from support import processes
from support.asyncssh_side import Leaks, eventually
from support.openssh import outcome
from support.paramiko_side import connected, target_of
from support.sshd import SSHServer

from sshpyk_paramiko import plugin

LOOPBACK = TcpAddress("127.0.0.1", 0)
MIB = 1024 * 1024
MakeSSHServer = Callable[..., SSHServer]


async def feed(process: RemoteProcess, content: bytes) -> None:
    for start in range(0, len(content), MIB):
        process.stdin.write(content[start : start + MIB])
        await process.stdin.drain()
    process.stdin.close()


# Bytes


async def test_a_command_gives_its_output_its_errors_and_its_status(
    shared_sshd: SSHServer,
) -> None:
    async with connected(shared_sshd) as session:
        assert isinstance(session, Session)
        process = await plugin.sshpyk_launch(session, "echo out; echo err >&2; exit 7")
        assert isinstance(process, RemoteProcess)
        assert await outcome(process) == (7, b"out\n", b"err\n")
        for status in (0, 1, 127, 255):
            process = await plugin.sshpyk_launch(session, f"exit {status}")
            assert (await outcome(process))[0] == status


async def test_every_byte_passes_both_ways_and_closing_the_input_is_read_as_its_end(
    shared_sshd: SSHServer,
) -> None:
    content = bytes(range(256)) * 40_000
    async with connected(shared_sshd) as session:
        process = await plugin.sshpyk_launch(session, "cat; echo done >&2")
        _, output = await asyncio.gather(feed(process, content), process.stdout.read())
        assert output == content
        assert await process.stderr.read() == b"done\n"
        assert await process.wait() == 0


async def test_reading_gives_at_most_what_was_asked_for(shared_sshd: SSHServer) -> None:
    async with connected(shared_sshd) as session:
        process = await plugin.sshpyk_launch(session, "printf abcdef")
        assert await process.wait() == 0
        assert await process.stdout.read(0) == b""
        assert await process.stdout.read(4) == b"abcd"
        assert await process.stdout.read(4) == b"ef"
        assert await process.stdout.read(4) == b""
        assert await process.stdout.read() == b""


async def test_megabytes_pass_both_ways_at_once_also_while_keys_are_exchanged_anew(
    shared_sshd: SSHServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paramiko.packet.Packetizer.REKEY_BYTES", 8 * MIB)
    block = os.urandom(MIB)
    async with connected(shared_sshd) as session:
        process = await plugin.sshpyk_launch(session, "cat")

        async def read() -> str:
            got = hashlib.sha256()
            while data := await process.stdout.read(MIB):
                got.update(data)
            return got.hexdigest()

        _, digest = await asyncio.gather(feed(process, block * 32), read())
        assert digest == hashlib.sha256(block * 32).hexdigest()


async def test_a_command_that_ends_while_we_wait_for_new_keys_is_taken_leave_of(
    make_embedded: Callable[..., EmbeddedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = threading.Event()
    offer, report = Connection._send_kex_init, ExecSession._report

    def offer_and_tell(connection: Connection) -> None:
        offer(connection)
        offered.set()

    def wait_and_report(served: ExecSession, status: int) -> None:
        with monkeypatch.context() as patch:
            offered.clear()
            patch.setattr("paramiko.packet.Packetizer.REKEY_BYTES", 1)
            served._channel.write(b"and now new keys")
            offered.wait()  # this is the server's thread: it cannot have read the offer
        report(served, status)

    server = make_embedded()
    async with connected(server) as session:
        process = await plugin.sshpyk_launch(session, "true")
        assert await outcome(process) == (0, b"", b"")
        monkeypatch.setattr(Connection, "_send_kex_init", offer_and_tell)
        monkeypatch.setattr(ExecSession, "_report", wait_and_report)
        for _ in range(3):
            process = await plugin.sshpyk_launch(session, "exit 3")
            assert await outcome(process) == (3, b"and now new keys", b"")


async def test_who_does_not_read_holds_the_command_back_and_nobody_else(
    shared_sshd: SSHServer,
) -> None:
    total = 64 * MIB
    async with connected(shared_sshd) as session:
        command = f"head -c {total} /dev/zero; echo written >&2"
        process = await plugin.sshpyk_launch(session, command)
        assert len(await process.stdout.read(1)) == 1
        other = await plugin.sshpyk_launch(session, f"head -c {16 * MIB} /dev/zero | wc -c")
        assert await outcome(other) == (0, b"16777216\n", b"")
        # By now the first command could long have written all.
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(process.stderr.read(1), 0.3)
        assert 1 + len(await process.stdout.read()) == total
        assert await process.stderr.read() == b"written\n"


async def test_who_writes_much_waits_until_it_is_read(
    shared_sshd: SSHServer, tmp_path: Path
) -> None:
    async with connected(shared_sshd) as session:
        go = tmp_path / "go"
        command = f"until [ -e {go} ]; do sleep 0.05; done; wc -c"
        process = await plugin.sshpyk_launch(session, command)
        written = 0

        async def fill() -> None:
            nonlocal written
            while True:
                process.stdin.write(bytes(MIB))
                written += MIB
                await asyncio.wait_for(process.stdin.drain(), 0.3)

        with pytest.raises(asyncio.TimeoutError):
            await fill()
        assert written < 16 * MIB
        process.stdin.write(b"rest")
        go.touch()
        process.stdin.close()
        assert int(await process.stdout.read()) == written + len(b"rest")


async def test_writing_to_a_command_that_has_ended_fails(shared_sshd: SSHServer) -> None:
    async with connected(shared_sshd) as session:
        idle = await plugin.sshpyk_launch(session, "exec 0<&-; echo ready; read line <&-")
        assert await idle.stdout.read() == b"ready\n"
        await idle.wait()
        with pytest.raises(OSError):  # noqa: PT011
            await feed(idle, bytes(8 * MIB))
        busy = await plugin.sshpyk_launch(session, "head -c 10 >/dev/null")
        with pytest.raises(OSError):  # noqa: PT011
            await feed_on(busy)


async def feed_on(process: RemoteProcess, seconds: float = 10) -> None:
    """Write for ever, and wait at most so long for room."""
    while True:
        process.stdin.write(bytes(MIB))
        await asyncio.wait_for(process.stdin.drain(), seconds)


# Ends


async def test_that_a_signal_ended_a_command_is_not_told(shared_sshd: SSHServer) -> None:
    async with connected(shared_sshd) as session:
        process = await plugin.sshpyk_launch(session, "exec sh -c 'kill -9 $$'")
        assert (await outcome(process))[0] == NO_EXIT_STATUS


async def test_a_terminated_command_reads_the_end_of_its_input(sshd: SSHServer) -> None:
    async with connected(sshd) as session:
        process = await plugin.sshpyk_launch(session, "echo $$; exec cat")
        pid = int(await process.stdout.read(100))
        await process.terminate()
        await process.terminate()
        assert await process.wait() == NO_EXIT_STATUS
        assert await process.stdout.read() == b""
        with pytest.raises(OSError):  # noqa: PT011
            await feed_on(process)

        def find() -> list[processes.Process]:
            return [one for one in sshd.processes() if one.pid == pid]

        assert await asyncio.to_thread(processes.wait_gone, find, 10) == []


async def test_one_session_at_a_time_is_enough_for_commands_in_turn(
    make_sshd: MakeSSHServer,
) -> None:
    server = make_sshd(sshd_config=["MaxSessions 1"])
    async with connected(server) as session:
        launch = partial(plugin.sshpyk_launch, session)
        for number in range(20):
            assert (await remote_command.run(launch, f"exit {number}")).status == number
        holder = await plugin.sshpyk_launch(session, "exec cat")
        with pytest.raises(LaunchError, match="MaxSessions"):
            await plugin.sshpyk_launch(session, "true")
        await holder.terminate()
        assert (await outcome(await launch("echo fine")))[1] == b"fine\n"
    assert server.logins() == 1


async def test_many_commands_share_one_connection(sshd: SSHServer) -> None:
    async with connected(sshd) as session:

        async def one(number: int) -> bytes:
            process = await plugin.sshpyk_launch(session, f"echo {number}")
            return (await outcome(process))[1]

        got = await asyncio.gather(*map(one, range(8)))
        assert got == [b"%d\n" % number for number in range(8)]
    assert sshd.logins() == 1


async def test_a_cancelled_launch_runs_nothing_more_and_leaves_nothing_behind(
    sshd: SSHServer,
) -> None:
    async with connected(sshd) as session:
        await outcome(await plugin.sshpyk_launch(session, "true"))
        leaks = Leaks()
        for turns in range(12):
            attempt = asyncio.ensure_future(plugin.sshpyk_launch(session, "exec cat"))
            for _ in range(turns):
                await asyncio.sleep(0)
            attempt.cancel()
            await asyncio.wait([attempt])
            if not attempt.cancelled():
                await attempt.result().terminate()
        assert (await outcome(await plugin.sshpyk_launch(session, "echo fine")))[1] == b"fine\n"
        assert await leaks.found() == set()


async def test_cancelled_reading_loses_nothing(shared_sshd: SSHServer) -> None:
    async with connected(shared_sshd) as session:
        process = await plugin.sshpyk_launch(session, "echo one; read line; echo two")
        for _ in range(3):
            reading = asyncio.ensure_future(process.stdout.read())
            await asyncio.wait([reading], timeout=0.05)
            reading.cancel()
            await asyncio.wait([reading])
        process.stdin.write(b"\n")
        assert await process.stdout.read() == b"one\ntwo\n"


async def test_a_file_arrives_whole_and_a_signal_is_delivered(
    make_embedded: Callable[..., EmbeddedServer],
) -> None:
    server = make_embedded()
    content = os.urandom(3 * MIB)
    async with connected(server) as session:
        for _ in range(10):
            await plugin.sshpyk_upload(session, content, f"{server.home}/a 'file'", 0o640)
            assert (server.home / "a 'file'").read_bytes() == content
        process = await plugin.sshpyk_launch(session, "echo $$; exec sleep 1000")
        pid = int(await process.stdout.read(100))
        assert await plugin.sshpyk_signal(session, pid, 0) is True
        assert await plugin.sshpyk_signal(session, pid, signal.SIGTERM) is True
        assert await process.wait() == NO_EXIT_STATUS
        assert await plugin.sshpyk_signal(session, pid, 0) is False


# The end of a session


async def test_a_closed_session_leaves_nothing_and_refuses_everything(sshd: SSHServer) -> None:
    leaks = Leaks()
    async with connected(sshd) as session:
        running = await plugin.sshpyk_launch(session, "exec cat")
        await plugin.sshpyk_forward(session, LOOPBACK, TcpAddress("127.0.0.1", 9))
        assert not session.closed.done()
    assert await session.closed == "it was closed here"
    await asyncio.gather(session.aclose(), session.aclose())
    assert await running.wait() == NO_EXIT_STATUS
    assert await leaks.found() == set()
    with pytest.raises(LaunchError):
        await plugin.sshpyk_launch(session, "true")
    with pytest.raises(ForwardError):
        await plugin.sshpyk_forward(session, LOOPBACK, LOOPBACK)


async def test_a_session_whose_connection_is_cut_says_so_and_leaves_nothing(
    sshd: SSHServer,
) -> None:
    leaks = Leaks()
    session = await plugin.sshpyk_connect(target_of(sshd), None)
    process = await plugin.sshpyk_launch(session, "exec cat")
    await asyncio.to_thread(sshd.cut)
    assert "connection" in await asyncio.wait_for(session.closed, 10)
    assert await process.stdout.read() == b""
    assert await process.wait() == NO_EXIT_STATUS
    with pytest.raises(LaunchError):
        await plugin.sshpyk_launch(session, "true")
    with pytest.raises(SessionError):
        await plugin.sshpyk_signal(session, 1, 0)
    assert await leaks.found() == set()  # nobody had to close it


@pytest.mark.parametrize("cut", [True, False], ids=["cut", "closed"])
async def test_who_reads_late_gets_what_had_arrived_and_then_the_end(
    sshd: SSHServer, cut: bool
) -> None:
    total = 3 * MIB  # more than is taken ahead, less than the windows that follow
    async with connected(sshd) as session:
        process = await plugin.sshpyk_launch(session, f"head -c {total} /dev/zero")
        assert await asyncio.wait_for(process.wait(), 10) == 0
        await asyncio.wait_for(eventually(lambda: process not in session._processes), 10)
        if cut:
            await asyncio.to_thread(sshd.cut)
            await asyncio.wait_for(session.closed, 10)
        else:
            await session.aclose()
        assert len(await asyncio.wait_for(process.stdout.read(), 10)) == total
        assert await asyncio.wait_for(process.stderr.read(), 10) == b""


async def test_a_slow_reader_is_told_the_end_when_the_connection_is_cut(sshd: SSHServer) -> None:
    async with connected(sshd) as session:
        process = await plugin.sshpyk_launch(session, "exec cat /dev/zero")
        await eventually(lambda: process.stdout._paused)
        await asyncio.to_thread(sshd.cut)
        await asyncio.wait_for(session.closed, 10)
        assert set(await asyncio.wait_for(process.stdout.read(), 10)) == {0}


async def test_a_session_is_closed_also_where_no_thread_can_be_started(
    sshd: SSHServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaks = Leaks()
    session = await plugin.sshpyk_connect(target_of(sshd), None)
    process = await plugin.sshpyk_launch(session, "exec cat")

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    with monkeypatch.context() as ending:
        ending.setattr(threading.Thread, "start", refuse)
        await asyncio.wait_for(session.aclose(), 2)
    assert await process.wait() == NO_EXIT_STATUS
    assert await leaks.found() == set()


async def test_a_session_to_a_frozen_server_is_closed_at_once(sshd: SSHServer) -> None:
    leaks = Leaks()
    session = await plugin.sshpyk_connect(target_of(sshd), None)
    process = await plugin.sshpyk_launch(session, "exec cat")
    frozen = sshd.connections()
    for one in frozen:
        os.kill(one.pid, signal.SIGSTOP)
    try:
        # Until neither the server nor the socket takes any more.
        with pytest.raises(asyncio.TimeoutError):
            await feed_on(process, 0.2)
        started = asyncio.get_running_loop().time()
        launching = asyncio.ensure_future(plugin.sshpyk_launch(session, "true"))
        await process.terminate()
        closing = asyncio.ensure_future(session.aclose())
        await asyncio.sleep(0)
        closing.cancel()  # it closes nevertheless
        await asyncio.wait_for(session.aclose(), 2)
        with pytest.raises(LaunchError):
            await launching
        assert asyncio.get_running_loop().time() - started < 4
        assert await leaks.found() == set()
    finally:
        for one in frozen:
            os.kill(one.pid, signal.SIGCONT)


async def test_a_silent_server_is_given_up_where_the_settings_say_so(sshd: SSHServer) -> None:
    relay = Relay(sshd.port)
    relay.start()
    try:
        settings = {"ServerAliveInterval": 1, "ServerAliveCountMax": 1, "Port": relay.port}
        async with connected(sshd, **settings, HostKeyAlias=f"[127.0.0.1]:{sshd.port}") as session:
            await asyncio.wait([session.closed], timeout=2.5)
            assert not session.closed.done()  # the server answers to such questions
            relay.silence()
            assert "no sign of life" in await asyncio.wait_for(session.closed, 6)
    finally:
        relay.stop()
