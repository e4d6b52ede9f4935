"""What is kept of a kernel's log, and what comes: from the host to standard output."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sshpyk_core.cli.logs.writing import Output
from sshpyk_core.cli.page import Page
from sshpyk_core.cli.running_there.finding import Found
from sshpyk_core.errors import SupervisorGoneError
from sshpyk_core.running_kernels import LogPart, read_log

__all__ = ["show_log"]

WAIT = 25.0
"""Seconds of one request for more."""

RESTART_WAIT = 8.0
"""Seconds in which a kernel that has ended may be started again: Jupyter looks every 3."""


async def show_log(found: Found, *, follow: bool, lines: int | None) -> None:
    """Print the log of a kernel.

    Args:
        found: the kernel.
        follow: go on with what comes until the kernel has ended.
        lines: how many of the last lines to begin with; None for all that are kept.

    Raises:
        HostError: it could not be read.
    """
    output = Output()
    try:
        offset, kept = 0, b""
        async for part in _kept(found):
            if part.offset > offset:
                _note("older output is not kept any more" if not offset else "some is not kept")
            offset = part.next
            if lines is None:
                await output.write(part.data)
            else:
                kept = _last_lines(kept + part.data, lines)
        if kept:
            await output.write(kept)
        if follow:
            await _follow(found, offset, output)
    finally:
        output.end()


async def _kept(found: Found) -> AsyncIterator[LogPart]:
    """Give what there is already."""
    offset = 0
    while True:
        part = await read_log(found.visit.link, found.kernel.directory, offset)
        if not part.data:
            return
        yield part
        offset = part.next


async def _follow(found: Found, offset: int, output: Output) -> None:
    ended = False
    while True:
        wait = RESTART_WAIT if ended else WAIT
        try:
            part = await read_log(found.visit.link, found.kernel.directory, offset, wait)
        except SupervisorGoneError as error:
            _note(f"the kernel is gone: {error.answer}")
            return
        if part.data and part.offset > offset:
            _note("some output in between is not kept any more")
        await output.write(part.data)
        offset = part.next
        if ended and part.ended and not part.data:
            _note("the kernel has ended")
            return
        ended = part.ended


def _last_lines(data: bytes, lines: int) -> bytes:
    """Give the last lines; what stands after the last line end counts as one."""
    if not lines:
        return b""
    return b"".join(data.splitlines(keepends=True)[-lines:])


def _note(words: str) -> None:
    Page(stderr=True).marked("info", words)
