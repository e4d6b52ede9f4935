"""The command ``sshpyk``: a module or a folder for each command, imported when it is used."""

from __future__ import annotations

import click

from sshpyk_core.cli.lazy import LazyCommand
from sshpyk_core.cli.running import CommandGroup, log_to_stderr

__all__ = ["main"]

COMMANDS = {
    "add": LazyCommand(
        "sshpyk_core.cli.add.command:add",
        "Add the kernels of a host to those of this machine.",
    ),
    "edit": LazyCommand(
        "sshpyk_core.cli.edit.command:edit",
        "Change what a kernel spec of sshpyk says.",
    ),
    "delete": LazyCommand(
        "sshpyk_core.cli.delete:delete",
        "Remove kernel specs of sshpyk.",
    ),
    "import": LazyCommand(
        "sshpyk_core.cli.importing.command:import_",
        "Take over kernel specs of other tools and of sshpyk 1.x.",
    ),
    "list": LazyCommand(
        "sshpyk_core.cli.listing.command:list_kernels",
        "Show all kernels, and whether those on other hosts can be had.",
    ),
    "doctor": LazyCommand(
        "sshpyk_core.cli.doctor.command:doctor",
        "Find out why a kernel does not start on a host, and how to fix it.",
    ),
    "ps": LazyCommand(
        "sshpyk_core.cli.ps.command:ps",
        "Show the kernels that run on hosts.",
    ),
    "logs": LazyCommand(
        "sshpyk_core.cli.logs.command:logs",
        "Show the standard output and error of a kernel on a host.",
    ),
    "interrupt": LazyCommand(
        "sshpyk_core.cli.interrupt:interrupt",
        "Interrupt a kernel that runs on a host.",
    ),
    "attach": LazyCommand(
        "sshpyk_core.cli.attach.command:attach",
        "Connect programs of this machine to a kernel that runs on a host.",
    ),
    "stop": LazyCommand(
        "sshpyk_core.cli.stop.command:stop",
        "Stop kernels that run on hosts.",
    ),
    "login": LazyCommand(
        "sshpyk_core.cli.login.command:login",
        "Log in to a host once, for all kernels there.",
    ),
    "logout": LazyCommand(
        "sshpyk_core.cli.login.command:logout",
        "End what `sshpyk login` has kept of a login.",
    ),
    "forward": LazyCommand(
        "sshpyk_core.cli.forward.command:forward",
        "Have ports of a host on this machine while this runs.",
    ),
    "config": LazyCommand(
        "sshpyk_core.cli.ssh_entry.command:config",
        "Suggest an entry of the ssh config for a host.",
    ),
    "transports": LazyCommand(
        "sshpyk_core.cli.transports.command:transports",
        "Show the installed transports, and whether they work here.",
    ),
    "completion": LazyCommand(
        "sshpyk_core.cli.completion:completion",
        "Print the script that lets a shell complete commands.",
    ),
    "demo": LazyCommand(
        "sshpyk_core.cli.demo.command:demo",
        "Watch a kernel run behind an SSH server on this machine.",
    ),
}


@click.group(
    cls=CommandGroup,
    commands_by_name=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="sshpyk-core", prog_name="sshpyk")
@click.option("-v", "--verbose", count=True, help="Log warnings; -vv information, -vvv everything.")
def main(verbose: int) -> None:
    """Jupyter kernels on other machines, over SSH, as if they were local."""
    log_to_stderr(verbose)
