"""Puts ipykernel into an interpreter of the host, with the command that the host itself names."""

from __future__ import annotations

import asyncio
import shlex
from collections import deque
from collections.abc import Sequence

import click

from sshpyk_core.cli.add.matching import lacking
from sshpyk_core.cli.add.request import Request
from sshpyk_core.cli.page import printable
from sshpyk_core.cli.status import LiveStatus
from sshpyk_core.errors import LaunchError, RemoteError
from sshpyk_core.shell import one_line, quote
from sshpyk_core.survey import Interpreter, Survey
from sshpyk_core.types import NO_EXIT_STATUS, ByteReader
from sshpyk_core.visiting import Visit

__all__ = ["by_hand", "called", "install_where_missing", "over_ssh"]

MOST_LINE = 2000
"""Characters of one line of output that are shown."""

LAST_LINES = 3
"""Lines of output that an error repeats."""


def called(interpreter: Interpreter) -> str:
    """Name an interpreter for people."""
    version = ".".join(interpreter.version.split(".")[:2])
    name = f"Python {version}".strip()
    return f"{name} ({interpreter.environment})" if interpreter.environment else name


def by_hand(request: Request, interpreter: Interpreter) -> str:
    """Give the command that installs it, for the user's shell here; empty when there is none."""
    install = interpreter.install
    return over_ssh(request, shlex.join(install)) if install is not None else ""


def over_ssh(request: Request, command: str) -> str:
    """Give the line for the user's shell here that runs a command on the host."""
    config = request.config
    ssh = [config.ssh or "ssh", *(["-F", config.ssh_config] if config.ssh_config else [])]
    return shlex.join([*ssh, request.alias, command])


async def install_where_missing(
    visit: Visit, survey: Survey, request: Request, status: LiveStatus
) -> bool:
    """Install ipykernel where the flags say, or where alone it is missing.

    Returns:
        Whether anything has been installed.

    Raises:
        RemoteError: it is not said where, there is no way to, or it has failed.
        SessionError: the command could not be run.
    """
    missing = lacking(survey, request)
    if not missing:
        return False
    possible = [each for each in missing if each.install is not None]
    if not possible:
        names = "; ".join(f"{called(each)}: {each.executable}" for each in missing[:5])
        said = f"there is no pip, uv or conda for it, or the system looks after it ({names})"
        fix = "Make an environment there, such as: python3 -m venv ~/.venvs/work"
        raise RemoteError(request.alias, "install ipykernel", said, fix)
    if len(possible) > 1 and not request.choices.every:
        flags = "\n".join(f"  --remote-python {shlex.quote(each.executable)}" for each in possible)
        said = f"{len(possible)} interpreters lack it"
        fix = f"Say which, or --all:\n{flags}"
        raise RemoteError(request.alias, "install ipykernel", said, fix)
    for each in possible:
        status.hide()
        try:
            await _install(visit, request, each)
        finally:
            status.show()
    return True


async def _install(visit: Visit, request: Request, interpreter: Interpreter) -> None:
    """Run the command, and show what it says while it runs."""
    words = interpreter.install or ()
    tried = f"install ipykernel for {called(interpreter)}"
    click.echo(f"{request.alias}$ {printable(shlex.join(words))}", err=True)
    try:
        command = _command(words)
    except ValueError as error:
        raise LaunchError(request.alias, tried, str(error)) from error
    process = await visit.transport.launch(visit.session, command)
    try:
        last, _ = await asyncio.gather(_shown(process.stdout), _drained(process.stderr))
        exit_status = await process.wait()
    finally:
        await process.terminate()
    if exit_status == NO_EXIT_STATUS:
        raise RemoteError(request.alias, tried, "the connection ended before the command did")
    if exit_status != 0:
        said = " ".join(last) or "it said nothing"
        said = f"{shlex.join(words)} ended with status {exit_status}: {said}"
        fix = f"Try it by hand: {by_hand(request, interpreter)}"
        raise RemoteError(request.alias, tried, said, fix)


def _command(words: Sequence[str]) -> str:
    """Write the line for a login shell: the command, which ends early when its input does.

    Without a terminal a server tells nobody on the host that the client has gone.

    Raises:
        ValueError: a word cannot be one of a command.
    """
    if any("\0" in word for word in words):
        raise ValueError("a word of a command cannot hold a NUL character")
    watched = (
        f"exec 3<&0; {shlex.join(words)} 2>&1 </dev/null 3<&- & p=$!; "
        "(cat <&3; kill $p) >/dev/null 2>&1 & w=$!; "
        "wait $p; s=$?; kill $w 2>/dev/null; exit $s"
    )
    return one_line(f"exec sh -c {quote(watched)}")


async def _shown(output: ByteReader) -> Sequence[str]:
    """Show each line as it comes; give the last ones."""
    last: deque[str] = deque(maxlen=LAST_LINES)
    pending = b""
    while data := await output.read(65536):
        *lines, pending = (pending + data).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            _show(line, last)
        if len(pending) > MOST_LINE:
            _show(pending, last)
            pending = b""
    _show(pending, last)
    return last


def _show(line: bytes, last: deque[str]) -> None:
    text = printable(line[:MOST_LINE].decode(errors="replace")).rstrip()
    if text:
        click.echo(f"  {text}", err=True)
        last.append(text)


async def _drained(output: ByteReader) -> None:
    while await output.read(65536):
        pass
