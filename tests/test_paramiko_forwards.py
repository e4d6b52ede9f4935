"""Forwards of the paramiko transport: what they carry, how they end, what they refuse."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from sshpyk_core.errors import ForwardError
from sshpyk_core.types import Forward, TcpAddress, UnixAddress
from support.asyncssh_side import Leaks, eventually
from support.paramiko_side import connected
from support.serving import serving
from support.sshd import SSHServer

from sshpyk_paramiko import plugin

LOOPBACK = TcpAddress("127.0.0.1", 0)
MIB = 1024 * 1024


@asynccontextmanager
async def echoing() -> AsyncIterator[TcpAddress]:
    """Serve what sends everything back, and a last word after the end of what it reads."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write(b"bye")
        writer.close()

    async with serving(echo) as port:
        yield TcpAddress("localhost", port)


async def dial(address: object) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(address, UnixAddress):
        return await asyncio.open_unix_connection(address.path)
    assert isinstance(address, TcpAddress)
    return await asyncio.open_connection(address.host, address.port)


async def exchange(address: object, content: bytes) -> bytes:
    """Send bytes and their end; return all that comes back."""
    reader, writer = await dial(address)

    async def send() -> None:
        writer.write(content)
        await writer.drain()
        writer.write_eof()

    try:
        _, answer = await asyncio.gather(send(), reader.read())
        return answer
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("listen", ["127.0.0.1", "localhost", "::1", "a socket"])
async def test_a_forward_carries_connections_until_it_is_closed(
    shared_sshd: SSHServer, tmp_path: Path, listen: str
) -> None:
    here = UnixAddress(f"{tmp_path}/s") if listen == "a socket" else TcpAddress(listen, 0)
    content = os.urandom(4 * MIB)
    async with echoing() as there, connected(shared_sshd) as session:
        forward = await plugin.sshpyk_forward(session, here, there)
        assert isinstance(forward, Forward)
        answers = [exchange(forward.address, content[number:]) for number in range(4)]
        for number, answer in enumerate(await asyncio.gather(*answers)):
            assert answer == content[number:] + b"bye"
        with pytest.raises(ForwardError) as caught:
            await plugin.sshpyk_forward(session, forward.address, there)
        assert caught.value.fix
        reader, writer = await dial(forward.address)
        writer.write(b"still ")
        assert await reader.read(100) == b"still "
        await forward.aclose()
        await forward.aclose()
        with pytest.raises(OSError):  # noqa: PT011
            await dial(forward.address)
        writer.write(b"open")  # what is open goes on
        assert await reader.read(100) == b"open"
        writer.close()
        await writer.wait_closed()
    assert not (tmp_path / "s").exists()


async def test_what_the_host_sends_first_arrives(shared_sshd: SSHServer) -> None:
    there = TcpAddress("127.0.0.1", shared_sshd.port)
    async with connected(shared_sshd) as session:
        forward = await plugin.sshpyk_forward(session, LOOPBACK, there)
        for _ in range(20):
            reader, writer = await dial(forward.address)
            assert (await reader.readline()).startswith(b"SSH-2.0-")
            writer.close()
            await writer.wait_closed()


async def test_a_destination_that_refuses_closes_the_connection_and_nothing_else(
    make_sshd: Callable[..., SSHServer],
) -> None:
    server = make_sshd(sshd_config=["PermitOpen localhost:*"])
    async with echoing() as there, connected(server) as session:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            port = nobody.getsockname()[1]
            for place in (TcpAddress("localhost", port), TcpAddress("127.0.0.1", there.port)):
                forward = await plugin.sshpyk_forward(session, LOOPBACK, place)
                with suppress(ConnectionResetError):
                    assert await exchange(forward.address, b"hello") == b""
        forward = await plugin.sshpyk_forward(session, LOOPBACK, there)
        assert await exchange(forward.address, b"hello") == b"hellobye"


async def test_a_client_that_goes_away_takes_its_channel_with_it(shared_sshd: SSHServer) -> None:
    gone = asyncio.Event()

    async def wait_for_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        gone.set()

    async with (
        serving(wait_for_the_end) as port,
        connected(shared_sshd) as session,
    ):
        there = TcpAddress("127.0.0.1", port)
        forward = await plugin.sshpyk_forward(session, LOOPBACK, there)
        leaks = Leaks()
        _, writer = await dial(forward.address)
        writer.write(b"x")
        await writer.drain()
        writer.transport.abort()
        await asyncio.wait_for(gone.wait(), 10)
        assert await leaks.found() == set()


async def test_a_client_that_does_not_read_holds_the_host_back(shared_sshd: SSHServer) -> None:
    sent = 0

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        try:
            while True:
                writer.write(bytes(MIB))
                await writer.drain()
                sent += MIB
        except OSError:
            writer.close()

    async with (
        serving(flood) as port,
        connected(shared_sshd) as session,
    ):
        there = TcpAddress("127.0.0.1", port)
        forward = await plugin.sshpyk_forward(session, LOOPBACK, there)
        _, writer = await dial(forward.address)
        writer.transport.pause_reading()
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.3)
        assert MIB < sent < 64 * MIB
        writer.transport.abort()


async def test_the_end_of_the_session_ends_its_forwards(sshd: SSHServer, tmp_path: Path) -> None:
    leaks = Leaks()
    async with echoing() as there:
        async with connected(sshd) as session:
            here = UnixAddress(f"{tmp_path}/s")
            forward = await plugin.sshpyk_forward(session, here, there)
            reader, writer = await dial(forward.address)
            writer.write(b"hello")
            assert await reader.read(100) == b"hello"
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
    assert not (tmp_path / "s").exists()
    assert await leaks.found() == set()


async def test_a_cancelled_forward_leaves_nothing_behind(shared_sshd: SSHServer) -> None:
    async with connected(shared_sshd) as session:
        leaks = Leaks()
        for turns in range(6):
            listening = plugin.sshpyk_forward(session, LOOPBACK, TcpAddress("127.0.0.1", 9))
            attempt = asyncio.ensure_future(listening)
            for _ in range(turns):
                await asyncio.sleep(0)
            attempt.cancel()
            await asyncio.wait([attempt])
            if not attempt.cancelled():
                await attempt.result().aclose()
        assert await leaks.found() == set()


async def test_a_unix_socket_of_the_host_cannot_be_reached(shared_sshd: SSHServer) -> None:
    async with connected(shared_sshd) as session:
        with pytest.raises(ForwardError, match="no unix-domain sockets") as caught:
            await plugin.sshpyk_forward(session, LOOPBACK, UnixAddress("/run/x"))
        assert "openssh" in caught.value.fix


async def test_connections_that_have_ended_leave_no_thread(shared_sshd: SSHServer) -> None:
    async with echoing() as there, connected(shared_sshd) as session:
        forward = await plugin.sshpyk_forward(session, LOOPBACK, there)
        leaks = Leaks()
        for _ in range(5):
            assert await exchange(forward.address, b"hello") == b"hellobye"
        workers = session._chain.workers
        await eventually(lambda: str(workers) == "sshpyk-paramiko pump")
        assert await leaks.found() == set()
