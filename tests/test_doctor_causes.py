"""``sshpyk doctor`` names the first real cause, says what to do, and tries nothing after it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sshpyk_core.checks.first_hop import FirstHop
from sshpyk_core.checks.login_shell import login_shell_runs_commands
from sshpyk_core.checks.network import port_answers
from sshpyk_core.cli.doctor.report import Report
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.testing.embedded_server import EmbeddedServer
from sshpyk_core.types import Finding
from sshpyk_core.visiting import session_to
from support.doctor import Seen, examine
from support.far import FarSide
from support.kernels import remote_failing_kernel, remote_ipykernel, remote_kernel
from support.local import LocalSide
from support.openssh import left_behind, target_of
from support.peers import until
from support.prompters import Somebody
from support.pythons import path_without_python
from support.serving import serving
from support.sshd import SSHServer
from support.ways import Way

MakeSSHServer = Callable[..., SSHServer]

OURS = ("openssh", "asyncssh", "paramiko")
ORDER = (
    *("settings", "name", "port", "login", "shell", "python", "kernel spec", "kernel"),
    *("link", "throughput", "forwarding", "sessions"),
)
"""The checks as they begin."""


async def the_error(check: str, examining: Awaitable[Report], seen: Seen | None = None) -> Finding:
    """Give the one error of a report, which is its last finding, and of this check."""
    report = await examining
    errors = [each for each in report.findings if each.finding.level == "error"]
    assert [each.check for each in errors] == [check], report.findings
    assert report.findings[-1] is errors[0]
    assert not report.usable
    assert errors[0].finding.fix
    if seen is not None:
        begun = list(dict.fromkeys(seen.begun))
        assert begun == list(ORDER[: ORDER.index(begun[-1]) + 1])
    return errors[0].finding


def causes(report: Report, check: str) -> str:
    """Give all that was found of a check."""
    return "\n".join(each.finding.cause for each in report.findings if each.check == check)


# --- the network ---------------------------------------------------------------------------------


async def test_a_name_that_does_not_resolve(shared_sshd: SSHServer) -> None:
    config, seen = shared_sshd.client.config_with("HostName nowhere.invalid"), Seen()
    error = await the_error("name", examine("remote", config, others=True, seen=seen))
    assert "nowhere.invalid, does not resolve: " in error.cause
    assert "`ssh -G remote`" in error.fix
    assert seen.begun == ["settings", "name", *(f"trying {name}" for name in OURS[1:])]


async def test_a_port_that_refuses(shared_sshd: SSHServer) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port, seen = holder.getsockname()[1], Seen()
        config = shared_sshd.client.config_with(f"Port {port}")
        error = await the_error("port", examine("remote", config, seen=seen), seen)
    assert error.cause == f"127.0.0.1 port {port}: Connection refused"
    assert "VPN, firewall" in error.fix


async def say_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def be_a_web_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(b"HTTP/1.1 400 Bad\x1b]0;Request\r\n\r\n")


async def be_a_tarpit(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"wait\r\n")
        await asyncio.sleep(0.05)


async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (say_nothing, "takes connections, but says nothing within 1 s"),
        (be_a_web_server, "does not speak SSH: it says 'HTTP/1.1 400 Bad ]0;Request'"),
        (be_a_tarpit, "does not speak SSH: it says 'wait"),
        (hang_up, "takes connections, and hangs up before it says anything"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
async def test_something_else_than_ssh(
    shared_sshd: SSHServer,
    server: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    words: str,
) -> None:
    seen = Seen()
    async with serving(server) as port:
        config = shared_sshd.client.config_with(f"Port {port}", "ConnectTimeout 1")
        error = await the_error("port", examine("remote", config, seen=seen), seen)
    assert f"127.0.0.1 port {port} {words}" in error.cause
    assert error.cause.isprintable()
    assert f"Is {port} the port of the SSH server?" in error.fix


async def test_each_address_is_tried_and_the_bad_ones_are_told(shared_sshd: SSHServer) -> None:
    hop = FirstHop(HostSettings("box", (("port", str(shared_sshd.port)),)), False, False)
    good, bad = await port_answers(hop, ["127.0.0.2", "127.0.0.1"])
    assert good.level == "ok"
    assert f"127.0.0.1 port {shared_sshd.port} answers in " in good.cause
    assert bad.level == "info"
    assert bad.cause == f"127.0.0.2 port {shared_sshd.port}: Connection refused"
    assert bad.fix == "Another address answers: name that one as HostName of box."
    bad = (await port_answers(hop, ["::1", "127.0.0.1"]))[1]
    assert bad.fix == "`AddressFamily inet` in the entry of box passes it over."


async def test_a_jump_host_is_what_this_machine_can_test(shared_sshd: SSHServer) -> None:
    config = shared_sshd.client.config_with()
    with config.open("a", encoding="utf-8") as file:
        file.write("Host inner\n  HostName 10.255.255.1\n  ProxyJump gate\n")
        file.write("Host gate\n  HostName gate.invalid\n")
        file.write("Host by-command\n  ProxyCommand false\n")
    error = await the_error("name", examine("inner", config))
    assert error.cause.startswith("the name of the jump host gate.invalid, gate.invalid, does not")
    report = await examine("by-command", config)
    assert "is reached by a ProxyCommand: false" in causes(report, "port")
    assert not report.usable


# --- the login -----------------------------------------------------------------------------------


@contextmanager
def spoilt(server: SSHServer, how: str) -> Iterator[None]:
    getattr(server.client, how)()
    try:
        yield
    finally:
        server.client.trust_host_key()
        server.client.offer_right_key()


@pytest.mark.parametrize("transport", OURS)
@pytest.mark.parametrize(
    ("how", "check", "fix"),
    [
        ("forget_host_key", "host key", "accept it, once, in a terminal: `ssh -F "),
        ("change_host_key", "host key", "ssh-keygen -R '[127.0.0.1]:"),
        ("offer_wrong_key", "login", "`sshpyk login remote`\n"),
    ],
)
async def test_a_login_that_fails(
    shared_sshd: SSHServer, transport: str, how: str, check: str, fix: str
) -> None:
    seen = Seen()
    with spoilt(shared_sshd, how):
        looking = examine("remote", shared_sshd.ssh_config, transport, seen=seen)
        error = await the_error(check, looking, seen)
    assert fix in error.fix
    assert seen.begun[-1] == "login"
    assert left_behind(shared_sshd) == []


async def test_each_other_transport_says_whether_it_would_do(shared_sshd: SSHServer) -> None:
    config = shared_sshd.client.config_with("KexAlgorithms sntrup761x25519-sha512@openssh.com")
    report = await examine("remote", config, others=True)
    assert [each.name for each in report.transports] == list(OURS)
    openssh, *others = report.transports
    assert openssh.usable
    for each in others:
        assert not each.usable, "it knows no such algorithm"
        assert "KexAlgorithms" in each.findings[-1].cause
        assert each.findings[-1].fix


async def test_what_one_transport_was_answered_does_for_the_others(
    make_embedded: Callable[..., EmbeddedServer],
) -> None:
    server = make_embedded(password="open sesame", allow_key=False)
    remote_ipykernel(server.home)
    somebody = Somebody("open sesame")
    looking = examine("embedded", server.ssh_config, others=True, person=somebody)
    report = await looking
    assert report.usable, report.findings
    assert [each.usable for each in report.transports] == [True, True, True], report.transports
    assert [each.kind for each in somebody.asked] == ["password"]


async def test_an_open_control_master_needs_neither_name_nor_port(shared_sshd: SSHServer) -> None:
    socket_path = shared_sshd.directory / "master"
    config = shared_sshd.client.config_with(f"ControlPath {socket_path}", "ControlMaster auto")
    command = ["ssh", "-F", str(config), "-N", "remote"]
    held = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL)
    try:
        await until(socket_path.exists)
        away = shared_sshd.client.config_with(f"ControlPath {socket_path}", "HostName no.invalid")
        report = await examine("remote", away, "openssh")
        assert ("name", "warning") in [(e.check, e.finding.level) for e in report.findings]
        assert "a control master for remote is open" in causes(report, "login")
        assert "runs commands" in causes(report, "shell")
    finally:
        held.terminate()
        await held.wait()


async def test_a_transport_that_nobody_has_is_told(shared_sshd: SSHServer) -> None:
    looking = examine("remote", shared_sshd.ssh_config, "telnet", others=True)
    error = await the_error("transport", looking)
    assert "telnet" in error.cause


# --- the host ------------------------------------------------------------------------------------


async def test_a_shell_that_prints_is_told_with_its_words(make_sshd: MakeSSHServer) -> None:
    rc = 'echo "Welcome to \033[31mthe cluster"; echo "no tty" >&2'
    server = make_sshd(rc={".bashrc": rc})
    remote_ipykernel(server.home)
    report = await examine("remote", server.ssh_config)
    assert report.usable
    (noise,) = [each.finding for each in report.findings if each.finding.level == "info"]
    assert "'Welcome to  [31mthe cluster'; on standard error 'no tty'" in noise.cause
    assert noise.fix.endswith("~/.bashrc: `case $- in *i*) ;; *) return;; esac`")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("ForceCommand echo only files here; exit 3", "ended with status 3: 'only files here'"),
        ("ForceCommand /usr/sbin/nologin", "ended with status 1"),
        ("ForceCommand exec yes", "prints without end: 'y y y"),
    ],
)
async def test_a_shell_that_runs_no_command(
    make_sshd: MakeSSHServer, setting: str, words: str
) -> None:
    server, seen = make_sshd(sshd_config=[setting]), Seen()
    looking = examine("remote", server.ssh_config, "asyncssh", seen=seen)
    error = await the_error("shell", looking, seen)
    assert words in error.cause
    assert "`ssh remote true`" in error.fix


async def test_a_shell_that_does_not_get_to_a_command(make_sshd: MakeSSHServer) -> None:
    server = make_sshd(rc={".bashrc": "echo waiting; cat >/dev/null"})
    target = target_of(server)
    async with session_to(target) as reached:
        (error,) = await login_shell_runs_commands(reached.transport, reached.session, 0.5)
    assert error.level == "error"
    assert error.cause == "the login shell ran no command within 0.5 s: 'waiting'"
    assert "start-up files waits" in error.fix


async def test_a_host_without_python(make_sshd: MakeSSHServer, tmp_path: Path) -> None:
    server, seen = make_sshd(path=path_without_python(tmp_path / "bin")), Seen()
    error = await the_error("python", examine("remote", server.ssh_config, seen=seen), seen)
    assert "none was found" in error.cause
    assert "`sshpyk add remote --remote-python PATH`" in error.fix


async def test_the_kernels_of_a_host(make_sshd: MakeSSHServer, local: LocalSide) -> None:
    server = make_sshd()
    remote_failing_kernel(server.home, "failing", lines=("ImportError: no such thing",))
    remote_kernel(server.home, "deaf", ["sleep", "1000"])
    far = FarSide(server, local, Way("asyncssh", "sshd"))
    for name, there in (("gone", "julia-1.9"), ("failing", "failing"), ("deaf", "deaf")):
        far.install(name, there, launch_timeout=1.5 if name == "deaf" else 30)
    far.install("python", "failing", remote_python="~/no/python")
    for start in (True, False):
        error = await the_error("kernel spec", examine("gone", start=start))
        assert "there is no kernel 'julia-1.9'" in error.cause
        assert "failing" in error.cause
        assert "`sshpyk add remote" in error.fix
    seen = Seen()
    error = await the_error("kernel", examine("failing", start=True, seen=seen), seen)
    assert "exit status 3" in error.cause
    assert error.cause.endswith("ImportError: no such thing")
    error = await the_error("kernel", examine("deaf", start=True))
    assert "it had not started after 1.5 s" in error.cause
    error = await the_error("python", examine("python", start=True))
    assert "~/no/python" in error.cause or "/no/python" in error.cause
    assert "`sshpyk edit python --remote-python PATH`" in error.fix
    assert far.left_behind() == []


async def test_a_kernel_is_started_and_nothing_is_left(
    kernel_sshd: SSHServer, local: LocalSide
) -> None:
    far = FarSide(kernel_sshd, local)
    for channels, transport in (("relay", "openssh"), ("forward", "paramiko")):
        far.install(channels, channels=channels, transport=transport)
        report = await examine(channels, start=True)
        assert report.usable, report.findings
        assert "ipykernel_launcher" in causes(report, "kernel spec")
        assert "answered after" in causes(report, "kernel")
    assert far.left_behind() == []
    assert left_behind(kernel_sshd) == []


async def test_what_the_server_does_not_allow_is_told(make_sshd: MakeSSHServer) -> None:
    settings = ["AllowTcpForwarding no", "AllowStreamLocalForwarding no", "MaxSessions 3"]
    server = make_sshd(sshd_config=settings)
    remote_ipykernel(server.home)
    for transport in OURS:
        report = await examine("remote", server.ssh_config, transport)
        assert report.usable
        assert "the server forwards no TCP ports" in causes(report, "forwarding")
        assert causes(report, "sessions") == "2 sessions besides the one that kernels share"
