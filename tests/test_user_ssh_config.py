"""Whatever the user's ssh configuration sets for a host, kernels start and nothing is disturbed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sshpyk_core.testing.client_files import ClientEntry
from support.far import FarSide, MakeFarSide, is_listening
from support.kernels import execute, remote_ipykernel
from support.local import LocalSide
from support.managers import started
from support.openssh import local_ssh
from support.require import require_program
from support.sessions import close_hosts
from support.sshd import SSHServer
from support.sshd_files import USER, free_port
from support.ways import Way

# As sshpyk 1.x wanted it; the variable names a directory of the test's own.
MASTER = [
    "ControlMaster auto",
    "ControlPath ${XDG_RUNTIME_DIR}/user-%C",
    "ControlPersist 10m",
    "ServerAliveInterval 30",
]


async def works(far: FarSide) -> None:
    async with started() as (manager, client):
        assert (await execute(client, "print(6 * 7)")).text == "42\n"
        await manager.shutdown_kernel()
    assert far.left_behind() == []


def ssh(far: FarSide, *arguments: str) -> int:
    program = require_program("ssh", "openssh-client")
    command = [program, "-F", str(far.server.ssh_config), *arguments, "--", far.server.alias]
    return subprocess.run(command, timeout=30, check=False, stderr=subprocess.DEVNULL).returncode


async def test_settings_that_turn_a_session_into_something_else_are_overridden(
    make_far: MakeFarSide, tmp_path: Path
) -> None:
    port, marker = free_port(), tmp_path / "ran"
    settings = [
        f"RemoteCommand touch {marker}",
        "RequestTTY force",
        f"LocalForward {port} 127.0.0.1:9",
        f"RemoteForward {free_port()} 127.0.0.1:9",
        f"DynamicForward {free_port()}",
        "ExitOnForwardFailure yes",
        "PermitLocalCommand yes",
        f"LocalCommand touch {marker}",
        "ForwardX11 yes",
        "LogLevel QUIET",
        "VisualHostKey yes",
    ]
    far = make_far(ssh_config=settings)
    modes = [{"multiplex": "auto"}, {"multiplex": "never"}]
    for options in modes if far.way.transport == "openssh" else [{}]:
        far.install("far", transport_options=options)
        await works(far)
        assert not is_listening(port)
    assert not marker.exists()


@pytest.mark.ways(transports=["openssh"], why="the others run no ssh that has such settings")
@pytest.mark.parametrize("mode", ["auto", "never"])
async def test_settings_of_a_younger_ssh_are_overridden(make_far: MakeFarSide, mode: str) -> None:
    settings = ["ForkAfterAuthentication yes", "SessionType none", "StdinNull yes"]
    far = make_far(ssh_config=["IgnoreUnknown ForkAfterAuthentication,SessionType,*", *settings])
    far.install("far", transport_options={"multiplex": mode})
    await works(far)


@pytest.mark.ways(transports=["openssh"], why="only ssh has control masters")
async def test_a_control_master_that_is_only_configured_is_not_made(make_far: MakeFarSide) -> None:
    far = make_far(ssh_config=MASTER)
    await works(far)
    assert ssh(far, "-O", "check") != 0
    close_hosts()
    assert local_ssh(far.server) == []
    assert os.listdir(os.environ["XDG_RUNTIME_DIR"]) == []


@pytest.mark.ways(transports=["openssh"], why="only ssh has control masters")
async def test_an_open_control_master_of_the_user_is_used_and_survives(
    make_far: MakeFarSide,
) -> None:
    far = make_far(ssh_config=MASTER)
    assert ssh(far, "-fN") == 0
    try:
        await works(far)
        close_hosts()
        assert far.server.logins() == 1
        assert len(local_ssh(far.server)) == 1
        assert ssh(far, "-O", "check") == 0
    finally:
        ssh(far, "-O", "exit")


@pytest.mark.ways(servers=["sshd"], why="the embedded server's jump hosts are the suite's")
async def test_a_host_behind_a_jump_host_runs_kernels(
    make_sshd: Callable[..., SSHServer], local: LocalSide, tmp_path: Path, way: Way
) -> None:
    jump, inner = make_sshd(), make_sshd()
    remote_ipykernel(inner.home)
    config = tmp_path / "config"
    config.write_text(f"{entry(jump, 'jump')}\n{entry(inner, 'inner', 'ProxyJump jump')}")
    far = FarSide(inner, local, way)
    far.install("far", ssh_host_alias="inner", ssh_config=str(config))
    await works(far)
    assert jump.logins() == inner.logins() == 1


def entry(server: SSHServer, alias: str, *extra: str) -> ClientEntry:
    client = server.client
    return ClientEntry(alias, server.port, USER, client.key, client.known_hosts, extra)
