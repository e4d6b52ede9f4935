"""Commands over the asyncssh transport: their bytes, their end, and what is left behind."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from sshpyk_asyncssh.process import UNREAD_LIMIT_BYTES
from sshpyk_core.errors import LaunchError
from sshpyk_core.transport_kit import remote_command
from sshpyk_core.transport_kit.streams.byte_queue import ByteQueue
from sshpyk_core.types import NO_EXIT_STATUS, RemoteProcess, Session
from support import processes
from support.asyncssh_side import Leaks, connected, eventually
from support.openssh import outcome
from support.sshd import SSHServer

from sshpyk_asyncssh import plugin

MIB = 1024 * 1024


async def test_a_command_gives_its_output_its_errors_and_its_status(shared_sshd: SSHServer) -> None:
    async with connected(shared_sshd) as session:
        assert isinstance(session, Session)
        process = await plugin.sshpyk_launch(session, "echo out; echo err >&2; exit 7")
        assert isinstance(process, RemoteProcess)
        assert await outcome(process) == (7, b"out\n", b"err\n")


async def test_every_byte_passes_both_ways_and_closing_the_input_is_read_as_its_end(
    shared_sshd: SSHServer,
) -> None:
    content = bytes(range(256)) * 40_000
    async with connected(shared_sshd) as session:
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


async def test_a_read_gives_no_more_than_was_asked_for(shared_sshd: SSHServer) -> None:
    async with connected(shared_sshd) as session:
        process = await plugin.sshpyk_launch(session, "printf 0123456789")
        assert await process.wait() == 0
        got = [await process.stdout.read(n) for n in (0, 4, 1, 100, 100)]
        assert b"".join(got) == b"0123456789"
        assert [len(part) for part in got] == [0, 4, 1, 5, 0]


async def test_a_cancelled_read_loses_nothing(shared_sshd: SSHServer) -> None:
    async with connected(shared_sshd) as session:
        process = await plugin.sshpyk_launch(session, "cat")
        reading = asyncio.ensure_future(process.stdout.read(10))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError):
            await process.stdout.read(10)
        reading.cancel()
        await asyncio.wait([reading])
        process.stdin.write(b"all of it")
        process.stdin.close()
        assert await process.stdout.read() == b"all of it"


@pytest.mark.parametrize("name", ["KILL", "TERM", "USR1"])
async def test_a_signal_that_ends_a_command_is_told(shared_sshd: SSHServer, name: str) -> None:
    async with connected(shared_sshd) as session:
        process = await plugin.sshpyk_launch(session, f"exec sh -c 'kill -{name} $$'")
        assert (await outcome(process))[0] == -getattr(signal, f"SIG{name}")


async def test_a_terminated_command_reads_the_end_of_its_input(shared_sshd: SSHServer) -> None:
    async with connected(shared_sshd) as session:
        process = await plugin.sshpyk_launch(session, "echo $$; exec cat")
        pid = int(await process.stdout.read(100))
        await process.terminate()
        await process.terminate()
        assert await process.wait() == NO_EXIT_STATUS
        assert await process.stdout.read() == b""
        process.stdin.write(b"dropped")
        with pytest.raises(ConnectionResetError):
            await process.stdin.drain()

        def cat() -> list[processes.Process]:
            return [one for one in shared_sshd.processes() if one.pid == pid]

        assert await asyncio.to_thread(processes.wait_gone, cat, 10) == []


async def test_input_of_a_command_that_has_ended_is_refused(shared_sshd: SSHServer) -> None:
    async with connected(shared_sshd) as session:
        process = await plugin.sshpyk_launch(session, "exit 3")

        async def write_on() -> None:
            while True:
                process.stdin.write(bytes(MIB))
                await process.stdin.drain()

        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(write_on(), 20)
        assert await process.wait() == 3


async def test_who_does_not_read_holds_the_command_back(shared_sshd: SSHServer) -> None:
    total = 64 * MIB
    async with connected(shared_sshd) as session:
        command = f"head -c {total} /dev/zero; echo written >&2"
        process = await plugin.sshpyk_launch(session, command)
        kept = process.stdout
        assert len(await kept.read(1)) == 1
        assert isinstance(kept, ByteQueue)
        await eventually(lambda: kept.size >= UNREAD_LIMIT_BYTES)
        # The command runs on only when what has arrived is read.
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(process.stderr.read(1), 0.5)
        assert kept.size < UNREAD_LIMIT_BYTES + 8 * MIB
        assert 1 + len(await kept.read()) == total
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
                await asyncio.wait_for(process.stdin.drain(), 0.5)

        with pytest.raises(asyncio.TimeoutError):
            await fill()
        assert written < 16 * MIB
        process.stdin.write(b"rest")
        go.touch()
        process.stdin.close()
        assert int(await process.stdout.read()) == written + len(b"rest")
        assert await process.wait() == 0


@pytest.mark.parametrize("settings", [{}, {"RekeyLimit": "4M"}], ids=["plain", "with new keys"])
async def test_many_megabytes_pass_both_ways_at_once(
    shared_sshd: SSHServer, settings: dict[str, str]
) -> None:
    block = os.urandom(MIB)
    async with connected(shared_sshd, **settings) as session:
        process = await plugin.sshpyk_launch(session, "cat")

        async def feed() -> None:
            for _ in range(64):
                process.stdin.write(block)
                await process.stdin.drain()
            process.stdin.close()

        async def read() -> str:
            got = hashlib.sha256()
            while data := await process.stdout.read(MIB):
                got.update(data)
            return got.hexdigest()

        _, digest = await asyncio.gather(feed(), read())
        assert digest == hashlib.sha256(block * 64).hexdigest()


async def test_a_file_is_uploaded_and_a_signal_is_sent(shared_sshd: SSHServer) -> None:
    content = os.urandom(3 * MIB)
    path = shared_sshd.home / "an upload"
    async with connected(shared_sshd) as session:
        await plugin.sshpyk_upload(session, content, str(path), 0o640)
        assert path.read_bytes() == content
        assert path.stat().st_mode & 0o777 == 0o640
        process = await plugin.sshpyk_launch(session, "echo $$; exec sleep 1000")
        pid = int(await process.stdout.read(100))
        assert await plugin.sshpyk_signal(session, pid, 0) is True
        assert await plugin.sshpyk_signal(session, pid, signal.SIGTERM) is True
        assert await process.wait() == -signal.SIGTERM
        assert await plugin.sshpyk_signal(session, 2**22 + 1, 0) is False


async def test_variables_that_the_settings_pass_on_arrive(
    make_sshd: Callable[..., SSHServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_HERE", "from here")
    server = make_sshd(
        sshd_config=["AcceptEnv LC_*"],
        ssh_config=["SendEnv LC_H*", "SetEnv LC_SET=set"],
    )
    async with connected(server) as session:
        process = await plugin.sshpyk_launch(session, 'echo "$LC_HERE, $LC_SET"')
        assert (await outcome(process))[1] == b"from here, set\n"


async def test_many_commands_share_one_connection(sshd: SSHServer) -> None:
    async with connected(sshd) as session:

        async def one(number: int) -> bytes:
            process = await plugin.sshpyk_launch(session, f"echo {number}")
            return (await outcome(process))[1]

        got = await asyncio.gather(*map(one, range(8)))
        assert got == [b"%d\n" % number for number in range(8)]
    assert sshd.logins() == 1


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
        process = await plugin.sshpyk_launch(session, "echo fine")
        assert (await outcome(process))[1] == b"fine\n"
    assert server.logins() == 1


async def test_what_was_given_up_makes_room_for_others_at_once(
    make_sshd: Callable[..., SSHServer],
) -> None:
    server = make_sshd(sshd_config=["MaxSessions 2"])
    async with connected(server) as session:
        for _ in range(10):
            held = [await plugin.sshpyk_launch(session, "exec cat") for _ in range(2)]
            for process in held:
                await process.terminate()


async def test_a_cancelled_launch_runs_nothing_and_leaves_nothing_behind(sshd: SSHServer) -> None:
    mark = sshd.home / "ran"
    async with connected(sshd) as session:
        process = await plugin.sshpyk_launch(session, "true")
        await outcome(process)
        leaks = Leaks()
        for turns in range(12):
            launch = plugin.sshpyk_launch(session, f"exec cat; touch {mark}")
            attempt = asyncio.ensure_future(launch)
            for _ in range(turns):
                await asyncio.sleep(0)
            if attempt.cancel():
                await asyncio.wait([attempt])
                assert attempt.cancelled(), f"after {turns} turns of the loop"
            else:  # the answers of a quick server had all come
                await attempt.result().terminate()
        process = await plugin.sshpyk_launch(session, "echo fine")
        assert (await outcome(process))[1] == b"fine\n"
        assert await leaks.found() == set()
    assert not mark.exists()
