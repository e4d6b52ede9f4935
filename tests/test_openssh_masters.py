"""The user's own control master is used where it is of use, and never disturbed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Callable

import pytest
from sshpyk_core.types import TcpAddress
from support.openssh import connected, left_behind, local_ssh, logins, outcome
from support.processes import wait_gone
from support.require import require_program
from support.sshd import SSHServer

from sshpyk_openssh import plugin

# The variable is one of each test's own; %C tells hosts apart.
CONTROL_PATH = ["ControlPath ${XDG_RUNTIME_DIR}/user-%C"]
LOOPBACK = TcpAddress("127.0.0.1", 0)


@pytest.mark.parametrize("multiplex", ["auto", "own"])
async def test_an_open_control_master_of_the_user_is_used_unless_own_is_asked_for(
    make_sshd: Callable[..., SSHServer], multiplex: str
) -> None:
    server = make_sshd(ssh_config=CONTROL_PATH)
    _open_user_master(server)
    users = local_ssh(server)
    async with connected(server, multiplex=multiplex) as session:
        forward = await plugin.sshpyk_forward(session, LOOPBACK, TcpAddress("127.0.0.1", 9))
        process = await plugin.sshpyk_launch(session, "exec cat")
    assert await process.wait() == 255
    assert isinstance(forward.address, TcpAddress)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((forward.address.host, forward.address.port)).close()
    assert logins(server) == (1 if multiplex == "auto" else 2)
    # The socket of a master closes a moment before its process is gone.
    assert wait_gone(lambda: [p for p in local_ssh(server) if p not in users], 5) == []
    assert local_ssh(server) == users
    assert len(users) == 1
    _end_user_master(server)
    assert left_behind(server) == []


async def test_an_open_control_master_that_is_full_is_left_alone(
    make_sshd: Callable[..., SSHServer],
) -> None:
    server = make_sshd(
        sshd_config=["MaxSessions 1"],
        ssh_config=CONTROL_PATH,
    )
    _open_user_master(server)
    words = ["ssh", "-F", str(server.ssh_config), "--", server.alias, "echo busy; exec cat"]
    pipe = asyncio.subprocess.PIPE
    busy = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe)
    assert busy.stdout is not None
    assert await busy.stdout.readline() == b"busy\n"
    async with connected(server) as session:
        process = await plugin.sshpyk_launch(session, "echo fine")
        assert (await outcome(process))[1] == b"fine\n"
    assert busy.returncode is None
    assert logins(server) == 2
    await busy.communicate(b"")
    _end_user_master(server)


async def test_an_open_control_master_on_a_dead_network_is_left_alone(
    make_sshd: Callable[..., SSHServer],
) -> None:
    server = make_sshd(ssh_config=CONTROL_PATH)
    _open_user_master(server)
    stopped = server.connections()
    for process in stopped:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        async with connected(server) as session:
            fine = await plugin.sshpyk_launch(session, "echo fine")
            assert (await outcome(fine))[1] == b"fine\n"
    finally:
        for process in stopped:
            # One that was about to end (of the login, say) may be gone.
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
        _end_user_master(server)


def _open_user_master(server: SSHServer) -> None:
    _user_ssh(server, "-fN", "-o", "ControlMaster=yes")


def _end_user_master(server: SSHServer) -> None:
    _user_ssh(server, "-O", "exit")


def _user_ssh(server: SSHServer, *arguments: str) -> None:
    ssh = require_program("ssh", "openssh-client")
    command = [ssh, "-F", str(server.ssh_config), *arguments, "--", server.alias]
    subprocess.run(command, check=True, timeout=30, stderr=subprocess.DEVNULL)
