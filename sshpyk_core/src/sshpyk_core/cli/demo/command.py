"""The command line of the demo: its options, and whether all that it needs is there."""

from __future__ import annotations

import importlib.util
import os
import sys

import click

from sshpyk_core.errors import PluginError

__all__ = ["demo"]

NEEDED = ("asyncssh", "ipykernel", "psutil")
"""Libraries that the extra `testing` brings."""


@click.command("demo")
@click.option(
    "--transport",
    metavar="NAME",
    default="openssh",
    show_default=True,
    help="The transport that carries the kernel.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
def demo(transport: str, as_json: bool) -> None:
    """Watch a kernel run behind an SSH server on this machine.

    Starts an SSH server on the loopback interface with throw-away keys and, behind it, a kernel of
    this Python; runs a cell, interrupts one, restarts the kernel, ends everything. Needs neither
    another machine nor any set-up, and touches neither ~/.ssh nor your Jupyter directories.

    The exit status is 0 when every step did what it is there to show, else 1.

    \b
    Examples:
      sshpyk demo
      sshpyk demo --transport asyncssh --json

    \b
    The JSON object:
      ok         whether the exit status is 0
      transport  its name
      seconds    that all of it took
      steps      list of objects with name, ok, seconds and what the
                 step found
      error      what went wrong; only then
    """
    _check_needs(transport)
    # What takes a while to import is imported when it is certain to be used, and the slowest when
    # something can be read meanwhile.
    from sshpyk_core.cli.demo.story import JsonStory, TerminalStory

    story = JsonStory(transport) if as_json else TerminalStory(transport)
    story.opening()
    from sshpyk_core.cli.demo.performance import perform

    sys.exit(perform(story))


def _check_needs(transport: str) -> None:
    from sshpyk_core.registry import default_registry

    if os.name != "posix":
        raise click.ClickException("the demo's SSH server needs a POSIX shell: Linux or macOS.")
    missing = [name for name in NEEDED if not _is_installed(name)]
    if missing:
        raise click.ClickException(
            f"the demo needs {' and '.join(missing)}: pip install 'sshpyk-core[testing]'"
        )
    try:
        default_registry().load(transport)
    except PluginError as error:
        raise click.ClickException(str(error)) from error


def _is_installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
