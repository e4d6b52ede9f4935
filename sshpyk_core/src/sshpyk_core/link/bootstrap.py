"""Starting the bridge over a session: whatever the login shell, and whatever it prints.

One command finds an interpreter and runs the remote package by the name of its content; only when
the host does not have it, it is uploaded and the command is given again. The bridge's own bytes
begin after a mark that nobody else can print, because it is put together on the host.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from dataclasses import dataclass, field

from sshpyk_core.errors import (
    LaunchError,
    RemoteDirectoryError,
    RemotePythonError,
    UploadError,
)
from sshpyk_core.link.link import BridgeHello, Link
from sshpyk_core.link.package import remote_package
from sshpyk_core.shell import one_line, quote
from sshpyk_core.timers import LinkTimers
from sshpyk_core.transport import Transport
from sshpyk_core.types import ByteReader, RemoteProcess, Session

log = logging.getLogger(__name__)

MAX_NOISE = 4 * 1024 * 1024
"""Bytes that a login shell may print before the mark."""

TAIL_BYTES = 4 * 1024

PYTHONS = ("python3", "/usr/bin/python3", "/usr/libexec/platform-python")

CACHES = (
    '"$HOME/.cache/sshpyk"',
    '"/var/tmp/sshpyk-$(id -u)"',
    '"/tmp/sshpyk-$(id -u)"',
)
"""Directories for the remote package, as words of sh; the same as in ``remote.state``."""


@dataclass
class _Report:
    """What came before the bridge's frames, or instead of them."""

    outcome: str = ""
    """``bridge``, ``missing``, ``no-python``, ``no-directory``, ``noise``, or empty: it ended."""
    first_bytes: bytes = b""
    """What was read after the bridge's mark."""
    place: int = 0
    """Which of the directories that were offered it is, counted from 1."""
    directory: str = ""
    """Where the remote package is missing."""
    pythons: list[str] = field(default_factory=list)
    """Interpreters that are too old, with their versions."""
    noise: bytes = b""
    """What the login shell printed."""


async def open_link(
    transport: Transport,
    session: Session,
    *,
    python: str | None,
    directory: str | None,
    timers: LinkTimers,
) -> tuple[Link, BridgeHello]:
    """Start a bridge on the host and the link to it.

    Args:
        transport: the one that made the session.
        session: where to run the bridge.
        python: interpreter to try first, None for the usual ones.
        directory: directory on the host to try first for the remote package.
        timers: for the link.

    Raises:
        RemotePythonError: no interpreter there can run the remote package.
        RemoteDirectoryError: there is nowhere to put it.
        SessionError: the server refuses.
        LinkLostError: the bridge ended at once.
    """
    host = session.target.alias
    directories = [_path_word(directory)] if directory else []
    directories += CACHES
    refusals: list[str] = []
    while directories:
        process, report = await _start(transport, session, python, directories)
        if report.outcome == "bridge":
            return await _begin(Link(host, process, report.first_bytes, timers))
        if report.outcome == "no-python":
            raise _no_python(host, report.pythons)
        if report.outcome == "no-directory":
            break
        try:
            await _upload(transport, session, report.directory)
        except UploadError as error:
            refusals.append(f"{report.directory} ({error.answer})")
            log.warning("%s: %s cannot be written: %s", host, report.directory, error.answer)
            # Those before it could not even be made.
            directories = directories[report.place :]
    raise RemoteDirectoryError(
        host,
        "put the remote package on the host",
        "no directory there can be written" + "".join(f", {each}" for each in refusals),
        "Name a directory with room as remote_dir.",
    )


async def _begin(link: Link) -> tuple[Link, BridgeHello]:
    try:
        return link, await link.start()
    except BaseException:
        await asyncio.shield(link.aclose())
        raise


def _path_word(path: str) -> str:
    return '"$HOME"/' + quote(path[2:]) if path.startswith("~/") else quote(path)


def bridge_command(nonce: str, python: str | None, directories: list[str]) -> str:
    """Give the one line that starts a bridge, or says what is missing."""
    pythons = " ".join(([_path_word(python)] if python else []) + [f'"{p}"' for p in PYTHONS])
    places = " ".join(directories)
    half = len(nonce) // 2
    mark = '"$a$b:'
    return one_line(
        # The mark never stands in the command as a whole: a shell that echoes cannot print it.
        f"a={nonce[:half]} b={nonce[half:]} z={remote_package().name} p=; umask 077; "
        f"for c in {pythons}; do "
        '"$c" -I -S -c "import sys;sys.exit(sys.version_info<(3,6))" '
        "</dev/null >/dev/null 2>&1 && p=$c && break; done; "
        f'if [ -z "$p" ]; then for c in {pythons}; do command -v "$c" >/dev/null 2>&1 && '
        f'echo {mark}python" "$c" "$("$c" -V </dev/null 2>&1)"; done; '
        f'echo {mark}no-python"; exit 0; fi; '
        f'for d in {places}; do if [ -f "$d/$z" ] && [ -O "$d" ] && [ -O "$d/$z" ]; then '
        'exec "$p" -I -S "$d/$z" bridge "$a$b"; fi; done; '
        f"i=0; for d in {places}; do i=$((i+1)); "
        # Where anybody may write, a link could lead into another directory of ours.
        'case "$d" in /tmp/*|/var/tmp/*) [ -L "$d" ] && continue;; esac; '
        'mkdir -p "$d" 2>/dev/null; '
        'if [ -d "$d" ] && [ -O "$d" ] && [ -w "$d" ] && chmod 700 "$d"; then '
        f'echo {mark}missing" "$i" "$d"; exit 0; fi; done; echo {mark}no-directory"; exit 0'
    )


async def _start(
    transport: Transport, session: Session, python: str | None, directories: list[str]
) -> tuple[RemoteProcess, _Report]:
    nonce = secrets.token_hex(8)
    process = await transport.launch(session, bridge_command(nonce, python, directories))
    complaints: deque[bytes] = deque(maxlen=64)
    # Standard error is read to the end of the bridge, or a chatty shell would block it.
    listening = asyncio.create_task(_listen(process.stderr, complaints))
    try:
        report = await _read_report(process.stdout, nonce.encode())
        if report.noise.strip():
            log.debug("%s: its shell printed %r", session.target.alias, report.noise[-TAIL_BYTES:])
        if report.outcome == "bridge":
            return process, report
        if report.outcome == "noise":
            raise _no_shell(session, "printed without end", report.noise)
        status = await process.wait()
        if not report.outcome:
            await asyncio.wait([listening], timeout=1)
            said = report.noise + b"\n" + b"".join(complaints)
            raise _no_shell(session, f"ended with status {status}", said)
        await process.terminate()
    except BaseException:
        listening.cancel()
        with contextlib.suppress(OSError):
            await asyncio.shield(process.terminate())
        raise
    return process, report


async def _listen(stderr: ByteReader, complaints: deque[bytes]) -> None:
    with contextlib.suppress(OSError):
        while data := await stderr.read(4096):
            complaints.append(data)


async def _read_report(stdout: ByteReader, nonce: bytes) -> _Report:
    """Read up to the bridge's mark, or to the end of what a failed start says."""
    report = _Report()
    buffer = b""
    mark = nonce + b":"
    taken = 0
    while True:
        before, found, rest = buffer.partition(mark)
        line, newline, after = rest.partition(b"\n")
        if found and newline:
            report.noise += before
            buffer = after
            word, _, value = line.decode("utf-8", "replace").rstrip("\r").partition(" ")
            if word == "python":
                report.pythons.append(value)
                continue
            report.outcome, report.first_bytes = word, after
            if word == "missing":
                place, _, report.directory = value.partition(" ")
                report.place = int(place) if place.isdecimal() else len(value)
            return report
        data = await stdout.read(65536)
        if not data:
            report.noise += buffer
            return report
        taken += len(data)
        if taken > MAX_NOISE:
            report.outcome, report.noise = "noise", report.noise + buffer
            return report
        buffer += data


def _no_shell(session: Session, how: str, said: bytes) -> LaunchError:
    words = said.decode("utf-8", "replace").strip()[-TAIL_BYTES:] or "it printed nothing"
    return LaunchError(
        session.target.alias,
        "run a command on the host",
        f"the login shell {how}: {words}",
        f"Look at what `ssh {session.target.alias} true` prints: a forced command or a login "
        "script that ends the shell stands in the way.",
    )


def _no_python(host: str, found: list[str]) -> RemotePythonError:
    return RemotePythonError(
        host,
        "find Python 3.6 or newer on the host",
        f"only these were found: {'; '.join(found)}" if found else "none was found",
        "Set remote_python to an interpreter of that host.",
    )


async def _upload(transport: Transport, session: Session, directory: str) -> None:
    package = remote_package()
    log.info("%s: uploading the remote package to %s", session.target.alias, directory)
    await transport.upload(session, package.content, f"{directory}/{package.name}", 0o600)
