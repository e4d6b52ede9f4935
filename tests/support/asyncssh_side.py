"""What tests of the asyncssh transport need beside a server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from sshpyk_asyncssh.session import AsyncsshSession
from sshpyk_core.types import Prompter, Target

from sshpyk_asyncssh import plugin
from support.require import require_program

__all__ = ["Leaks", "Server", "connected", "eventually", "keygen", "target_of", "without_ssh"]


class Server(Protocol):
    """A server that a client can reach by an alias."""

    @property
    def alias(self) -> str: ...
    @property
    def ssh_config(self) -> Path: ...


def target_of(server: Server, alias: str = "", **settings: Any) -> Target:
    """Return the target that is this server; ``settings`` are those of ssh_config(5)."""
    options = {"options": settings} if settings else {}
    config = str(server.ssh_config)
    return Target(alias or server.alias, "asyncssh", ssh_config=config, options=options)


@asynccontextmanager
async def connected(
    server: Server, prompter: Prompter | None = None, alias: str = "", **settings: Any
) -> AsyncIterator[AsyncsshSession]:
    """Connect, and close."""
    session = await plugin.sshpyk_connect(target_of(server, alias, **settings), prompter)
    assert isinstance(session, AsyncsshSession)
    try:
        yield session
    finally:
        await session.aclose()


async def eventually(true: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until something is true that nothing tells of; TimeoutError when it does not get so."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not true():
        if loop.time() > deadline:
            raise TimeoutError
        await asyncio.sleep(0.01)


def keygen(*arguments: str | Path) -> None:
    """Run ssh-keygen, quietly."""
    program = require_program("ssh-keygen", "openssh-client")
    command = [program, "-q", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)


class Leaks:
    """What this process holds that a test may leave behind."""

    def __init__(self) -> None:
        self._before = _held()

    async def found(self, seconds: float = 5) -> set[str]:
        """Return what there is now and was not before, once it has had time to go."""
        # Sockets are closed by the loop some turns later, which tells nobody.
        with contextlib.suppress(TimeoutError):
            await eventually(lambda: not _held() - self._before, seconds)
        return _held() - self._before


def _held() -> set[str]:
    files = {f"file {name}" for name in os.listdir("/proc/self/fd")}
    current = asyncio.current_task()
    tasks = {f"task {task!r}" for task in asyncio.all_tasks() if task is not current}
    # The loop keeps the threads of its pool.
    names = (t.name for t in threading.enumerate() if not t.name.startswith("asyncio_"))
    return {name for name in files if _is_open(name)} | tasks | {f"thread {n}" for n in names}


def _is_open(name: str) -> bool:
    return os.path.exists(f"/proc/self/fd/{name.split()[1]}")


def without_ssh(directory: Path) -> str:
    """Return a PATH on which there is no ssh program."""
    directory.mkdir(exist_ok=True)
    return str(directory)
