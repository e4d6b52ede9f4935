"""Files, signals and forwards over the OpenSSH transport."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from sshpyk_core.errors import ForwardError, SessionError, UploadError
from sshpyk_core.transport_kit import remote_command
from sshpyk_core.types import Forward, TcpAddress, UnixAddress
from support.local import LocalSide
from support.openssh import connected
from support.require import SHELL_PACKAGES
from support.serving import serving
from support.sshd import SSHServer

from sshpyk_openssh import plugin

MODES = ("own", "never")


@pytest.mark.parametrize("shell", SHELL_PACKAGES)
async def test_a_file_is_uploaded_and_a_process_signalled_through_every_login_shell(
    make_sshd: Callable[..., SSHServer], shell: str
) -> None:
    server = make_sshd(shell=shell)
    directory = server.home / "it's a !nasty $HOME \\ dir\nname ü"
    directory.mkdir()
    path = directory / "-file `id`"
    content = bytes(range(256)) * 10_000
    async with connected(server) as session:
        await plugin.sshpyk_upload(session, b"old", str(path), 0o644)
        await plugin.sshpyk_upload(session, content, str(path), 0o600)
        await plugin.sshpyk_upload(session, b"", str(directory / "empty"), 0o755)
        assert path.read_bytes() == content
        assert path.stat().st_mode & 0o7777 == 0o600
        assert (directory / "empty").stat().st_mode & 0o7777 == 0o755
        assert len(list(directory.iterdir())) == 2
        process = await plugin.sshpyk_launch(session, "exec sh -c 'echo $$; exec cat'")
        pid = int(await process.stdout.read(100))
        assert await plugin.sshpyk_signal(session, pid, 0) is True
        assert await plugin.sshpyk_signal(session, -os.getpgid(pid), 0) is True
        assert await plugin.sshpyk_signal(session, pid, signal.SIGTERM) is True
        assert await process.wait() == 255
        assert await plugin.sshpyk_signal(session, pid, 0) is False
        assert await plugin.sshpyk_signal(session, -(2**22 + 5), signal.SIGTERM) is False


async def test_an_upload_that_fails_says_why_and_leaves_nothing(shared_sshd: SSHServer) -> None:
    directory = shared_sshd.home / "uploads"
    (directory / "taken").mkdir(parents=True)
    async with connected(shared_sshd) as session:
        for path, words in (
            (f"{directory}/absent/file", "absent/file"),
            (f"{directory}/taken", "is a directory"),
            ("relative", "not absolute"),
            (f"{directory}/newline\n", "newline"),
        ):
            with pytest.raises(UploadError, match=words):
                await plugin.sshpyk_upload(session, b"x" * 300_000, path, 0o600)
        short = remote_command.upload_body(f"{directory}/short", 10, 0o600)
        result = await remote_command.run(
            partial(plugin.sshpyk_launch, session), short, b"123456789"
        )
        assert result == remote_command.Result(1, "9 of 10 bytes arrived")
    assert [path.name for path in directory.iterdir()] == ["taken"]


@pytest.mark.parametrize("signum", [signal.SIGHUP, signal.SIGTERM])
def test_an_upload_that_is_hung_up_on_leaves_nothing(tmp_path: Path, signum: int) -> None:
    body = remote_command.upload_body(f"{tmp_path}/file", 10, 0o600)
    shell = subprocess.Popen(["sh", "-c", body], stdin=subprocess.PIPE, start_new_session=True)
    while not (there := os.listdir(tmp_path)):
        time.sleep(0.01)  # nothing tells when sh has begun
    assert there[0].startswith("file.")
    os.killpg(shell.pid, signum)
    shell.communicate(timeout=10)
    assert shell.returncode == 1
    assert os.listdir(tmp_path) == []


async def test_an_upload_that_finds_no_room_says_so_and_leaves_nothing(
    make_sshd: Callable[..., SSHServer],
) -> None:
    server = make_sshd(rc={".bashrc": "ulimit -f 100"})
    async with connected(server) as session:
        await plugin.sshpyk_upload(session, b"x" * 1000, f"{server.home}/small", 0o600)
        with pytest.raises(UploadError, match=r"(?i)file size limit|too large"):
            await plugin.sshpyk_upload(session, b"x" * 5_000_000, f"{server.home}/big", 0o600)
    assert sorted(os.listdir(server.home)) == [".bashrc", "small"]


async def test_a_signal_to_a_host_that_is_gone_is_an_error(sshd: SSHServer) -> None:
    async with connected(sshd) as session:
        sshd.cut()
        await session.closed
        with pytest.raises(SessionError):
            await plugin.sshpyk_signal(session, 1, 0)


async def test_a_refused_destination_closes_the_connection(
    make_sshd: Callable[..., SSHServer],
) -> None:
    server = make_sshd(sshd_config=["AllowTcpForwarding no"])
    async with connected(server) as session:
        forward = await plugin.sshpyk_forward(
            session, TcpAddress("127.0.0.1", 0), TcpAddress("127.0.0.1", server.port)
        )
        with suppress(ConnectionResetError):
            assert await _ask(forward) == b""


@pytest.mark.parametrize("mode", MODES)
async def test_a_forward_carries_connections_until_it_is_closed(
    shared_sshd: SSHServer, local: LocalSide, mode: str
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"got " + await reader.readline())
        writer.close()

    inside = f"{local.home}/inside"
    async with (
        serving(answer) as port,
        await asyncio.start_unix_server(answer, inside),
        connected(shared_sshd, multiplex=mode) as session,
    ):
        remote = TcpAddress("localhost", port)
        addresses = (
            (TcpAddress("127.0.0.1", 0), remote),
            (TcpAddress("::1", 0), remote),
            (TcpAddress("localhost", 0), UnixAddress(inside)),
            (UnixAddress(f"{local.home}/outside"), remote),
        )
        for listen, destination in addresses:
            forward = await plugin.sshpyk_forward(session, listen, destination)
            assert isinstance(forward, Forward)
            assert await _ask(forward) == b"got hello\n"
            with pytest.raises(ForwardError):
                await plugin.sshpyk_forward(session, forward.address, destination)
            await forward.aclose()
            await forward.aclose()
            with pytest.raises(OSError):  # noqa: PT011
                await _ask(forward)
    assert not (local.home / "outside").exists()


async def _ask(forward: Forward) -> bytes:
    if isinstance(forward.address, UnixAddress):
        reader, writer = await asyncio.open_unix_connection(forward.address.path)
    else:
        host, port = forward.address.host, forward.address.port
        reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"hello\n")
    try:
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
