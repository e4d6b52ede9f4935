"""The command line of ``sshpyk attach``."""

from __future__ import annotations

import sys

import click

from sshpyk_core.cli.completing import complete_name
from sshpyk_core.cli.running import run
from sshpyk_core.cli.running_there.flags import Looking, looking_flags

__all__ = ["attach"]


@click.command("attach")
@click.argument("wanted", metavar="NAME|ID", shell_complete=complete_name)
@click.option("--external", is_flag=True, help="Let Jupyter servers here list the kernel.")
@click.option(
    "--connection-file",
    metavar="FILE",
    default="",
    help="The connection file; its ports and key are kept to if it is there.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object once the kernel is here."
)
@looking_flags
def attach(
    wanted: str, external: bool, connection_file: str, as_json: bool, looking: Looking
) -> None:
    """Connect programs of this machine to a kernel that runs on a host.

    ID is what `sshpyk ps` shows, or as much of it as no other kernel has; HOST:ID asks that host
    only. NAME is a kernel spec of sshpyk, one of whose kernels runs. A connection file leads
    programs of this machine to it for as long as this runs; what it printed while nobody was
    attached comes first. The kernel stays when this ends.

    Ctrl+C interrupts the kernel, Ctrl+\\ leaves it, and Ctrl+D asks what to do: shut down,
    interrupt, restart, leave. SIGTERM and SIGHUP leave it, SIGUSR1 restarts it, SIGUSR2 shuts it
    down.

    --external puts the file where a Jupyter server looks that was started with
    ServerApp.allow_external_kernels=True, so that the kernel is in its list of running ones.

    The exit status is 0 when the kernel was left or shut down, 1 when it could not be had, and
    otherwise how the kernel ended by itself.

    \b
    Examples:
      sshpyk attach 0f1e2d3c
      sshpyk attach ssh_lab_python3 --external

    \b
    The JSON object:
      kernel           as people read it, with its host
      id               its ID
      connection_file  the path of the connection file
      attached         whether other programs had it already
      missed           bytes that nobody has heard yet, which come first
    """
    from sshpyk_core.cli.attach.holding import hold_joined

    if external and connection_file:
        raise click.UsageError("Say --external or --connection-file, not both.")
    sys.exit(run(hold_joined(wanted, looking, connection_file, external=external, as_json=as_json)))
