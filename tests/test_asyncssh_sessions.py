"""Sessions of the asyncssh transport: forwards, lost connections, and the end of it all."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from sshpyk_core.errors import ForwardError, LaunchError
from sshpyk_core.testing.relay import Relay
from sshpyk_core.types import NO_EXIT_STATUS, Forward, TcpAddress, UnixAddress
from support.asyncssh_side import Leaks, connected, target_of
from support.openssh import outcome
from support.serving import serving
from support.sshd import SSHServer

from sshpyk_asyncssh import plugin

LOOPBACK = TcpAddress("127.0.0.1", 0)
MIB = 1024 * 1024


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send everything back, and a last word after end of file."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write(b"bye")
    writer.close()
    await writer.wait_closed()


async def through(port: int, content: bytes, host: str = "127.0.0.1") -> bytes:
    """Send bytes and end of file to a port; return all that comes back."""
    reader, writer = await asyncio.open_connection(host, port)
    return await exchange(reader, writer, content)


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, content: bytes
) -> bytes:
    async def feed() -> None:
        writer.write(content)
        await writer.drain()
        writer.write_eof()

    _, answer = await asyncio.gather(feed(), reader.read())
    writer.close()
    await writer.wait_closed()
    return answer


def port_of(forward: Forward) -> int:
    assert isinstance(forward.address, TcpAddress)
    return forward.address.port


async def test_a_forward_carries_connections_both_ways_with_half_close(
    shared_sshd: SSHServer,
) -> None:
    content = os.urandom(8 * MIB)
    async with serving(echo) as port:
        there = TcpAddress("localhost", port)
        async with connected(shared_sshd) as session:
            forward = await plugin.sshpyk_forward(session, LOOPBACK, there)
            assert isinstance(forward, Forward)
            assert port_of(forward) > 0
            answers = await asyncio.gather(
                *(through(port_of(forward), part) for part in (b"", b"x", content, content))
            )
            assert answers == [b"bye", b"xbye", content + b"bye", content + b"bye"]


async def test_a_forward_listens_at_every_address_of_a_name(shared_sshd: SSHServer) -> None:
    async with serving(echo) as port:
        there = TcpAddress("127.0.0.1", port)
        async with connected(shared_sshd) as session:
            forward = await plugin.sshpyk_forward(session, TcpAddress("", 0), there)
            found = {info[4][0] for info in socket.getaddrinfo("localhost", 0)}
            for host in found:
                assert await through(port_of(forward), b"to ", host) == b"to bye"


async def test_a_closed_forward_listens_no_more_and_lets_connections_end(
    shared_sshd: SSHServer,
) -> None:
    async with serving(echo) as port:
        there = TcpAddress("127.0.0.1", port)
        async with connected(shared_sshd) as session:
            forward = await plugin.sshpyk_forward(session, LOOPBACK, there)
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(forward))
            writer.write(b"open")
            assert await reader.readexactly(4) == b"open"
            await forward.aclose()
            await forward.aclose()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port_of(forward))
            assert await exchange(reader, writer, b" still") == b" stillbye"


async def test_who_does_not_read_from_a_forward_holds_the_sender_back(
    shared_sshd: SSHServer,
) -> None:
    sent = 0

    async def send(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        for _ in range(256):
            writer.write(bytes(MIB))
            await writer.drain()
            sent += MIB
        writer.close()
        await writer.wait_closed()

    async with serving(send) as port:
        there = TcpAddress("127.0.0.1", port)
        async with connected(shared_sshd) as session:
            forward = await plugin.sshpyk_forward(session, LOOPBACK, there)
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(forward))
            seen = -1
            while sent > seen:  # until a moment passes without progress
                seen = sent
                await asyncio.sleep(0.5)
            assert 0 < sent < 64 * MIB
            total = 0
            while data := await reader.read(MIB):
                total += len(data)
            assert total == 256 * MIB
            writer.close()
            await writer.wait_closed()


@pytest.mark.parametrize("near", ["tcp", "unix"])
async def test_either_end_of_a_forward_may_be_a_unix_socket(
    shared_sshd: SSHServer, tmp_path: Path, near: str
) -> None:
    far = str(tmp_path / "far")
    listen = UnixAddress(str(tmp_path / "near")) if near == "unix" else LOOPBACK
    async with await asyncio.start_unix_server(echo, far), connected(shared_sshd) as session:
        forward = await plugin.sshpyk_forward(session, listen, UnixAddress(far))
        if isinstance(listen, UnixAddress):
            assert os.stat(listen.path).st_mode & 0o777 == 0o600
            stream = await asyncio.open_unix_connection(listen.path)
        else:
            stream = await asyncio.open_connection("127.0.0.1", port_of(forward))
        assert await exchange(*stream, b"over ") == b"over bye"
        with pytest.raises(ForwardError, match="exists already"):
            await plugin.sshpyk_forward(session, UnixAddress(far), LOOPBACK)
        await forward.aclose()
    assert not (tmp_path / "near").exists()


async def test_a_port_that_is_taken_is_told(shared_sshd: SSHServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with connected(shared_sshd) as session:
            listen = TcpAddress("127.0.0.1", taken.getsockname()[1])
            with pytest.raises(ForwardError, match="in use") as caught:
                await plugin.sshpyk_forward(session, listen, LOOPBACK)
            assert "port 0" in caught.value.fix
            with pytest.raises(ForwardError):
                await plugin.sshpyk_forward(session, TcpAddress("192.0.2.1", 0), LOOPBACK)


async def test_a_destination_that_refuses_ends_the_connection(shared_sshd: SSHServer) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        async with connected(shared_sshd) as session:
            there = TcpAddress("127.0.0.1", nobody.getsockname()[1])
            forward = await plugin.sshpyk_forward(session, LOOPBACK, there)
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(forward))
            assert await asyncio.wait_for(reader.read(), 10) == b""
            writer.close()


async def test_a_closed_session_leaves_nothing_behind(sshd: SSHServer) -> None:
    async with connected(sshd):
        pass  # what asyncio itself opens once, it keeps
    leaks = Leaks()
    async with connected(sshd) as session:
        running = await plugin.sshpyk_launch(session, "exec sleep 1000")
        ended = await plugin.sshpyk_launch(session, "exit 0")
        async with serving(echo) as port:
            there = TcpAddress("127.0.0.1", port)
            forward = await plugin.sshpyk_forward(session, LOOPBACK, there)
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(forward))
            assert await ended.wait() == 0
            assert not session.closed.done()
            await asyncio.gather(session.aclose(), session.aclose())
            assert await reader.read() == b""
            writer.close()
    assert session.closed.result() == "it was closed here"
    await session.aclose()
    assert await running.wait() == NO_EXIT_STATUS
    assert await leaks.found() == set()
    with pytest.raises(LaunchError):
        await plugin.sshpyk_launch(session, "true")
    with pytest.raises(ForwardError):
        await plugin.sshpyk_forward(session, LOOPBACK, LOOPBACK)
    sshd.kill_processes()  # sleep reads no input, so nothing tells it that its channel is gone


@pytest.mark.parametrize("seconds", [0.0, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08])
async def test_a_cancelled_connect_leaves_nothing_behind(sshd: SSHServer, seconds: float) -> None:
    async with connected(sshd):
        pass
    leaks = Leaks()
    attempt = asyncio.create_task(plugin.sshpyk_connect(target_of(sshd), None))
    await asyncio.wait([attempt], timeout=seconds)
    if attempt.cancel():
        await asyncio.wait([attempt])
        assert attempt.cancelled()
    else:
        await attempt.result().aclose()
    assert await leaks.found() == set()


async def test_a_session_is_closed_when_its_connection_is_cut(sshd: SSHServer) -> None:
    async with connected(sshd) as session:
        process = await plugin.sshpyk_launch(session, "exec cat")
        forward = await plugin.sshpyk_forward(session, LOOPBACK, LOOPBACK)
        sshd.cut()
        assert "lost" in await asyncio.wait_for(session.closed, 10)
        assert await process.stdout.read() == b""
        assert await process.wait() == NO_EXIT_STATUS
        with pytest.raises(ConnectionResetError):
            await process.stdin.drain()
        with pytest.raises(LaunchError):
            await plugin.sshpyk_launch(session, "true")
        with pytest.raises(ForwardError):
            await plugin.sshpyk_forward(session, LOOPBACK, LOOPBACK)
        await forward.aclose()
    assert sshd.logins() == 1


async def test_a_silent_host_holds_nothing_up(sshd: SSHServer) -> None:
    leaks = Leaks()
    session = await plugin.sshpyk_connect(target_of(sshd), None)
    process = await plugin.sshpyk_launch(session, "exec cat")
    frozen = sshd.connections()
    try:
        for each in frozen:
            os.kill(each.pid, signal.SIGSTOP)
        process.stdin.write(bytes(64 * MIB))
        launching = asyncio.ensure_future(plugin.sshpyk_launch(session, "true"))
        terminating = asyncio.ensure_future(process.terminate())
        await asyncio.wait([launching], timeout=0.1)
        await asyncio.wait_for(session.aclose(), 2)
        with pytest.raises(LaunchError):
            await launching
        await terminating
        assert await process.wait() == NO_EXIT_STATUS
        assert await leaks.found() == set()
    finally:
        for each in frozen:
            os.kill(each.pid, signal.SIGCONT)


async def test_a_silent_host_is_given_up_after_its_alive_interval(sshd: SSHServer) -> None:
    with Relay(sshd.port) as relay:
        settings = {
            "Port": relay.port,
            "HostKeyAlias": f"[127.0.0.1]:{sshd.port}",
            "ServerAliveInterval": 1,
            "ServerAliveCountMax": 1,
        }
        async with connected(sshd, **settings) as session:
            relay.silence()
            assert "keepalive" in await asyncio.wait_for(session.closed, 10)


async def test_closing_from_a_cancelled_task_closes(sshd: SSHServer) -> None:
    leaks = Leaks()
    session = await plugin.sshpyk_connect(target_of(sshd), None)

    async def use() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await session.aclose()

    task = asyncio.ensure_future(use())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert session.closed.done()
    assert await leaks.found() == set()


async def test_ten_sessions_at_once_are_independent(shared_sshd: SSHServer) -> None:
    async def one(number: int) -> bytes:
        async with connected(shared_sshd) as session:
            process = await plugin.sshpyk_launch(session, f"echo {number}")
            return (await outcome(process))[1]

    got = await asyncio.gather(*map(one, range(10)))
    assert got == [b"%d\n" % number for number in range(10)]


async def test_a_server_that_refuses_all_sessions_does_not_close_the_connection(
    make_sshd: Callable[..., SSHServer],
) -> None:
    server = make_sshd(sshd_config=["MaxSessions 0"])
    async with connected(server) as session:
        with pytest.raises(LaunchError, match="MaxSessions"):
            await plugin.sshpyk_launch(session, "true")
        async with serving(echo) as port:
            there = TcpAddress("127.0.0.1", port)
            forward = await plugin.sshpyk_forward(session, LOOPBACK, there)
            assert await through(port_of(forward), b"good") == b"goodbye"
