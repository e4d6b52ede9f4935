"""The command line of ``sshpyk logs``."""

from __future__ import annotations

import click

from sshpyk_core.cli.running import run
from sshpyk_core.cli.running_there.flags import Looking, looking_flags
from sshpyk_core.cli.running_there.ids import WantedId, wanted_id

__all__ = ["logs"]


@click.command("logs")
@click.argument("wanted", metavar="ID", type=wanted_id)
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until the kernel ends.")
@click.option(
    "-n",
    "--lines",
    metavar="LINES",
    type=click.IntRange(min=0),
    help="Begin with so many of the last lines.",
)
@looking_flags
def logs(wanted: WantedId, follow: bool, lines: int | None, looking: Looking) -> None:
    """Show the standard output and error of a kernel on a host.

    That is not what cells print, but what the kernel, its libraries and its children say besides:
    warnings, tracebacks of threads, why it died. The last MiB of it is kept. ID is what `sshpyk ps`
    shows, or as much of it as no other kernel has; HOST:ID asks that host only.

    On a terminal, colours stay and whatever else a terminal would obey becomes a question mark; a
    pipe gets the bytes as they are. Exit status: 0; 1 when it cannot be read, or the connection is
    lost; 130 after Ctrl+C.

    \b
    Examples:
      sshpyk logs 0f1e2d3c
      sshpyk logs -f -n 20 gpu-box:0f1e
      sshpyk logs 0f1e2d3c | grep -i error
    """
    run(_logs(wanted, looking, follow, lines))


async def _logs(wanted: WantedId, looking: Looking, follow: bool, lines: int | None) -> None:
    from sshpyk_core.cli.logs.reading import show_log
    from sshpyk_core.cli.running_there.finding import finding

    async with finding([wanted], looking) as (found,):
        await show_log(found, follow=follow, lines=lines)
