"""What tests of the OpenSSH transport need beside a server."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sshpyk_core.types import RemoteProcess, Session, Target

from sshpyk_openssh import plugin
from support.processes import Process, is_alive, wait_gone
from support.sshd import SSHServer

__all__ = ["connected", "left_behind", "local_ssh", "logins", "outcome", "target_of"]


def target_of(server: SSHServer, **options: Any) -> Target:
    """Return the target that is this server."""
    return Target(server.alias, ssh_config=str(server.ssh_config), options=options)


@asynccontextmanager
async def connected(server: SSHServer, **options: Any) -> AsyncIterator[Session]:
    """Connect without anybody to ask, and close."""
    session = await plugin.sshpyk_connect(target_of(server, **options), None)
    try:
        yield session
    finally:
        await session.aclose()


async def outcome(process: RemoteProcess) -> tuple[int, bytes, bytes]:
    """Return the exit status, the output and the error output of a command without input."""
    process.stdin.close()
    output = await process.stdout.read()
    errors = await process.stderr.read()
    status = await process.wait()
    await process.terminate()
    return status, output, errors


def logins(server: SSHServer) -> int:
    """Count the logins that the server has let in."""
    return server.log().count("Accepted publickey")


def left_behind(server: SSHServer) -> list[str]:
    """Return the local ssh processes and the files that outlive a session by five seconds."""
    left = [str(process) for process in wait_gone(partial(local_ssh, server), 5)]
    return left + os.listdir(os.environ["XDG_RUNTIME_DIR"])


def local_ssh(server: SSHServer) -> list[Process]:
    """Find every local process that was started with this server's client config."""
    found = []
    wanted = os.fsencode(server.ssh_config)
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            started = (entry / "stat").read_text().rpartition(")")[2].split() if command else []
        except OSError:
            continue
        if wanted in command:
            text = command.replace(b"\0", b" ").decode(errors="replace")
            found.append(Process(int(entry.name), int(started[19]), text))
    return [process for process in found if is_alive(process)]
