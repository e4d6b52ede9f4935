"""The wrapping plugins of the documentation, around every transport, against a real server."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sshpyk_core.errors import ConnectError, HostUnreachableError, LaunchError
from sshpyk_core.registry import Registry
from sshpyk_core.transport import Transport, transport_for
from sshpyk_core.types import Session, Target, TcpAddress
from support.examples import EXAMPLES, install
from support.kernels import install_spec
from support.local import LocalSide
from support.openssh import outcome
from support.sshd import SSHServer
from support.ways import TRANSPORTS
from traitlets.config import Config
from traitlets.config.application import Application

VARIABLE = "SSHPYK_FORBIDDEN_HOSTS"
SECRET = "not for the log"
ANY_PORT = TcpAddress("127.0.0.1", 0)

each_transport = pytest.mark.parametrize("name", TRANSPORTS)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each plugin, with nothing else in it."""
    names = ("sshpyk-call-log", "sshpyk-host-policy")
    return {name: install(tmp_path_factory.mktemp(name), name) for name in names}


@pytest.fixture
def call_log(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> pytest.LogCaptureFixture:
    """Install the plugin that logs; give what is logged."""
    monkeypatch.syspath_prepend(folders["sshpyk-call-log"])
    caplog.set_level(logging.INFO, logger="sshpyk_call_log")
    return caplog


@pytest.fixture
def host_policy(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Install the plugin that forbids; give what sets its variable."""
    monkeypatch.syspath_prepend(folders["sshpyk-host-policy"])
    return monkeypatch


def reached(server: SSHServer, name: str) -> tuple[Target, Transport]:
    """Give a server as this transport's target, and the transport with what wraps it now."""
    target = Target(server.alias, name, ssh_config=str(server.ssh_config))
    return target, transport_for(target, Registry())


async def use_every_hook(target: Target, transport: Transport, path: Path) -> None:
    """Call all six hooks, and make sure that each has done its work."""
    levels = {finding.level for finding in await transport.diagnose(target)}
    assert "ok" in levels
    assert "error" not in levels
    session = await transport.connect(target)
    try:
        await transport.upload(session, SECRET.encode(), str(path), 0o600)
        process = await transport.launch(session, f"cat {path}")
        assert await outcome(process) == (0, SECRET.encode(), b"")
        sleeper = await transport.launch(session, "echo $$; exec sleep 600")
        pid = int(await sleeper.stdout.read(100))
        assert await transport.signal(session, pid, signal.SIGTERM) is True
        await sleeper.wait()
        await sleeper.terminate()
        await use_forward(transport, session)
    finally:
        await session.aclose()


async def use_forward(transport: Transport, session: Session) -> None:
    """Reach a port of this machine, which is the host, through a forward."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        destination = TcpAddress("127.0.0.1", listener.getsockname()[1])
        forward = await transport.forward(session, ANY_PORT, destination)
        assert isinstance(forward.address, TcpAddress)
        _, writer = await asyncio.open_connection(forward.address.host, forward.address.port)
        accepted, _ = await asyncio.get_running_loop().sock_accept(listener)
        accepted.close()
        writer.close()
        await forward.aclose()


@contextmanager
def silent_host(folder: Path) -> Iterator[tuple[socket.socket, Path]]:
    """Listen on a port and say nothing; give the listener and an ssh config that leads there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        config = folder / "silent_config"
        port = listener.getsockname()[1]
        config.write_text(
            f"Host *\n  HostName 127.0.0.1\n  Port {port}\n  UserKnownHostsFile none\n"
        )
        yield listener, config


async def cancelled_when_it_connects(
    transport: Transport, target: Target, listener: socket.socket
) -> None:
    """Cancel a connection as soon as it reaches the listener."""
    connecting = asyncio.create_task(transport.connect(target))
    accepted, _ = await asyncio.get_running_loop().sock_accept(listener)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    accepted.close()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Give what the plugin that logs has written, without the seconds."""
    written = [record for record in caplog.records if record.name == "sshpyk_call_log"]
    assert {record.levelname for record in written} <= {"INFO"}
    found = [re.fullmatch(r"(.+), \d+\.\d{3} s", record.getMessage()) for record in written]
    assert all(found)
    return [match[1] for match in found if match]


# sshpyk-call-log


@each_transport
async def test_every_call_is_logged(
    call_log: pytest.LogCaptureFixture, shared_sshd: SSHServer, tmp_path: Path, name: str
) -> None:
    target, transport = reached(shared_sshd, name)
    await use_every_hook(target, transport, tmp_path / "file")
    hooks = ["diagnose", "connect", "upload", "launch", "launch", "signal", "forward"]
    assert lines(call_log) == [f"{name} {target.alias} {hook}: ok" for hook in hooks]
    for hidden in (SECRET, str(tmp_path), "sleep"):
        assert hidden not in "".join(call_log.messages)


@each_transport
async def test_errors_are_logged_by_their_class_and_pass(
    call_log: pytest.LogCaptureFixture, shared_sshd: SSHServer, name: str
) -> None:
    target, transport = reached(shared_sshd, name)
    session = await transport.connect(target)
    await session.aclose()
    with pytest.raises(LaunchError):
        await transport.launch(session, "true")
    assert lines(call_log)[-1] == f"{name} {target.alias} launch: LaunchError"


@each_transport
async def test_a_host_that_refuses_is_logged(
    call_log: pytest.LogCaptureFixture, tmp_path: Path, name: str
) -> None:
    with silent_host(tmp_path) as (listener, config):
        listener.close()
        target = Target("gone", name, ssh_config=str(config))
        with pytest.raises(HostUnreachableError):
            await transport_for(target, Registry()).connect(target)
    assert lines(call_log) == [f"{name} gone connect: HostUnreachableError"]


@each_transport
async def test_cancellation_is_logged_and_passes(
    call_log: pytest.LogCaptureFixture, tmp_path: Path, name: str
) -> None:
    with silent_host(tmp_path) as (listener, config):
        target = Target("silent", name, ssh_config=str(config))
        await cancelled_when_it_connects(transport_for(target, Registry()), target, listener)
    assert lines(call_log) == [f"{name} silent connect: cancelled"]


def test_the_log_gets_into_the_file_that_the_readme_sets_up(
    call_log: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = (EXAMPLES / "sshpyk-call-log/README.md").read_text(encoding="utf-8")
    (settings,) = re.findall(r"^```python\n(.*?)^```", readme, re.M | re.S)
    config = Config()
    exec(compile(settings, "README.md", "exec"), {"c": config})  # as Jupyter reads it
    monkeypatch.chdir(tmp_path)

    class ServerApp(Application):  # type: ignore[misc]
        """What reads the section of that name."""

    logger = logging.getLogger("sshpyk_call_log")
    app = ServerApp(config=config)
    try:
        assert app.log
        target = Target("silent", "openssh", ssh_config=str(tmp_path / "absent"))
        with pytest.raises(ConnectError):
            asyncio.run(transport_for(target, Registry()).connect(target))
        assert (
            "openssh silent connect: ConnectError, " in (tmp_path / "sshpyk-calls.log").read_text()
        )
    finally:
        for handler in logger.handlers[:]:
            logger.removeHandler(handler)
            handler.close()


# sshpyk-host-policy


@each_transport
async def test_permitted_hosts_are_as_without_the_policy(
    host_policy: pytest.MonkeyPatch, shared_sshd: SSHServer, tmp_path: Path, name: str
) -> None:
    host_policy.setenv(VARIABLE, "db-*, *.prod.example.com")
    await use_every_hook(*reached(shared_sshd, name), tmp_path / "file")


@each_transport
async def test_forbidden_hosts_are_refused_before_anything_connects(
    host_policy: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    with silent_host(tmp_path) as (listener, config):
        target = Target("me@DB-1.prod.example.com", name, ssh_config=str(config))
        transport = transport_for(target, Registry())
        host_policy.setenv(VARIABLE, "web-*, *.prod.example.com")
        with pytest.raises(ConnectError) as caught:
            await transport.connect(target)
        assert caught.value.host == target.alias
        assert "sshpyk-host-policy forbids hosts like '*.prod.example.com'" in caught.value.answer
        assert VARIABLE in caught.value.fix
        (finding,) = await transport.diagnose(target)
        assert (finding.level, finding.cause) == ("error", caught.value.answer)
        assert select.select([listener], [], [], 0)[0] == []
        host_policy.setenv(VARIABLE, "web-*")
        await cancelled_when_it_connects(transport, target, listener)


@pytest.mark.parametrize(
    ("patterns", "alias", "forbidden"),
    [
        ("", "lab", False),
        ("lab", "lab", True),
        ("LAB", "Lab", True),
        ("lab", "lab2", False),
        ("lab", "me@lab", True),
        ("me@lab", "me@lab", False),
        ("db-?,lab*", "laboratory", True),
        ("db-[12] x", "db-3", False),
        (" , ", "lab", False),
    ],
)
async def test_patterns(
    host_policy: pytest.MonkeyPatch, patterns: str, alias: str, forbidden: bool
) -> None:
    host_policy.setenv(VARIABLE, patterns)
    target = Target(alias, "openssh", ssh_config="/nowhere/config")
    with pytest.raises(ConnectError) as caught:
        await transport_for(target, Registry()).connect(target)
    assert ("sshpyk-host-policy" in caught.value.answer) is forbidden


async def test_what_the_policy_refuses_is_logged_too(
    call_log: pytest.LogCaptureFixture, host_policy: pytest.MonkeyPatch
) -> None:
    host_policy.setenv(VARIABLE, "lab")
    target = Target("lab", "openssh")
    transport = transport_for(target, Registry())
    with pytest.raises(ConnectError, match="sshpyk-host-policy"):
        await transport.connect(target)
    assert [finding.level for finding in await transport.diagnose(target)] == ["error"]
    assert lines(call_log) == ["openssh lab connect: ConnectError", "openssh lab diagnose: ok"]


def test_a_front_end_shows_what_the_policy_says(
    folders: dict[str, Path], local: LocalSide, tmp_path: Path
) -> None:
    install_spec(local.data_dir, "forbidden", {"ssh_host_alias": "db-1"})
    script = tmp_path / "script.py"
    script.write_text("1 + 1")
    command = [sys.executable, "-m", "jupyter_client.runapp", "--kernel", "forbidden", str(script)]
    path = str(folders["sshpyk-host-policy"])
    env: dict[str, Any] = {**os.environ, "PYTHONPATH": path, VARIABLE: "db-*"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    said = (EXAMPLES / "sshpyk-host-policy/README.md").read_text(encoding="utf-8")
    (message,) = re.findall(r"^```text\n(.*?)^```", said, re.M | re.S)
    assert message in done.stdout + done.stderr
