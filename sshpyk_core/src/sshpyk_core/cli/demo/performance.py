"""One performance of the demo from beginning to end, whatever happens: errors, Ctrl+C."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sshpyk_core.cli.demo.acts import play
from sshpyk_core.cli.demo.errors import DemoError
from sshpyk_core.cli.demo.stage import Stage
from sshpyk_core.cli.demo.story import Story
from sshpyk_core.errors import SshpykError

__all__ = ["perform"]

STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

EXPECTED = (SshpykError, DemoError, OSError, RuntimeError)
"""What a failed step raises; anything else is a defect of the demo and shows as one."""

STOP_SECONDS = 5.0
"""How long a step that is stopped may take before everything is ended around it."""


def perform(story: Story) -> int:
    """Play everything and return the exit status.

    Args:
        story: is told what happens, and at the end how it went.

    Raises:
        BrokenPipeError: nobody reads the story any more.
    """
    try:
        status, error = asyncio.run(_run(story))
    except BrokenPipeError:
        raise  # click ends quietly then
    except EXPECTED as failure:
        status, error = 1, str(failure) or type(failure).__name__
    story.closing(error)
    return status


async def _run(story: Story) -> tuple[int, str]:
    """Play until the end or the first signal; in any case everything is cleared away then.

    Returns:
        The exit status, and why it is not 0.
    """
    with _stop_signals() as stopped:
        stage = Stage(story.transport)
        with _variables(stage.near_environment()):
            playing = asyncio.create_task(play(stage, story))
            try:
                await asyncio.wait((playing, stopped), return_when=asyncio.FIRST_COMPLETED)
                if playing.cancel():
                    await asyncio.wait((playing,), timeout=STOP_SECONDS)
            finally:
                if not stage.cleared:
                    story.clearing()
                    await stage.clear()
        if stopped.done():
            name = signal.Signals(stopped.result()).name
            return 128 + stopped.result(), f"stopped by {name}; everything is ended and removed"
        playing.result()
    return 0, ""


@contextmanager
def _stop_signals() -> Iterator[asyncio.Future[int]]:
    """Give what is done with the number of the first signal that asks to stop.

    Later ones are ignored: clearing up is on the way then, and does not take long.
    """
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[int] = loop.create_future()

    def stop(number: int) -> None:
        if not stopped.done():
            stopped.set_result(number)

    numbers = [getattr(signal, name) for name in STOP_SIGNALS if hasattr(signal, name)]
    # What runs under nohup, or in the background of a script, ignores some, and goes on to.
    numbers = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
    for number in numbers:
        loop.add_signal_handler(number, stop, number)
    try:
        yield stopped
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


@contextmanager
def _variables(changes: Mapping[str, str | None]) -> Iterator[None]:
    """Change the environment and put it back; None stands for a variable that must not be set."""
    before = {name: os.environ.get(name) for name in changes}
    try:
        _set_variables(changes)
        yield
    finally:
        _set_variables(before)


def _set_variables(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
