"""The command ``sshpyk``: a module or a folder for each command, imported when it is used."""

from __future__ import annotations

import click

from sshpyk_core.cli.lazy import LazyCommand, LazyGroup

__all__ = ["main"]

COMMANDS = {
    "demo": LazyCommand(
        "sshpyk_core.cli.demo.command:demo",
        "Watch a kernel run behind an SSH server on this machine.",
    ),
    "transports": LazyCommand(
        "sshpyk_core.cli.transports.command:transports",
        "Show the installed transports, and whether they work here.",
    ),
}


@click.group(
    cls=LazyGroup,
    commands_by_name=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="sshpyk-core", prog_name="sshpyk")
def main() -> None:
    """Jupyter kernels on other machines, over SSH, as if they were local."""
