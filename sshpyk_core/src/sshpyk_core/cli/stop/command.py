"""The command line of ``sshpyk stop``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from sshpyk_core.cli.running import FAILED, run
from sshpyk_core.cli.running_there.flags import Looking, looking_flags
from sshpyk_core.cli.running_there.ids import WantedId, wanted_id

if TYPE_CHECKING:
    from sshpyk_core.cli.running_there.finding import Found

__all__ = ["stop"]


@click.command("stop")
@click.argument("ids", metavar="ID...", nargs=-1, required=True, type=wanted_id)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="End it by signals if its supervisor does not answer.")
@looking_flags
def stop(ids: tuple[WantedId, ...], yes: bool, force: bool, looking: Looking) -> None:
    """Stop kernels that run on hosts.

    ID is what `sshpyk ps` shows, or as much of it as no other kernel has; HOST:ID asks that host
    only. The kernel and its supervisor end, and are waited for; its variables are lost. A Jupyter
    that is attached sees a dead kernel, and may start another: shut it down there if you can.

    The exit status is 0 when all have ended, else 1. Without a terminal, -y is needed.

    \b
    Examples:
      sshpyk stop 0f1e2d3c
      sshpyk stop -y gpu-box:0f1e 7a66
      sshpyk stop --force 0f1e2d3c
    """
    from sshpyk_core.prompting.person import find_person

    if not yes and find_person() is None:
        raise click.UsageError("There is nobody to ask whether to stop it: say -y.")
    if not run(_stop(ids, looking, yes=yes, force=force)):
        sys.exit(FAILED)


async def _stop(ids: tuple[WantedId, ...], looking: Looking, *, yes: bool, force: bool) -> bool:
    """Stop them; give whether all have ended."""
    import asyncio

    from sshpyk_core.cli.page import Page
    from sshpyk_core.cli.running_there.finding import finding
    from sshpyk_core.cli.status import LiveStatus
    from sshpyk_core.cli.stop.stopping import stop as stop_one
    from sshpyk_core.errors import SshpykError
    from sshpyk_core.kernel.kernel_note import remove_note, usual_note

    async with finding(ids, looking) as found:
        if not yes and not await _agreed(found):
            click.echo("Nothing was stopped.")
            return False
        with LiveStatus("Waiting for the end"):
            work = (stop_one(each, force=force) for each in found)
            outcomes = await asyncio.gather(*work, return_exceptions=True)
    for each, outcome in zip(found, outcomes, strict=True):
        if isinstance(outcome, SshpykError):
            Page(stderr=True).marked("error", str(outcome))
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            remove_note(usual_note(each.kernel.name), each.kernel.directory)
            Page().marked("ok", f"{each} {outcome}.")
    return not any(isinstance(outcome, BaseException) for outcome in outcomes)


async def _agreed(found: list[Found]) -> bool:
    """Ask whether to stop these.

    Raises:
        KeyboardInterrupt: there was no answer.
    """
    from sshpyk_core.cli.page import printable
    from sshpyk_core.prompting.person import find_person
    from sshpyk_core.types import Question

    lines = []
    for each in found:
        held = "attached" if each.kernel.attached else "nobody is attached"
        notebook = f", {each.kernel.session_name}" if each.kernel.session_name else ""
        lines.append(f"{each} ({held}{notebook})")
    listed = "".join(f"  {printable(line)}\n" for line in lines)
    text = (
        f"{listed}Stop {'it' if len(found) == 1 else 'them'}? What is in memory is lost. (yes/no) "
    )
    person = find_person()
    answer = await person.ask(Question("confirm", text, secret=False)) if person else None
    if answer is None:
        raise KeyboardInterrupt
    return answer == "yes"
