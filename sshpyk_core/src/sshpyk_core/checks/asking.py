"""A command run on the host for its answer, whatever its login shell prints around it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sshpyk_core.link.link import BridgeHello
from sshpyk_core.shell import one_line, quote
from sshpyk_core.transport import Transport
from sshpyk_core.types import RemoteProcess, Session

__all__ = ["Talk", "python_command", "running"]

_MOST_OUTPUT = 1024 * 1024


@dataclass
class Talk:
    """A command that runs.

    Attributes:
        process: its channel.
        read: what it has written so far, with what the shell printed.
        errors: the same for standard error.
        ended: there will be no more output.
        listening: reads standard error to its end.
    """

    process: RemoteProcess
    read: bytes = b""
    errors: bytearray = field(default_factory=bytearray)
    ended: bool = False
    listening: asyncio.Future[None] | None = None

    async def line_after(self, mark: bytes) -> str | None:
        """Give the rest of the line that begins with the mark; None when none comes."""
        while True:
            _, found, rest = self.read.partition(mark)
            line, newline, _ = rest.partition(b"\n")
            if found and newline:
                return line.decode("utf-8", "replace").strip()
            if self.ended or len(self.read) > _MOST_OUTPUT:
                return None
            data = await self.process.stdout.read(65536)
            self.ended = not data
            self.read += data


@asynccontextmanager
async def running(transport: Transport, session: Session, command: str) -> AsyncIterator[Talk]:
    """Run one line for the login shell; its channel is closed in the end.

    Raises:
        LaunchError: the server refuses.
    """
    process = await transport.launch(session, command)
    talk = Talk(process)
    talk.listening = listening = asyncio.create_task(_listen(talk))
    try:
        yield talk
    finally:
        listening.cancel()
        with contextlib.suppress(OSError):
            process.stdin.close()
        with contextlib.suppress(OSError):
            await asyncio.shield(process.terminate())
        await asyncio.wait([listening])


async def _listen(talk: Talk) -> None:
    with contextlib.suppress(OSError):
        while data := await talk.process.stderr.read(4096):
            talk.errors += data[: max(0, _MOST_OUTPUT - len(talk.errors))]


def python_command(hello: BridgeHello, code: str, *arguments: str) -> tuple[str, bytes]:
    """Give the command that runs some code with the bridge's interpreter, and its mark.

    Args:
        hello: of the bridge.
        code: for Python 3.6 or newer; its argument 1 is the mark for its answers.
        arguments: the further ones.
    """
    mark = secrets.token_hex(8)
    words = [hello.executable or "python3", "-I", "-S", "-c", code.strip(), mark, *arguments]
    return one_line("exec " + " ".join(map(quote, words))), mark.encode()
