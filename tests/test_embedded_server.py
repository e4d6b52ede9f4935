"""The embedded server behaves like a host: commands, streams, forwards, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from sshpyk_core.testing.embedded_server import SFTP_SERVERS, EmbeddedServer
from sshpyk_core.types import Target
from support import processes

from sshpyk_openssh import plugin

MakeEmbedded = Callable[..., EmbeddedServer]
ALL_BYTES = bytes(range(256)) * 4096


def ssh(
    server: EmbeddedServer, command: str, *options: str, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    arguments = ["ssh", "-F", str(server.ssh_config), *options, "--", server.alias, command]
    return subprocess.run(arguments, input=stdin, capture_output=True, timeout=30, check=False)


async def connect(server: EmbeddedServer) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(server.alias, config=[str(server.ssh_config)])


def test_command_runs_in_a_clean_environment_in_its_home(
    embedded: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_SERVER", "1")
    done = ssh(embedded, "pwd; env")
    lines = done.stdout.decode().splitlines()
    assert lines[0] == str(embedded.home)
    assert f"HOME={embedded.home}" in lines
    assert "SHELL=/bin/sh" in lines
    assert not any(line.startswith("OF_THE_SERVER") for line in lines)


def test_python_of_the_test_is_the_first_on_path(embedded: EmbeddedServer) -> None:
    done = ssh(embedded, "python3 -c 'import sys; print(sys.prefix)'")
    assert done.stdout.decode().strip() == sys.prefix


def test_shell_and_environment_can_be_chosen(make_embedded: MakeEmbedded) -> None:
    server = make_embedded(shell="/bin/bash", env={"COLOUR": "green"}, alias="other")
    assert ssh(server, "echo $BASH $COLOUR $SHELL").stdout == b"/bin/bash green /bin/bash\n"


async def test_input_that_ends_before_the_command_has_begun_stops_no_later_command(
    embedded: EmbeddedServer,
) -> None:
    target = Target(embedded.alias, ssh_config=str(embedded.ssh_config))
    session = await plugin.sshpyk_connect(target, None)
    for _ in range(40):
        process = await plugin.sshpyk_launch(session, "echo $$; exec cat")
        pid = int(await process.stdout.read(100))
        process.stdin.close()
        await process.wait()
        await process.terminate()
        # Its input ends at once, and it says something on its standard error.
        asking = plugin.sshpyk_signal(session, pid, 0)
        assert not await asyncio.wait_for(asking, 20)
    await session.aclose()


async def test_input_for_a_command_that_ends_unread_stops_no_later_command(
    embedded: EmbeddedServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with await connect(embedded) as connection:
        for _ in range(40):
            unread = await connection.create_process("exit 0", encoding=None)
            with contextlib.suppress(BrokenPipeError):  # in this turn it has ended too soon
                unread.stdin.write(b"x" * 100)
            later = await asyncio.wait_for(connection.run("echo later"), 20)
            assert later.stdout == "later\n"
            await unread.wait_closed()
    assert [record for record in caplog.records if record.name == "asyncio"] == []


def test_all_bytes_pass_both_ways_and_streams_stay_apart(embedded: EmbeddedServer) -> None:
    done = ssh(embedded, "cat; echo aside >&2", stdin=ALL_BYTES)
    assert done.stdout == ALL_BYTES
    assert done.stderr == b"aside\n"


def test_command_gets_pipes(embedded: EmbeddedServer) -> None:
    code = "import os, stat; print(*[stat.S_ISFIFO(os.fstat(n).st_mode) for n in (0, 1, 2)])"
    assert ssh(embedded, f"python3 -c '{code}'").stdout == b"True True True\n"


def test_exit_status_and_signal_are_told(embedded: EmbeddedServer) -> None:
    assert ssh(embedded, "exit 7").returncode == 7

    async def kill() -> None:
        async with await connect(embedded) as connection:
            done = await connection.run("kill -TERM $$")
        assert done.exit_signal is not None
        assert done.exit_signal[0] == "TERM"

    asyncio.run(kill())


def test_exit_status_arrives_also_when_the_output_has_ended_before(
    embedded: EmbeddedServer,
) -> None:
    assert ssh(embedded, "exec >&- 2>&-; sleep 0.2; exit 7").returncode == 7


def test_connection_is_told_to_the_command(embedded: EmbeddedServer) -> None:
    client, near, server, far = ssh(embedded, "echo $SSH_CONNECTION").stdout.decode().split()
    assert (client, server, far) == ("127.0.0.1", "127.0.0.1", str(embedded.port))
    assert ssh(embedded, "echo $SSH_CLIENT").stdout.decode().split()[::2] == [client, far]
    assert near != far


async def test_half_close_lets_the_output_go_on(embedded: EmbeddedServer) -> None:
    async with await connect(embedded) as connection:
        process = await connection.create_process("cat >/dev/null; echo late", encoding=None)
        process.stdin.write(b"x" * 100_000)
        process.stdin.write_eof()
        assert await process.stdout.read() == b"late\n"


async def test_output_reaches_the_client_before_the_command_ends(embedded: EmbeddedServer) -> None:
    async with await connect(embedded) as connection:
        process = await connection.create_process("echo one; read line; echo $line")
        assert await process.stdout.readline() == "one\n"
        process.stdin.write("two\n")
        assert await process.stdout.readline() == "two\n"


async def test_input_that_nobody_reads_is_dropped(embedded: EmbeddedServer) -> None:
    fifo = embedded.home / "fifo"
    os.mkfifo(fifo)
    async with await connect(embedded) as connection:
        command = "exec <&-; echo closed; exec cat fifo"
        process = await connection.create_process(command, encoding=None)
        await process.stdout.readline()
        process.stdin.write(bytes(32 << 20))
        await process.stdin.drain()
        await asyncio.to_thread(fifo.write_bytes, b"still here")
        assert await process.stdout.read() == b"still here"


async def test_slow_client_holds_the_command_back(embedded: EmbeddedServer) -> None:
    code = (
        "import os\n"
        "for n in range(64):\n"
        "    os.write(1, bytes(1 << 20))\n"
        "    open('written', 'a').write('x')\n"
    )
    (embedded.home / "flood.py").write_text(code)
    (embedded.home / "written").touch()
    async with await connect(embedded) as connection:
        process = await connection.create_process("python3 flood.py", encoding=None)
        await process.stdout.readexactly(1 << 20)
        assert (embedded.home / "written").stat().st_size < 63
        assert len(await process.stdout.read()) == 63 << 20


async def test_client_can_signal_the_command(embedded: EmbeddedServer) -> None:
    async with await connect(embedded) as connection:
        process = await connection.create_process("echo ready; read line")
        assert await process.stdout.readline() == "ready\n"
        process.send_signal("USR1")
        await process.wait_closed()
        assert process.exit_signal is not None
        assert process.exit_signal[0] == "USR1"


def test_shell_that_is_not_there_is_an_exit_with_a_reason(make_embedded: MakeEmbedded) -> None:
    done = ssh(make_embedded(shell="/nowhere/sh"), "true")
    assert done.returncode == 1
    assert done.stderr == b"/nowhere/sh: No such file or directory\n"


async def test_tcp_and_unix_forwards_carry_bytes(embedded: EmbeddedServer) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        writer.close()

    path = str(embedded.home / "s")
    tcp = await asyncio.start_server(echo, "127.0.0.1", 0)
    unix = await asyncio.start_unix_server(echo, path)
    async with tcp, unix, await connect(embedded) as connection:
        port = tcp.sockets[0].getsockname()[1]
        for opened in (
            await connection.open_connection("127.0.0.1", port, encoding=None),
            await connection.open_unix_connection(path, encoding=None),
        ):
            reader, writer = opened
            writer.write(ALL_BYTES)
            writer.write_eof()
            assert await reader.read() == ALL_BYTES


async def test_forwards_can_be_forbidden(make_embedded: MakeEmbedded) -> None:
    server = make_embedded(allow_tcp=False, allow_unix=False)
    async with await connect(server) as connection:
        with pytest.raises(asyncssh.ChannelOpenError) as tcp:
            await connection.open_connection("127.0.0.1", server.port)
        with pytest.raises(asyncssh.ChannelOpenError) as unix:
            await connection.open_unix_connection("/tmp/none")
    assert tcp.value.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED
    assert unix.value.code == asyncssh.OPEN_CONNECT_FAILED


async def test_sessions_past_the_limit_are_refused_until_one_ends(
    make_embedded: MakeEmbedded,
) -> None:
    server = make_embedded(max_sessions=1)
    async with await connect(server) as connection:
        first = await connection.create_process("cat")
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.run("true")
        first.stdin.write_eof()
        await first.wait_closed()
        assert (await connection.run("echo again")).stdout == "again\n"
    assert server.connections_made == 1
    assert server.sessions_made == 2


def test_other_keys_are_not_let_in(embedded: EmbeddedServer, tmp_path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(tmp_path / "key")
    (tmp_path / "key").chmod(0o600)
    done = ssh(embedded, "true", "-o", f"IdentityFile={tmp_path / 'key'}", "-o", "BatchMode=yes")
    assert done.returncode == 0  # the right key is offered too

    async def refused() -> None:
        await asyncssh.connect(
            embedded.alias, config=[str(embedded.ssh_config)], client_keys=[tmp_path / "key"]
        )

    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(refused())


def test_private_files_are_private(embedded: EmbeddedServer) -> None:
    assert stat.S_IMODE(embedded.user_key.stat().st_mode) == 0o600
    assert stat.S_IMODE(embedded.directory.stat().st_mode) == 0o700


async def test_cut_is_abrupt_and_ends_the_input_of_commands(embedded: EmbeddedServer) -> None:
    connection = await connect(embedded)
    process = await connection.create_process("echo on; cat >/dev/null; echo done > ended")
    assert await process.stdout.readline() == "on\n"
    await asyncio.to_thread(embedded.cut)
    await connection.wait_closed()
    assert process.exit_status is None
    gone = partial(processes.with_home, embedded.home)
    assert await asyncio.to_thread(processes.wait_gone, gone, 10) == []
    assert (embedded.home / "ended").read_text() == "done\n"
    assert (await asyncio.to_thread(ssh, embedded, "echo again")).stdout == b"again\n"


async def test_detached_process_outlives_the_connection_and_the_server(
    make_embedded: MakeEmbedded,
) -> None:
    server = make_embedded()
    async with await connect(server) as connection:
        detach = "setsid sleep 600 </dev/null >/dev/null 2>&1 & echo $!"
        pid = int(str((await connection.run(detach)).stdout))
    await asyncio.to_thread(server.stop)
    find = partial(processes.with_home, server.home)
    assert pid in [process.pid for process in find()]
    processes.kill(find)


async def test_stop_ends_commands_that_ignore_the_end_of_their_input(
    make_embedded: MakeEmbedded,
) -> None:
    server = make_embedded()
    connection = await connect(server)
    process = await connection.create_process("trap '' HUP TERM PIPE; echo on; sleep 600; true")
    await process.stdout.readline()
    await asyncio.to_thread(server.stop)
    left = processes.wait_gone(partial(processes.with_home, server.home), 5)
    assert left == []
    await connection.wait_closed()


def test_start_after_stop_uses_the_same_port_and_keys(make_embedded: MakeEmbedded) -> None:
    server = make_embedded()
    port = server.port
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port)).close()
    server.start()
    assert server.port == port
    assert ssh(server, "echo back").stdout == b"back\n"


async def test_nothing_is_left_in_this_process() -> None:
    threads = set(threading.enumerate())
    descriptors = len(os.listdir("/proc/self/fd"))
    async with EmbeddedServer() as server:
        done = await asyncio.to_thread(ssh, server, "cat", stdin=ALL_BYTES)
        assert done.stdout == ALL_BYTES
        directory = server.directory
    left = {thread for thread in threading.enumerate() if "embedded" in thread.name} - threads
    assert left == set()
    assert len(os.listdir("/proc/self/fd")) <= descriptors
    assert not directory.exists()


def test_sftp_is_offered_and_can_be_switched_off(make_embedded: MakeEmbedded) -> None:
    def sftp(server: EmbeddedServer) -> subprocess.CompletedProcess[bytes]:
        command = ["sftp", "-F", str(server.ssh_config), "-b", "-", server.alias]
        return subprocess.run(command, input=b"pwd\n", capture_output=True, timeout=30, check=False)

    assert sftp(make_embedded(allow_sftp=False)).returncode != 0
    server = make_embedded()
    if not any(map(os.path.exists, SFTP_SERVERS)):
        pytest.skip("this machine has no sftp-server")
    assert str(server.home).encode() in sftp(server).stdout


def test_missing_asyncssh_is_named_with_the_extra() -> None:
    code = (
        "import sys; sys.modules['asyncssh'] = None\n"
        "try:\n    import sshpyk_core.testing.embedded_server\n"
        "except ImportError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "sshpyk-core[testing]" in done.stdout


class Answering(asyncssh.SSHClient):
    """A client that knows the answers, by their questions."""

    answers: dict[str, str]
    tries = 1

    def kbdint_auth_requested(self) -> str | None:
        self.tries -= 1
        return "" if self.tries >= 0 else None

    def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: list[tuple[str, bool]]
    ) -> list[str]:
        assert not any(echo for _, echo in prompts)
        return [self.answers[prompt] for prompt, _ in prompts]


async def log_in(server: EmbeddedServer, **options: Any) -> None:
    """Log in without the right key, run a command and leave."""
    options = {"client_keys": None, **options}
    config = [str(server.ssh_config)]
    async with asyncssh.connect(server.alias, config=config, **options) as connection:
        assert (await connection.run("exit 3")).exit_status == 3


async def test_password_lets_in_and_wrong_ones_are_counted(make_embedded: MakeEmbedded) -> None:
    server = make_embedded(password="open sesame")
    with pytest.raises(asyncssh.PermissionDenied):
        await log_in(server, password="open barley")
    assert (server.logins_refused, server.connections_made) == (1, 0)
    await log_in(server, password="open sesame")
    assert (server.logins_refused, server.connections_made) == (1, 1)
    assert server.connections_seen == 2
    assert ssh(server, "echo by key").stdout == b"by key\n"


async def test_questions_let_in_when_all_answers_are_right(make_embedded: MakeEmbedded) -> None:
    server = make_embedded(questions=[("Password: ", "p"), ("Code: ", "123")])
    for code, refused in (("124", 1), ("123", 1)):
        answers = {"Password: ": "p", "Code: ": code}
        client = type("Client", (Answering,), {"answers": answers})
        with pytest.raises(asyncssh.PermissionDenied) if code == "124" else nullcontext():
            await log_in(server, client_factory=client)
        assert server.logins_refused == refused
    assert server.connections_made == 1


async def test_a_client_that_goes_on_guessing_is_sent_away(make_embedded: MakeEmbedded) -> None:
    server = make_embedded(questions=[("Code: ", "123")])
    client = type("Client", (Answering,), {"answers": {"Code: ": "124"}, "tries": 100})
    with pytest.raises(asyncssh.PermissionDenied, match="Too many"):
        await log_in(server, client_factory=client)
    assert server.logins_refused == 6


async def test_key_is_not_let_in_where_it_is_not_allowed(make_embedded: MakeEmbedded) -> None:
    server = make_embedded(allow_key=False, password="p")
    done = await asyncio.to_thread(ssh, server, "true", "-o", "BatchMode=yes")
    assert b"Permission denied (password)" in done.stderr
    await log_in(server, password="p")


async def test_only_the_key_is_offered_where_nothing_is_said(embedded: EmbeddedServer) -> None:
    options = ("-o", "PubkeyAuthentication=no", "-o", "BatchMode=yes")
    done = await asyncio.to_thread(ssh, embedded, "true", *options)
    assert b"Permission denied (publickey)" in done.stderr
    assert embedded.logins_refused == 0
