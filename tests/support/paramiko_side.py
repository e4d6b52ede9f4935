"""What tests of the paramiko transport need beside a server."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sshpyk_core.types import Prompter, Target
from sshpyk_paramiko.session import ParamikoSession

from sshpyk_paramiko import plugin
from support.asyncssh_side import Server
from support.openssh import outcome
from support.require import require_program

__all__ = ["add_host", "connected", "greeting", "running_agent", "target_of"]


def target_of(server: Server, alias: str = "", **settings: Any) -> Target:
    """Return the target that is this server; ``settings`` are those of ssh_config(5)."""
    options = {"options": settings} if settings else {}
    config = str(server.ssh_config)
    return Target(alias or server.alias, "paramiko", ssh_config=config, options=options)


@asynccontextmanager
async def connected(
    server: Server, prompter: Prompter | None = None, alias: str = "", **settings: Any
) -> AsyncIterator[ParamikoSession]:
    """Connect, and close."""
    session = await plugin.sshpyk_connect(target_of(server, alias, **settings), prompter)
    assert isinstance(session, ParamikoSession)
    try:
        yield session
    finally:
        await session.aclose()


async def greeting(
    server: Server, prompter: Prompter | None = None, alias: str = "", **settings: Any
) -> bytes:
    """Connect and let the host say hello."""
    async with connected(server, prompter, alias, **settings) as session:
        return (await outcome(await plugin.sshpyk_launch(session, "echo hello")))[1]


def add_host(config: Path, alias: str, like: Server, *lines: str) -> None:
    """Add an entry for another server; the lines win over those of its own entry."""
    entry = like.ssh_config.read_text().splitlines()[1:]
    with config.open("a") as stream:
        stream.write("\n  ".join([f"\nHost {alias}", *lines, *map(str.strip, entry)]) + "\n")


@contextmanager
def running_agent(directory: Path, *keys: Path) -> Iterator[str]:
    """Run an ssh-agent that holds keys; gives its socket."""
    path = str(directory / "agent")
    command = [require_program("ssh-agent", "openssh-client"), "-D", "-a", path]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as agent:
        try:
            assert agent.stdout is not None
            agent.stdout.readline()  # it listens
            for key in keys:
                env = {**os.environ, "SSH_AUTH_SOCK": path}
                subprocess.run(["ssh-add", "-q", key], env=env, check=True)
            yield path
        finally:
            agent.terminate()
