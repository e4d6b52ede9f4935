"""What is done on the host with one short command: write a file, send a signal.

Any transport that can run a command needs nothing else for ``sshpyk_upload`` and
``sshpyk_signal``: it gives its own way to launch one.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sshpyk_core.errors import SessionError, UploadError
from sshpyk_core.shell import one_line, quote
from sshpyk_core.types import NO_EXIT_STATUS, RemoteProcess

__all__ = ["Launch", "Result", "run", "send_signal", "upload", "upload_body"]

Launch = Callable[[str], Awaitable[RemoteProcess]]
"""Run a command on the host, as the hook ``sshpyk_launch`` does."""

_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Result:
    """How a remote command ended.

    Attributes:
        status: as :meth:`~sshpyk_core.types.RemoteProcess.wait` gives it.
        errors: what it wrote to standard error, with whatever the login shell wrote there.
    """

    status: int
    errors: str


async def run(launch: Launch, command: str, content: bytes = b"") -> Result:
    """Run a command to its end, with ``content`` as its standard input.

    Raises:
        LaunchError: the server would not run it.
    """
    process = await launch(command)
    try:
        _, _, errors = await asyncio.gather(
            _feed(process, content), process.stdout.read(), process.stderr.read()
        )
        return Result(await process.wait(), errors.decode(errors="replace").strip())
    finally:
        await process.terminate()


async def upload(host: str, launch: Launch, content: bytes, path: str, mode: int) -> None:
    """Write a file on the host, whole or not at all.

    Args:
        host: the alias, for errors.
        launch: how to run a command there.
        content: the bytes of the file.
        path: absolute path on the host; its directory exists.
        mode: permission bits, such as 0o600.

    Raises:
        UploadError: with the words of the host.
        SessionError: the connection went away before the answer; that says nothing of the file.
    """
    tried = f"write {path}"
    if not path.startswith("/"):
        raise UploadError(host, tried, "the path is not absolute")
    try:
        command = one_line(upload_body(path, len(content), mode))
    except ValueError as error:
        raise UploadError(host, tried, str(error)) from error
    result = await run(launch, command, content)
    if result.status == NO_EXIT_STATUS:
        words = result.errors or "no answer came back"
        raise SessionError(host, tried, words)
    if result.status != 0:
        words = result.errors or f"the command ended with status {result.status}"
        fix = "Is there room on the file system, and may you write to that directory?"
        raise UploadError(host, tried, words, fix)


async def send_signal(host: str, launch: Launch, pid: int, signum: int) -> bool:
    """Send a signal to a process, or to a group when the number is negative.

    Args:
        host: the alias, for errors.
        launch: how to run a command there.
        pid: a process; a negative one is a process group.
        signum: the signal as the host numbers it; 0 only asks whether the process is there.

    Returns:
        Whether it was delivered.

    Raises:
        SessionError: the connection went away before the answer.
    """
    result = await run(launch, one_line(f"kill -{signum:d} {pid:d}"))
    if result.status == NO_EXIT_STATUS:
        words = result.errors or "no answer came back"
        raise SessionError(host, f"send signal {signum} to {pid}", words)
    return result.status == 0


def upload_body(path: str, size: int, mode: int) -> str:
    """Write the commands of sh that take a file from standard input.

    The bytes are counted on the host: when the connection is lost half-way, `cat` sees an ordinary
    end of its input. A transport may also send it a signal then, where it has a way to.
    """
    steps = (
        "umask 077",
        f"p={quote(path)}",
        f't="$p".{secrets.token_hex(8)}',
        'if [ -d "$p" ]; then echo "$p is a directory" >&2; exit 1; fi',
        'u() { rm -f "$t"; exit 1; }',
        "trap u HUP INT TERM",
        'if cat > "$t"; then n=$(($(wc -c < "$t"))); else n=-1; fi',
        f'if [ "$n" -eq {size:d} ] && chmod {mode:o} "$t" && mv -f "$t" "$p"; then exit 0; fi',
        'rm -f "$t"',  # before a word is said: when nobody is there to hear it, sh dies of it
        f'if [ "$n" -ge 0 ]; then echo "$n of {size:d} bytes arrived" >&2; fi',
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
