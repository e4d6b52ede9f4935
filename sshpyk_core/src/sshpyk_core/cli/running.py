"""How each command is run and how it ends: what is said, and the exit status.

====== ==========================================================================
status meaning
====== ==========================================================================
0      all is well, or was done
1      it could not be done, or something is wrong with what was looked at
2      the command line is not one
130    interrupted with Ctrl+C; what had been begun was undone
====== ==========================================================================
"""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
from collections.abc import Coroutine
from typing import IO, Any, TypeVar

import click

from sshpyk_core.cli.lazy import LazyGroup
from sshpyk_core.errors import SshpykError

__all__ = [
    "FAILED",
    "INTERRUPTED",
    "CommandGroup",
    "check_terminal",
    "go_on",
    "is_interactive",
    "log_to_stderr",
    "run",
    "say",
]

FAILED = 1
INTERRUPTED = 130

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

_LEVELS = (logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)

T = TypeVar("T")


class Complaint(click.ClickException):
    """One of our errors, as click shows its own."""

    exit_code = FAILED

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it on standard error, without what a terminal would obey."""
        from sshpyk_core.cli.page import printable

        click.echo(f"Error: {printable(self.message)}", file=file, err=True)


class CommandGroup(LazyGroup):
    """The commands, with one way for all of them to fail."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error of ours becomes a message, Ctrl+C an exit status."""
        try:
            return super().invoke(ctx)
        except SshpykError as error:
            raise Complaint(str(error)) from error
        except OSError as error:
            if error.errno not in _NO_ROOM or error.filename is not None:
                raise
            # What is left in its buffer has no place either.
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115
            raise Complaint(f"The output could not be written: {error.strerror}.") from error
        except (KeyboardInterrupt, click.Abort):
            click.echo("\nInterrupted.", err=True)
            ctx.exit(INTERRUPTED)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do the work of a command on an event loop of its own; Ctrl+C cancels it and waits for it."""
    import asyncio

    if sys.version_info >= (3, 11) or sys.platform == "win32":
        return asyncio.run(work)
    return _run_interruptibly(work)


def _run_interruptibly(work: Coroutine[Any, Any, T]) -> T:
    """Do the same where asyncio ends everything at once at Ctrl+C, as before Python 3.11.

    What the work would still need to undo what it has begun, such as a link, would end with it.
    """
    import asyncio
    import signal

    interrupted = False

    async def main() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def interrupt(_signum: int, _frame: object) -> None:
            nonlocal interrupted
            interrupted = True
            signal.signal(signal.SIGINT, before)  # a second time ends everything
            loop.call_soon_threadsafe(task.cancel)

        if before is signal.default_int_handler:
            signal.signal(signal.SIGINT, interrupt)
        return await work

    before = signal.getsignal(signal.SIGINT)
    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        if interrupted:
            raise KeyboardInterrupt from None
        raise
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


def say(value: Any) -> None:
    """Print facts for programs: one JSON value."""
    click.echo(json.dumps(value, indent=2, default=str))


def is_interactive() -> bool:
    """Say whether somebody sits at the terminal and can choose."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def check_terminal(instead: str) -> None:
    """Make sure that somebody can be asked.

    Args:
        instead: what to say on the command line where nobody can.

    Raises:
        ClickException: nobody can.
    """
    if not is_interactive():
        raise click.ClickException(f"There is no terminal to ask on: {instead}.")


def go_on(question: str, otherwise: str) -> None:
    """Go on when somebody agrees; else say what was not done, and end."""
    if not click.confirm(question, err=True):
        click.echo(otherwise, err=True)
        sys.exit(FAILED)


def log_to_stderr(verbosity: int) -> None:
    """Let warnings, then information, then everything be logged.

    Args:
        verbosity: how often -v was given; 0 shows errors only.
    """
    level = _LEVELS[min(verbosity, len(_LEVELS) - 1)]
    logging.basicConfig(level=level, format="%(levelname)s: %(message)s")
