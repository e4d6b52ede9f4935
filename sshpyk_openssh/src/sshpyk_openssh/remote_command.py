"""What is done on the host with one short command: write a file, send a signal."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass

from sshpyk_core.errors import SessionError, UploadError
from sshpyk_core.shell import one_line, quote
from sshpyk_core.types import RemoteProcess, Session

from sshpyk_openssh.session import MuxSession
from sshpyk_openssh.single import SingleSession

__all__ = ["AnySession", "Result", "own", "run", "send_signal", "upload", "upload_body"]

AnySession = MuxSession | SingleSession

_CHUNK_BYTES = 1024 * 1024
_NO_STATUS = 255


@dataclass(frozen=True)
class Result:
    """How a remote command ended.

    Attributes:
        status: its exit status; 255 when it has none.
        errors: what it wrote to standard error, with whatever the login shell wrote there.
    """

    status: int
    errors: str


def own(session: Session) -> AnySession:
    """Narrow a session to those that this transport makes.

    Raises:
        TypeError: another transport made it.
    """
    if isinstance(session, (MuxSession, SingleSession)):
        return session
    raise TypeError(f"{type(session).__name__} is not a session of the openssh transport")


async def run(session: AnySession, command: str, content: bytes = b"") -> Result:
    """Run a command to its end, with ``content`` as its standard input.

    Raises:
        LaunchError: the server would not run it.
    """
    process = await session.launch(command)
    try:
        _, _, errors = await asyncio.gather(
            _feed(process, content), process.stdout.read(), process.stderr.read()
        )
        return Result(await process.wait(), errors.decode(errors="replace").strip())
    finally:
        await process.terminate()


async def upload(session: AnySession, content: bytes, path: str, mode: int) -> None:
    """Write a file on the host, whole or not at all.

    Raises:
        UploadError: with the words of the host.
        SessionError: the connection went away before the answer; that says nothing of the file.
    """
    tried = f"write {path}"
    if not path.startswith("/"):
        raise UploadError(session.target.alias, tried, "the path is not absolute")
    try:
        command = one_line(upload_body(path, len(content), mode))
    except ValueError as error:
        raise UploadError(session.target.alias, tried, str(error)) from error
    result = await run(session, command, content)
    if result.status == _NO_STATUS:
        words = result.errors or "no answer came back"
        raise SessionError(session.target.alias, tried, words)
    if result.status != 0:
        words = result.errors or f"the command ended with status {result.status}"
        fix = "Is there room on the file system, and may you write to that directory?"
        raise UploadError(session.target.alias, tried, words, fix)


async def send_signal(session: AnySession, pid: int, signum: int) -> bool:
    """Send a signal to a process, or to a group when the number is negative.

    Raises:
        SessionError: the connection went away before the answer.
    """
    result = await run(session, one_line(f"kill -{signum:d} {pid:d}"))
    if result.status == _NO_STATUS:
        words = result.errors or "no answer came back"
        raise SessionError(session.target.alias, f"send signal {signum} to {pid}", words)
    return result.status == 0


def upload_body(path: str, size: int, mode: int) -> str:
    """Write the commands of sh that take a file from standard input.

    The bytes are counted on the host: when the connection is lost half-way, `cat` sees an ordinary
    end of its input.
    """
    steps = (
        "umask 077",
        f"p={quote(path)}",
        f't="$p".{secrets.token_hex(8)}',
        'if [ -d "$p" ]; then echo "$p is a directory" >&2; exit 1; fi',
        'if cat > "$t"; then n=$(($(wc -c < "$t"))); else n=-1; fi',
        f'if [ "$n" -eq {size:d} ] && chmod {mode:o} "$t" && mv -f "$t" "$p"; then exit 0; fi',
        f'if [ "$n" -ge 0 ]; then echo "$n of {size:d} bytes arrived" >&2; fi',
        'rm -f "$t"',
        "exit 1",
    )
    return "; ".join(steps)


async def _feed(process: RemoteProcess, content: bytes) -> None:
    try:
        for start in range(0, len(content), _CHUNK_BYTES):
            process.stdin.write(content[start : start + _CHUNK_BYTES])
            await process.stdin.drain()
    except OSError:
        pass  # it stopped reading: its exit status and its words say why
    finally:
        process.stdin.close()
