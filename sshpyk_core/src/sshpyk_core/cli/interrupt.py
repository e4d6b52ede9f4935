"""``sshpyk interrupt``: what a running kernel does, ended like the stop button does it."""

from __future__ import annotations

import click

from sshpyk_core.cli.running import run
from sshpyk_core.cli.running_there.flags import Looking, looking_flags
from sshpyk_core.cli.running_there.ids import WantedId, wanted_id

__all__ = ["interrupt"]


@click.command("interrupt")
@click.argument("wanted", metavar="ID", type=wanted_id)
@looking_flags
def interrupt(wanted: WantedId, looking: Looking) -> None:
    """Interrupt a kernel that runs on a host.

    ID is what `sshpyk ps` shows, or as much of it as no other kernel has; HOST:ID asks that host
    only. The kernel gets what its kernel spec asks for: SIGINT, or an interrupt_request.

    The exit status is 0 when the kernel got it, else 1.

    \b
    Examples:
      sshpyk interrupt 0f1e2d3c
      sshpyk interrupt gpu-box:0f1e
    """
    run(_interrupt(wanted, looking))


async def _interrupt(wanted: WantedId, looking: Looking) -> None:
    from sshpyk_core.cli.page import Page
    from sshpyk_core.cli.running_there.finding import finding
    from sshpyk_core.interrupting import interrupt as interrupt_one

    async with finding([wanted], looking) as (found,):
        how = await interrupt_one(found.visit, found.kernel.directory)
    sent = "SIGINT" if how == "signal" else "an interrupt_request"
    Page().marked("ok", f"{found} was interrupted with {sent}.")
