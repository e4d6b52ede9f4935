"""Logins that need a person, by every means to ask one; and the reconnects that need none."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring.core
import pytest
from jupyter_client.manager import AsyncKernelManager
from sshpyk_core.errors import AuthenticationError
from sshpyk_core.testing.embedded_server import EmbeddedServer
from support.askpass import AskpassProgram
from support.file_keyring import BACKEND, FILE, kept
from support.kernels import execute, install_spec, remote_ipykernel
from support.local import LocalSide
from support.managers import started
from support.processes import children_of, wait_ended
from support.programs import START
from support.said import listened
from support.sessions import close_hosts
from support.sshd import SSHServer
from support.tty import Typist
from support.ways import TRANSPORTS

MakeEmbedded = Callable[..., EmbeddedServer]
Server = EmbeddedServer | SSHServer

PASSWORD = "open sesame"
TWO = (("Password: ", PASSWORD), ("Verification code: ", "123456"))
KEEP = "confirm|Keep the password for "


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    """Each transport in turn."""
    return str(request.param)


@pytest.fixture
def askpass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AskpassProgram:
    """A program that this process asks by; it knows the answers."""
    answers = {"*[Pp]assword*": PASSWORD, "*code*": "123456", "*passphrase*": PASSWORD}
    program = AskpassProgram(tmp_path, answers)
    program.use(monkeypatch)
    return program


@pytest.fixture
def file_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the library use a keyring in a file."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", BACKEND)
    monkeypatch.setenv(FILE, str(tmp_path / "keyring.json"))
    keyring.core.init_backend()
    yield
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    keyring.core.init_backend()


def install(server: Server, local: LocalSide, transport: str, remote: str = "python3") -> None:
    """Write the local spec ``far`` of a kernel of this server."""
    config = {
        "ssh_host_alias": server.alias,
        "ssh_config": str(server.ssh_config),
        "remote_kernel_name": remote,
        "transport": transport,
    }
    remote_ipykernel(server.home)
    install_spec(local.data_dir, "far", config)


def with_password(make_embedded: MakeEmbedded, local: LocalSide, transport: str) -> EmbeddedServer:
    """Make a server that wants a password, with a kernel."""
    server = make_embedded(password=PASSWORD, allow_key=False)
    install(server, local, transport)
    return server


def with_codes(make_embedded: MakeEmbedded, local: LocalSide, transport: str) -> EmbeddedServer:
    """Make a server that wants two answers, with a kernel."""
    server = make_embedded(questions=TWO, allow_key=False)
    install(server, local, transport)
    return server


def protect(server: SSHServer) -> None:
    """Put a passphrase on the key that the server lets in."""
    change = ["ssh-keygen", "-q", "-p", "-P", "", "-N", PASSWORD, "-f", str(server.client.key)]
    subprocess.run(change, check=True, stdout=subprocess.DEVNULL)


async def start_probe(server: Server) -> str:
    """Start a kernel that only reports, as the answer to whether one can be started."""
    manager = AsyncKernelManager(kernel_name="far")
    try:
        await manager.start_kernel()
        return "started"
    finally:
        await manager.shutdown_kernel(now=True)


def codes(askpass: AskpassProgram) -> int:
    """Count how often the second factor was asked for."""
    return sum("code" in line for line in askpass.asked())


async def refusal(server: Server) -> AuthenticationError:
    with pytest.raises(AuthenticationError) as caught:
        await start_probe(server)
    return caught.value


# Nobody


async def test_where_nobody_can_be_asked_the_command_that_helps_is_told(
    make_embedded: MakeEmbedded, local: LocalSide, transport: str
) -> None:
    server = with_password(make_embedded, local, transport)
    error = await refusal(server)
    assert "needs login" in error.fix
    assert "`ssh " in error.fix
    assert (server.logins_refused, server.connections_seen) == (0, 1)


# The SSH_ASKPASS program


async def test_a_password_is_asked_for_once_and_a_reconnect_asks_nobody(
    make_embedded: MakeEmbedded, local: LocalSide, transport: str, askpass: AskpassProgram
) -> None:
    server = with_password(make_embedded, local, transport)
    async with started() as (_, client):
        with listened() as said:
            await asyncio.to_thread(server.cut)
            await said.wait_for("connected again")
        assert (await execute(client, "print('back')")).text == "back\n"
    assert len(askpass.asked()) == 1
    assert server.connections_made == 2
    assert server.logins_refused == 0


async def test_kernels_that_start_at_once_ask_once(
    make_embedded: MakeEmbedded, local: LocalSide, transport: str, askpass: AskpassProgram
) -> None:
    server = with_password(make_embedded, local, transport)
    assert await asyncio.gather(*(start_probe(server) for _ in range(3))) == ["started"] * 3
    assert len(askpass.asked()) == 1


async def test_two_factors_are_asked_for_and_a_reconnect_needs_login(
    make_embedded: MakeEmbedded, local: LocalSide, transport: str, askpass: AskpassProgram
) -> None:
    server = with_codes(make_embedded, local, transport)
    async with started() as (manager, client):
        assert len(askpass.asked()) == 2
        with listened() as said:
            await asyncio.to_thread(server.cut)
            await said.wait_for("needs login")
            assert codes(askpass) == 1
            assert await manager.is_alive()
            await manager.interrupt_kernel()
            await said.wait_for("connected again")
        assert (await execute(client, "print('back')")).text == "back\n"
    assert codes(askpass) == 2
    assert server.logins_refused == 0


async def test_a_start_that_finds_a_reconnect_asks_when_that_could_not(
    make_embedded: MakeEmbedded, local: LocalSide, transport: str, askpass: AskpassProgram
) -> None:
    server = with_codes(make_embedded, local, transport)
    async with started() as (_, client):
        with listened() as said:
            await asyncio.to_thread(server.cut)
            await said.wait_for("connection lost")
            # Whether the reconnecting is under way or has ended by now: one question more.
            assert await start_probe(server) == "started"
        assert codes(askpass) == 2
        assert (await execute(client, "print('back')")).text == "back\n"


async def test_a_key_with_a_passphrase_is_opened(
    sshd: SSHServer, local: LocalSide, transport: str, askpass: AskpassProgram
) -> None:
    protect(sshd)
    install(sshd, local, transport)
    async with started() as (_, client):
        with listened() as said:
            await asyncio.to_thread(sshd.cut)
            await said.wait_for("connected again")
        assert (await execute(client, "print('back')")).text == "back\n"
    (asked,) = askpass.asked()
    assert str(sshd.client.key) in asked


async def test_a_wrong_password_is_asked_for_three_times_at_most(
    make_embedded: MakeEmbedded, local: LocalSide, transport: str, askpass: AskpassProgram
) -> None:
    server = with_password(make_embedded, local, transport)
    askpass.answer({"*password*": "wrong"})
    await refusal(server)
    assert len(askpass.asked()) == 3
    assert server.logins_refused == 3
    askpass.answer({"*password*": PASSWORD})
    assert await start_probe(server) == "started"
    assert len(askpass.asked()) == 4


async def test_a_password_that_was_changed_needs_one_attempt_to_be_found_wrong(
    make_embedded: MakeEmbedded, local: LocalSide, transport: str, askpass: AskpassProgram
) -> None:
    server = with_password(make_embedded, local, transport)
    async with started() as (manager, client):
        with listened() as said:
            server.change_password("open barley")
            await asyncio.to_thread(server.cut)
            await said.wait_for("needs login")
            assert server.logins_refused == 1
            assert len(askpass.asked()) == 1
            askpass.answer({"*password*": "open barley"})
            # A start in the meantime asks, and brings the other kernel back too.
            assert await start_probe(server) == "started"
            assert len(askpass.asked()) == 2
        assert (await execute(client, "print('back')")).text == "back\n"
        assert await manager.is_alive()
    assert server.logins_refused == 1


async def test_a_restart_asks_where_login_is_needed(
    make_embedded: MakeEmbedded, local: LocalSide, transport: str, askpass: AskpassProgram
) -> None:
    server = with_codes(make_embedded, local, transport)
    async with started() as (manager, client):
        with listened() as said:
            await asyncio.to_thread(server.cut)
            await said.wait_for("needs login")
            askpass.answer({"*Password*": PASSWORD})
            with pytest.raises(AuthenticationError, match="needs login"):
                await manager.restart_kernel(now=True)
            assert not said.containing("connected again")
        askpass.answer({"*Password*": PASSWORD, "*code*": "123456"})
        asked = codes(askpass)
        await manager.restart_kernel(now=True)
        assert codes(askpass) == asked + 1
        await client.wait_for_ready(timeout=60)
        assert (await execute(client, "print('anew')")).text == "anew\n"


async def test_cancelling_a_start_closes_the_dialog_and_leaves_nothing(
    make_embedded: MakeEmbedded,
    local: LocalSide,
    transport: str,
    askpass: AskpassProgram,
) -> None:
    server = with_password(make_embedded, local, transport)
    os.mkfifo(askpass.pid_file)
    askpass.answer({"*password*": None})
    starting = asyncio.create_task(start_probe(server))
    pid = int(await asyncio.wait_for(asyncio.to_thread(askpass.pid_file.read_text), 30))
    (dialog,) = [each for each in children_of(os.getpid()) if each.pid == pid]
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    # A start that is cancelled does not wait for the end of the login.
    assert await asyncio.to_thread(wait_ended, [dialog], 20) == []
    assert os.listdir(os.environ["XDG_RUNTIME_DIR"]) == []
    assert server.logins_refused == 0


# The keyring


@pytest.mark.usefixtures("file_keyring")
async def test_the_keyring_spares_the_next_process_the_question(
    make_embedded: MakeEmbedded, local: LocalSide, transport: str, askpass: AskpassProgram
) -> None:
    server = with_password(make_embedded, local, transport)
    askpass.answer({"Keep*": "yes", "*password*": PASSWORD})
    assert await start_probe(server) == "started"
    password, keep = askpass.asked()
    assert "assword" in password
    assert keep.startswith(KEEP)
    assert kept() == {f"jupyter@127.0.0.1:{server.port}": PASSWORD}
    await asyncio.to_thread(close_hosts)  # as another process: with nothing in memory
    assert await start_probe(server) == "started"
    assert len(askpass.asked()) == 2
    await asyncio.to_thread(close_hosts)
    os.unlink(os.environ[FILE])
    assert await start_probe(server) == "started"
    assert len(askpass.asked()) == 4


# The terminal


def test_a_password_is_typed_on_the_terminal(
    make_embedded: MakeEmbedded, local: LocalSide, transport: str
) -> None:
    server = with_password(make_embedded, local, transport)
    with Typist(START, SSHPYK_ASK="") as typist:
        typist.wait_for("assword")
        typist.type("wrong\n")
        typist.wait_for("assword")
        typist.type(f"{PASSWORD}\n")
        assert typist.output() == "started\n"
        assert PASSWORD not in typist.screen
    assert server.logins_refused == 1


def test_two_factors_are_typed_on_the_terminal(
    make_embedded: MakeEmbedded, local: LocalSide, transport: str
) -> None:
    with_codes(make_embedded, local, transport)
    with Typist(START, SSHPYK_ASK="") as typist:
        for prompt, answer in TWO:
            typist.wait_for(prompt.strip())
            typist.type(f"{answer}\n")
        assert typist.output() == "started\n"


def test_a_passphrase_is_typed_on_the_terminal(
    sshd: SSHServer, local: LocalSide, transport: str
) -> None:
    protect(sshd)
    install(sshd, local, transport)
    with Typist(START, SSHPYK_ASK="") as typist:
        typist.wait_for(str(sshd.client.key))
        typist.type(f"{PASSWORD}\n")
        assert typist.output() == "started\n"


def test_ctrl_c_at_the_question_fails_the_start_and_leaves_nothing(
    make_embedded: MakeEmbedded, local: LocalSide, transport: str
) -> None:
    server = with_password(make_embedded, local, transport)
    with Typist(START, SSHPYK_ASK="") as typist:
        typist.wait_for("assword")
        typist.type("\x03")
        assert "needs login" in typist.output()
        assert typist.echoes()
    assert os.listdir(os.environ["XDG_RUNTIME_DIR"]) == []
    assert server.logins_refused == 0
