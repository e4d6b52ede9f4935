"""What the remote package runs on: the interpreter, and room for its files."""

from __future__ import annotations

import asyncio
import os

from sshpyk_core.checks.asking import python_command, running
from sshpyk_core.link.hello import BridgeHello
from sshpyk_core.transport import Transport
from sshpyk_core.transport_kit.deadline import Deadline
from sshpyk_core.types import Finding, Session

__all__ = ["LITTLE_ROOM", "python_there", "room_there"]

LITTLE_ROOM = 100 * 1024**2
"""Bytes of free disk space below which a kernel's output may not fit."""

_SECONDS = 10.0

_MOST_DIGITS = 20
_FREE = """
import os, sys
room = os.statvfs(sys.argv[2])
print("\\n%s%d" % (sys.argv[1], room.f_bavail * room.f_frsize))
"""


def python_there(hello: BridgeHello) -> Finding:
    """Say which interpreter runs the bridge."""
    where = hello.executable or "an interpreter without a path"
    cause = f"Python {hello.python:.20} ({where}) runs the remote package on {hello.host:.100}"
    return Finding("ok", cause)


async def room_there(transport: Transport, session: Session, hello: BridgeHello) -> list[Finding]:
    """Look at the free disk space where the remote package is, and kernels' output may go."""
    directory = os.path.dirname(hello.package) or "/"
    command, mark = python_command(hello, _FREE, directory)
    try:
        async with running(transport, session, command) as talk:
            line = await Deadline(_SECONDS).run(talk.line_after(mark))
    except asyncio.TimeoutError:
        line = None
    if line is None or not line.isdecimal() or len(line) > _MOST_DIGITS:
        return []
    free = int(line)
    words = f"{directory} has {free / 1024**2:,.0f} MiB free"
    if free >= LITTLE_ROOM:
        return [Finding("ok", words)]
    fix = (
        f"Make room (`ssh {session.target.alias} du -sh ~/.cache`), or name another directory:"
        " remote_dir of the kernel spec."
    )
    return [Finding("warning", words, fix)]
