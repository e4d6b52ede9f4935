"""A ProxyCommand is run as ssh runs it, and a socket leads to it."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import paramiko
import pytest
from sshpyk_core.errors import ConfigError, ConnectError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.ssh_config import resolve
from sshpyk_core.transport_kit.route.proxy_command import ProxyConnection, start_proxy_command
from sshpyk_core.transport_kit.route.proxy_tokens import expand_tokens, proxy_command_words
from sshpyk_core.types import Target
from support.processes import Process, children_of, wait_ended, wait_gone
from support.require import require_program
from support.sshd import SSHServer

# What `nc HOST PORT` does.
RELAY = """\
import os, socket, sys, threading
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def there():
    while data := os.read(0, 65536):
        sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)
threading.Thread(target=there, daemon=True).start()
while data := sock.recv(65536):
    while data:
        data = data[os.write(1, data):]
"""
PUMPED = pytest.mark.parametrize("pumped", [False, True], ids=["socket", "pumped"])


def settings(command: str | None, **more: str) -> HostSettings:
    entries = {"hostname": "box.example.org", "port": "2222", "user": "me", **more}
    if command is not None:
        entries["proxycommand"] = command
    return HostSettings("box", tuple(entries.items()))


@asynccontextmanager
async def running(
    command: str, pumped: bool = False, **more: str
) -> AsyncIterator[ProxyConnection]:
    proxy = await start_proxy_command(settings(command, **more), pumped=pumped)
    try:
        yield proxy
    finally:
        await proxy.aclose()


@pytest.fixture
def relay(tmp_path: Path) -> str:
    path = tmp_path / "relay.py"
    path.write_text(RELAY)
    return shlex.join([sys.executable, str(path)]) + " %h %p"


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture(autouse=True)
def shared() -> Iterator[None]:
    """Remember the servers that tests share: they are no children of the test."""
    SHARED.update(child.pid for child in children_of(os.getpid()))
    yield
    SHARED.clear()


SHARED: set[int] = set()


def children() -> list[Process]:
    return [child for child in children_of(os.getpid()) if child.pid not in SHARED]


async def received(sock: socket.socket, size: int = -1) -> bytes:
    """Read that many bytes, or all that come."""
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    data = b""
    while len(data) != size:
        more = await loop.sock_recv(sock, 65536 if size < 0 else size - len(data))
        if not more:
            break
        data += more
    return data


async def first_line(sock: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        more = await received(sock, 1)
        assert more
        line += more
    return line


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


# The command line


def test_the_tokens_of_a_proxy_command_are_replaced() -> None:
    expanded = expand_tokens(settings(None), "nc %h %p # %n %r %% %%h")
    assert expanded == "nc box.example.org 2222 # box me % %h"


@pytest.mark.parametrize("command", ["nc %x", "nc %", "nc %d", "nc %\n"])
def test_a_token_that_ssh_does_not_know_is_an_error(command: str) -> None:
    with pytest.raises(ConfigError, match="no token"):
        expand_tokens(settings(None), command)


@pytest.mark.parametrize(
    "user", ["$(id)", "a b", "a;b", "-oX", "a`b", "a\nb", "a\\b", "a'b", "a|b"]
)
def test_a_name_that_a_shell_could_run_is_refused(user: str) -> None:
    with pytest.raises(ConfigError, match="cannot stand for %r"):
        expand_tokens(settings(None, user=user), "nc -l %r")
    assert expand_tokens(settings(None, user=user), "nc") == "nc"


async def test_ssh_runs_the_same_command_line(tmp_path: Path) -> None:
    ssh = require_program("ssh", "openssh-client")
    config = tmp_path / "config"
    config.write_text(
        "Host box\n HostName box.invalid\n Port 2222\n User me\n"
        ' ProxyCommand echo "%h  %p" %n %r %% >/dev/null\n'
    )
    shell, option, line = proxy_command_words(await resolve(Target("box", ssh_config=str(config))))
    process = await asyncio.create_subprocess_exec(
        *(ssh, "-v", "-F", str(config), "box"),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    found = re.search(r"Executing proxy command: (.*)", said.decode())
    assert found
    assert line == found[1].rstrip()
    assert (shell, option) == (os.environ.get("SHELL", "/bin/sh"), "-c")


@pytest.mark.parametrize("command", [None, "none", "-"])
def test_a_host_without_a_command_has_none_to_run(command: str | None) -> None:
    with pytest.raises(ConfigError, match="no ProxyCommand"):
        proxy_command_words(settings(command))


def test_a_command_that_hands_over_a_descriptor_is_refused() -> None:
    with pytest.raises(ConfigError, match="ProxyUseFdpass"):
        proxy_command_words(settings("nc %h %p", proxyusefdpass="yes"))


# The socket


@PUMPED
async def test_bytes_pass_both_ways_untouched(pumped: bool) -> None:
    data = bytes(range(256)) * 16384
    loop = asyncio.get_running_loop()
    async with running("cat", pumped) as proxy:
        assert proxy.socket.getblocking()
        proxy.socket.setblocking(False)
        sending = asyncio.create_task(loop.sock_sendall(proxy.socket, data))
        assert await received(proxy.socket, len(data)) == data
        await sending
        proxy.socket.shutdown(socket.SHUT_WR)
        assert await received(proxy.socket) == b""


@PUMPED
async def test_the_end_of_the_command_is_the_end_of_the_stream(pumped: bool) -> None:
    async with running("echo last words", pumped) as proxy:
        assert await received(proxy.socket) == b"last words\n"


@PUMPED
@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
async def test_the_shell_of_the_user_gives_way_to_the_command(
    pumped: bool, shell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELL", require_program(shell, shell.rpartition("/")[2]))
    async with running("sh -c 'echo $$; cat'", pumped) as proxy:
        pid = int(await first_line(proxy.socket))
        assert parent_of(pid) == os.getpid()


# Its end


@PUMPED
@pytest.mark.parametrize(
    "command",
    [
        "cat",
        "sleep 60",
        "sh -c 'trap \"\" HUP TERM; sleep 60 & sleep 60'",
        "sh -c 'sleep 60 & sleep 60 & wait'",
    ],
)
async def test_closing_ends_all_that_the_command_started(pumped: bool, command: str) -> None:
    before = descriptors()
    async with running(command, pumped) as proxy:
        started = children()
        assert started
    await proxy.aclose()
    assert not children()
    assert not wait_ended(started, 5)
    assert descriptors() == before


@PUMPED
async def test_a_command_that_has_ended_can_be_closed(pumped: bool) -> None:
    before = descriptors()
    async with running("true", pumped) as proxy:
        assert await received(proxy.socket) == b""
    assert descriptors() == before


async def test_a_child_that_keeps_standard_error_open_holds_nobody_up() -> None:
    before = descriptors()
    async with running("sh -c 'setsid sleep 60 <&- >&- & echo pid $!'") as proxy:
        said = await received(proxy.socket)
    os.kill(int(said.split()[1]), 9)
    assert descriptors() == before


@pytest.mark.parametrize("moment", range(6))
async def test_a_cancelled_start_leaves_nothing(moment: int) -> None:
    before = descriptors()
    task = asyncio.create_task(start_proxy_command(settings("sleep 60")))
    for _ in range(moment):
        await asyncio.sleep(0)
    task.cancel()
    try:
        proxy = await task
    except asyncio.CancelledError:
        pass
    else:
        await proxy.aclose()
    assert not wait_gone(children, 5)
    assert descriptors() == before


async def test_a_cancelled_close_kills_at_once() -> None:
    async with running("sh -c 'trap \"\" HUP; echo ready; sleep 60'") as proxy:
        assert await received(proxy.socket, 6) == b"ready\n"
        task = asyncio.create_task(proxy.aclose())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not wait_gone(children, 1)


@PUMPED
async def test_a_failure_is_told_in_the_words_of_the_command(pumped: bool) -> None:
    async with running("sh -c 'echo no way >&2; exit 7'", pumped) as proxy:
        assert await received(proxy.socket) == b""
        assert await proxy.failure() == "its ProxyCommand ended with 7: no way"


async def test_a_command_that_does_not_exist_is_named() -> None:
    async with running("/no/such-program %h") as proxy:
        assert await received(proxy.socket) == b""
        failure = await proxy.failure()
    assert "127" in failure
    assert "such-program" in failure


async def test_only_the_last_words_of_a_talkative_command_are_kept() -> None:
    async with running("sh -c 'yes | head -c 1000000 >&2; echo the end >&2'") as proxy:
        assert await received(proxy.socket) == b""
        failure = await proxy.failure()
    assert failure.endswith("the end")
    assert len(failure) < 5000


async def test_a_shell_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/no/such-shell")
    before = descriptors()
    with pytest.raises(ConnectError, match="such-shell"):
        await start_proxy_command(settings("cat"))
    assert descriptors() == before


# With the libraries, against a real server


@PUMPED
async def test_asyncssh_logs_in_through_a_proxy_command(
    shared_sshd: SSHServer, relay: str, pumped: bool
) -> None:
    client = shared_sshd.client
    place = {"hostname": "127.0.0.1", "port": str(shared_sshd.port)}
    async with running(relay, pumped, **place) as proxy:
        connection = await asyncssh.connect(
            "127.0.0.1",
            shared_sshd.port,
            sock=proxy.socket,
            username=client.user,
            client_keys=[str(client.key)],
            known_hosts=str(client.known_hosts),
            config=None,
            agent_path=None,
        )
        async with connection:
            done = await connection.run("head -c 1000000 /dev/zero | wc -c")
            assert str(done.stdout).strip() == "1000000"
        await connection.wait_closed()


@PUMPED
async def test_paramiko_logs_in_through_a_proxy_command(
    shared_sshd: SSHServer, relay: str, pumped: bool
) -> None:
    client = shared_sshd.client
    place = {"hostname": "127.0.0.1", "port": str(shared_sshd.port)}

    def log_in(sock: socket.socket) -> bytes:
        transport = paramiko.Transport(sock)
        try:
            transport.start_client(timeout=20)
            transport.auth_publickey(client.user, paramiko.Ed25519Key(filename=str(client.key)))
            channel = transport.open_session()
            channel.exec_command("echo in")
            output = channel.makefile("rb").read()
        finally:
            transport.close()
            transport.join(10)
        assert isinstance(output, bytes)
        return output

    async with running(relay, pumped, **place) as proxy:
        assert await asyncio.to_thread(log_in, proxy.socket) == b"in\n"
