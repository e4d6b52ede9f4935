"""The command line of ``sshpyk ps``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from sshpyk_core.cli.completing import complete_host_or_name
from sshpyk_core.cli.running import FAILED, run, say
from sshpyk_core.cli.running_there.flags import timeout_flag
from sshpyk_core.cli.target_flags import TargetFlags, target_flags

if TYPE_CHECKING:
    from sshpyk_core.cli.destinations import Destination

__all__ = ["ps"]


@click.command("ps")
@click.argument("host", required=False, shell_complete=complete_host_or_name)
@target_flags
@timeout_flag
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
def ps(host: str | None, flags: TargetFlags, timeout: float, as_json: bool) -> None:
    """Show the kernels that run on hosts.

    Asks HOST, or all hosts that a kernel spec of this machine leads to, at the same time. HOST may
    also be the name of such a kernel spec. A question, such as for a password, is asked only where
    one host is looked at.

    The exit status is 0, also when no kernel runs, and 1 when a host could not be asked. In a pipe
    there is a line for each kernel, with tabs between the columns.

    \b
    Examples:
      sshpyk ps
      sshpyk ps gpu-box --json
      sshpyk ps | cut -f 1,3

    \b
    The JSON object:
      complete   whether every host could be asked
      hosts      list of: host, transport, asked (true or false), now
                 (the host's time), problem (null, or cause and fix),
                 ended (supervisors found dead just now: name, words)
      kernels    list of:
        id, name             the shortest ID, and the whole one
        host, runs_on        the host's alias; the machine's own name
        kernel, python       its kernel spec and interpreter there
        owner                who had it started, from where
        since, attached_since, detached_since, ends_at
                             ISO 8601, UTC, by the host's clock; null
                             when not so
        since_seconds, ...   the same as seconds from now; what
                             has been is negative
        attached             whether a program holds it
        pid, supervisor_pid, returncode, generation
        session_name         the notebook, as Jupyter names it
        memory, spool_memory, spool_disk   bytes
        cpu_seconds, cpu_percent
        spool_full           whether output may be missing
        answers, elsewhere   whether the supervisor did; whether it
                             is another machine's
        directory            of the supervisor
    """
    from sshpyk_core.cli.running_there.where import where
    from sshpyk_core.kernelspecs import find_all

    if host is None and not any(spec.ours for spec in find_all()):
        _nowhere(as_json)
    elif not run(_ps(where([host], flags), timeout, as_json)):
        sys.exit(FAILED)


def _nowhere(as_json: bool) -> None:
    """Say that there is no host to ask."""
    if as_json:
        say({"complete": True, "kernels": [], "hosts": []})
    else:
        click.echo("No kernel spec here leads to a host: sshpyk add HOST makes some.")


async def _ps(destinations: list[Destination], timeout: float, as_json: bool) -> bool:
    """Ask and show; give whether all could be asked."""
    from sshpyk_core.cli.ps import as_json as json_of
    from sshpyk_core.cli.ps.show import show
    from sshpyk_core.cli.running_there.asking import asking_live

    async with asking_live(destinations, timeout) as answers:
        if as_json:
            say(json_of.told(answers))
        else:
            show(answers)
    return not any(each.error for each in answers)
