"""A supervisor on a real host: what it survives, and that its kernel ends with it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import AsyncKernelManager
from sshpyk_core.remote import state, wire
from support.far import FarSide, MakeFarSide, state_of
from support.kernels import execute
from support.managers import READY, busy, connected_to, started
from support.source_tree import ROOT
from support.sshd_files import free_port

Cell = tuple[asyncio.StreamReader, asyncio.StreamWriter]

THIRTY_DAYS = 30 * 24 * 3600
SOON = 10.0
UNFINISHED = ("nothing", "half a header")
LINES = 3000
FLOOD = f"""
import socket
test = socket.create_connection(("127.0.0.1", {{port}}))
test.recv(1)
for number in range({LINES}):
    print("x", number, flush=True)
test.sendall(b"done")
test.close()
"""
WANTED = "".join(f"x {number}\n" for number in range(LINES))


# --- a flood of small frames ---------------------------------------------------------------------


@asynccontextmanager
async def called_by_a_cell() -> AsyncIterator[tuple[int, asyncio.Future[Cell]]]:
    """Listen on a port for the cell that connects to it."""
    cell: asyncio.Future[Cell] = asyncio.get_running_loop().create_future()

    async def on_call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cell.set_result((reader, writer))

    server = await asyncio.start_server(on_call, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], cell
    finally:
        if cell.done() and not cell.cancelled():
            cell.result()[1].close()
        server.close()
        await server.wait_closed()


@pytest.mark.ways(servers=["sshd"], why="its connections are processes, which can be stopped")
async def test_thousands_of_small_frames_wait_for_the_link_and_all_arrive_in_order(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    far.install("far", detached_timeout=THIRTY_DAYS)
    async with started() as (manager, client), called_by_a_cell() as (port, called):
        before = [state_of(each)["supervisor_pid"] for each in far.supervisors()]
        cell = asyncio.create_task(execute(client, FLOOD.format(port=port), timeout=READY))
        reader, writer = await asyncio.wait_for(called, READY)
        for process in far.server.connections():
            # Nothing comes through, so nothing is acknowledged.
            os.kill(process.pid, signal.SIGSTOP)
        writer.write(b"!")
        assert await asyncio.wait_for(reader.read(), READY) == b"done"
        await asyncio.to_thread(far.server.cut)
        assert (await cell).text == WANTED
        assert [state_of(each)["supervisor_pid"] for each in far.supervisors()] == before
        assert await manager.is_alive()
    assert far.left_behind() == []


# --- its socket ----------------------------------------------------------------------------------


def frame(kind: int, payload: bytes = b"", *, seq: int = 0, stream: int = 0) -> bytes:
    return wire.Frame(1, kind, stream, seq, payload).encode()


def attach(**request: Any) -> bytes:
    """Give the bytes of an ATTACH, with what is not said as it should be or left out (None)."""
    usual = {"attachment": "a test's", "epoch": 1, "received": 0, **request}
    return frame(wire.ATTACH, wire.dumps({k: v for k, v in usual.items() if v is not None}))


def never_attached(token: str) -> dict[str, bytes]:
    """Give what may come first on a connection that is of no use."""
    return {
        "nothing": b"",
        "half a header": b"\0\0\0",
        "garbage": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + bytes(range(256)) * 40,
        "a frame that is too long": wire.HEADER.pack(wire.MAX_PAYLOAD + 1, 1, wire.ATTACH, 0, 0),
        "the longest size": wire.HEADER.pack(2**32 - 1, 1, wire.ATTACH, 0, 0),
        "a greeting": frame(wire.HELLO, b"{}"),
        "a command": frame(wire.COMMAND, b'{"id":1,"do":"stop"}', seq=1),
        "no JSON": frame(wire.ATTACH, b"\xff\xfe"),
        "no object": frame(wire.ATTACH, b"[]"),
        "deep JSON": frame(wire.ATTACH, b"[" * 100_000),
        "a visit with a wrong token": frame(wire.COMMAND, b'{"token":"","do":"stop"}'),
        "a visit with no object": frame(wire.COMMAND, b"[]"),
        "no token": attach(),
        "wrong token": attach(token="0" * len(token)),
        "a token beyond ASCII": attach(token="\xe9\ud800"),
        "no name": attach(token=token, attachment=None),
        "no number": attach(token=token, epoch="first"),
        "more heard than was said": attach(token=token, epoch=2, received=1),
    }


def after_attaching() -> dict[str, bytes]:
    """Give what may come on a connection that is attached."""
    return {
        "garbage": b"\xff" * 1000,
        "a greeting": frame(wire.HELLO, b"{}"),
        "another ATTACH": attach(),
        "a frame out of order": frame(wire.COMMAND, b"{}", seq=5),
        "an acknowledgement of what was never sent": frame(wire.ACK, wire.U64.pack(10**9)),
        "an acknowledgement of no number": frame(wire.ACK, b"?"),
        "a command that is none": frame(wire.COMMAND, b"[]", seq=1),
        "a stream to no port": frame(wire.OPEN, b"\x09\x00", seq=1, stream=1),
        "a stream of no priority": frame(wire.OPEN, b"\x00\x09", seq=1, stream=1),
        "a stream twice": frame(wire.OPEN, b"\x00\x00", seq=1, stream=1)
        + frame(wire.OPEN, b"\x00\x00", seq=2, stream=1),
    }


class Stranger:
    """A connection to a supervisor that is not the link's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._splitter = wire.Splitter()

    def say(self, data: bytes) -> None:
        self._writer.write(data)

    def say_no_more(self) -> None:
        self._writer.write_eof()

    async def hear(self) -> list[wire.Frame]:
        """Give the next frames; none when the supervisor has closed the connection."""
        while data := await asyncio.wait_for(self._reader.read(65536), SOON):
            if frames := self._splitter.feed(data):
                return frames
        return []

    async def hear_all(self) -> list[wire.Frame]:
        """Give all frames until the supervisor closes the connection."""
        heard: list[wire.Frame] = []
        while frames := await self.hear():
            heard += frames
        return heard


@asynccontextmanager
async def stranger_at(supervisor: Path) -> AsyncIterator[Stranger]:
    reader, writer = await asyncio.open_unix_connection(supervisor / state.SOCKET)
    try:
        yield Stranger(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):  # it may have gone without reading all
            await writer.wait_closed()


async def test_what_strangers_say_on_its_socket_costs_their_connection_only(far: FarSide) -> None:
    async with started() as (manager, client):
        (supervisor,) = far.supervisors()
        about = state_of(supervisor)
        for name, said in never_attached(about["token"]).items():
            async with stranger_at(supervisor) as stranger:
                stranger.say(said)
                if name in UNFINISHED:
                    stranger.say_no_more()
                kinds = [each.kind for each in await stranger.hear_all()]
                assert kinds == ([] if name in UNFINISHED else [wire.FAREWELL]), name
        for number, (name, said) in enumerate(after_attaching().items()):
            async with stranger_at(supervisor) as stranger:
                stranger.say(attach(token=about["token"], attachment=f"a test's {number}"))
                assert [each.kind for each in await stranger.hear()] == [wire.ATTACHED]
                stranger.say(said)
                last = (await stranger.hear_all())[-1]
                assert (last.kind, last.json().get("kind")) == (wire.FAREWELL, "refused"), name
        assert (await execute(client, "print('still here')")).text == "still here\n"
        assert await manager.is_alive()
        assert state_of(supervisor)["supervisor_pid"] == about["supervisor_pid"]
    assert far.left_behind() == []


def visit(token: str, **command: Any) -> bytes:
    return frame(wire.COMMAND, wire.dumps({"id": 9, "token": token, **command}))


async def test_a_visitor_with_an_odd_command_gets_one_result_and_nothing_else_changes(
    far: FarSide,
) -> None:
    odd: list[dict[str, Any]] = [
        {},
        {"do": []},
        {"do": "launch", "request": {}},
        {"do": "signal"},
        {"do": "signal", "signum": "x"},
        {"do": "signal", "signum": 10**400},
        *({"do": "log", "offset": each} for each in (-1, "x", [], float("inf"))),
        *({"do": "log", "wait": each} for each in (-1, 31, float("nan"), 10**400, {})),
    ]
    async with started() as (_, client):
        (supervisor,) = far.supervisors()
        before = state_of(supervisor)
        for command in odd:
            async with stranger_at(supervisor) as stranger:
                # What comes after the command is not looked at any more.
                stranger.say(visit(before["token"], **command) * 2)
                heard = await stranger.hear_all()
                assert heard[0].kind == wire.RESULT, command
                assert heard[0].json()["error"]["kind"] == "request", command
                assert heard[0].json()["id"] == 9
                assert len(heard) == 1
        async with stranger_at(supervisor) as stranger:
            # It goes away while it is to be told of more.
            stranger.say(visit(before["token"], do="log", offset=10**6, wait=30))
        assert (await execute(client, "print('still here')")).text == "still here\n"
        after = state_of(supervisor)
        assert {**after, "changed": 0} == {**before, "changed": 0}
    assert far.left_behind() == []


async def test_one_who_attaches_again_fences_only_his_own_older_connection(far: FarSide) -> None:
    async with started() as (_, client):
        (supervisor,) = far.supervisors()
        token = state_of(supervisor)["token"]
        async with stranger_at(supervisor) as older, stranger_at(supervisor) as newer:
            older.say(attach(token=token))
            assert [each.kind for each in await older.hear()] == [wire.ATTACHED]
            newer.say(attach(token=token, epoch=2))
            assert [each.kind for each in await newer.hear()] == [wire.ATTACHED]
            (farewell,) = await older.hear_all()
            assert farewell.json()["kind"] == "fenced"
        assert (await execute(client, "print(1 + 1)")).text == "2\n"
    assert far.left_behind() == []


async def test_a_program_that_was_given_up_is_told_so_when_it_comes_back(far: FarSide) -> None:
    async with started():
        (supervisor,) = far.supervisors()
        token = state_of(supervisor)["token"]
        async with stranger_at(supervisor) as stranger:
            stranger.say(attach(token=token, epoch=2, received=1))
            (farewell,) = await stranger.hear_all()
            assert farewell.json()["kind"] == "given-up"
    assert far.left_behind() == []


# --- a full spool --------------------------------------------------------------------------------

FLOOD_WHEN_CUT = """
import os, time
print("under way", flush=True)
while not os.path.exists({flag!r}):
    time.sleep(0.01)
for _ in range(100):
    print("x" * 1_000_000, flush=True)
"""


def until_full(supervisor: Path) -> dict[str, Any]:
    deadline = time.monotonic() + READY
    while not (content := state_of(supervisor))["spool_full"]:
        assert time.monotonic() < deadline, content
        time.sleep(0.05)  # nothing tells when a file has changed
    return content


async def test_the_state_file_tells_that_the_spool_was_full(
    make_far: MakeFarSide, tmp_path: Path
) -> None:
    far = make_far()
    far.install("far", spool_limit=1)
    flag = tmp_path / "cut"
    async with started() as (_, client):
        (supervisor,) = far.supervisors()
        assert state_of(supervisor)["spool_full"] is False
        await busy(client, FLOOD_WHEN_CUT.format(flag=str(flag)))
        await asyncio.to_thread(far.server.stop)
        flag.touch()
        full = await asyncio.to_thread(until_full, supervisor)
        assert full["attached"] is False
        await asyncio.to_thread(far.server.start)
        assert (await execute(client, "print(6 * 7)", timeout=READY)).text == "42\n"
        assert state_of(supervisor)["spool_full"] is True
    assert far.left_behind() == []


async def test_the_state_file_is_as_the_documentation_shows_it(far: FarSide) -> None:
    page = (ROOT / "docs/lost-connection.md").read_text(encoding="utf-8")
    shown = json.loads(page.split("```json\n")[1].split("```")[0])
    table = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    async with started():
        (supervisor,) = far.supervisors()
        told = state_of(supervisor)
    assert {name: type(value) for name, value in told.items() if value is not None}.items() <= {
        (name, type(value)) for name, value in shown.items()
    } | {(name, float) for name in ("attached_since", "detached_since", "ends_at")}
    assert set(told) == set(shown)
    assert [name for name in told if f"`{name}`" not in table] == []


# --- its end -------------------------------------------------------------------------------------


async def test_a_supervisor_that_is_told_to_end_takes_its_kernel_and_its_directory_along(
    far: FarSide,
) -> None:
    async with started() as (manager, _):
        (supervisor,) = far.supervisors()
        os.kill(state_of(supervisor)["supervisor_pid"], signal.SIGTERM)
        assert await asyncio.wait_for(manager.provisioner.wait(), SOON) == -signal.SIGKILL
        assert not await manager.is_alive()
        assert await asyncio.to_thread(far.left_behind) == []


# --- clients that are early ----------------------------------------------------------------------


def five_ports() -> dict[str, int]:
    ports: set[int] = set()
    while len(ports) < len(wire.PORTS):
        ports.add(free_port())
    return {f"{name}_port": port for name, port in zip(wire.PORTS, ports, strict=True)}


async def knock(port: int, open_connections: list[socket.socket]) -> None:
    """Connect as soon as somebody listens."""
    loop = asyncio.get_running_loop()
    while True:
        connection = socket.socket()
        connection.setblocking(False)
        try:
            await loop.sock_connect(connection, ("127.0.0.1", port))
        except ConnectionRefusedError:
            connection.close()
            await asyncio.sleep(0.001)  # nothing tells when another listens
        else:
            open_connections.append(connection)
            return


async def test_clients_that_connect_before_the_kernel_is_launched_do_no_harm(
    make_far: MakeFarSide, tmp_path: Path
) -> None:
    far = make_far()
    file = tmp_path / "connection.json"
    ports = five_ports()
    agreed = {"ip": "127.0.0.1", "transport": "tcp", "key": "abc", "kernel_name": "far"}
    file.write_text(json.dumps({**ports, **agreed, "signature_scheme": "hmac-sha256"}))
    manager = AsyncKernelManager(kernel_name="far", connection_file=str(file))
    early: list[socket.socket] = []
    knocking = asyncio.gather(*(knock(port, early) for port in 3 * list(ports.values())))
    try:
        start = asyncio.create_task(manager.start_kernel())
        await asyncio.wait_for(knocking, READY)
        assert not start.done()
        assert far.server.processes() == []  # there is not even a login yet
        await start
        assert {f"{name}_port": getattr(manager, f"{name}_port") for name in wire.PORTS} == ports
        async with connected_to(manager) as client:
            assert (await execute(client, "print('unharmed')")).text == "unharmed\n"
    finally:
        knocking.cancel()
        for connection in early:
            connection.close()
        await manager.shutdown_kernel(now=True)
    assert far.left_behind() == []
