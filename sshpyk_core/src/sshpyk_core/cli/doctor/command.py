"""The command line of ``sshpyk doctor``."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import click

from sshpyk_core.cli.completing import complete_host_or_name
from sshpyk_core.cli.running import run, say
from sshpyk_core.cli.target_flags import TargetFlags, target_flags

if TYPE_CHECKING:
    from sshpyk_core.cli.doctor.report import Report

__all__ = ["doctor"]


@click.command("doctor")
@click.argument("word", metavar="HOST|NAME", shell_complete=complete_host_or_name)
@click.option("--no-start", is_flag=True, help="Start no kernel.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
@target_flags
def doctor(word: str, flags: TargetFlags, no_start: bool, as_json: bool) -> None:
    """Find out why a kernel does not start on a host, and how to fix it.

    Checks in order of cause: the ssh settings, name, port, host key and login, what the login shell
    prints, Python, kernel specs, the start of a kernel, round trip and throughput, what the server
    allows. Stops at the first error and says what to do. HOST is whatever `ssh HOST` takes, NAME a
    kernel spec of sshpyk. The kernel that is started runs no code and is stopped again.

    Then says of each other installed transport whether it would do as well; --transport leaves
    those out. The exit status is 0 when nothing stands in the way, else 1.

    \b
    Examples:
      sshpyk doctor gpu-box
      sshpyk doctor gpu-box --transport asyncssh
      sshpyk doctor my-kernel --no-start
      sshpyk doctor gpu-box --json

    \b
    The JSON object:
      usable        whether the exit status is 0
      target        object with alias, kernel_spec (or null), transport,
                    ssh_config and ssh (or null)
      findings      list, in order, of:
        check       settings, name, port, host key, login, transport,
                    shell, python, kernel spec, kernel, link,
                    throughput, forwarding or sessions
        level       ok, info, warning or error
        cause       what was found
        fix         what to do; empty where nothing is wrong
        seconds     that the check took, or null
      transports    list of objects with name, usable (null when not
                    tried), seconds (of the login, or null) and findings
    """
    report = run(_examine(word, flags, start=not no_start, quiet=as_json))
    if as_json:
        from sshpyk_core.cli.doctor.as_json import as_json as told

        say(told(report))
    sys.exit(0 if report.usable else 1)


async def _examine(word: str, flags: TargetFlags, *, start: bool, quiet: bool) -> Report:
    from sshpyk_core.cli.destinations import destination
    from sshpyk_core.cli.doctor.declining import Declining
    from sshpyk_core.cli.doctor.rounds import Rounds
    from sshpyk_core.cli.doctor.show import Quiet, Shown
    from sshpyk_core.cli.status import LiveStatus
    from sshpyk_core.prompting.person import find_person

    there = destination(word, flags)
    name = there.spec.name if there.spec is not None else ""
    with LiveStatus(f"{there.target.alias} ...") as status:
        person = Declining.of(status.prompter(find_person()))
        shown = None if quiet else Shown(status, there.target, name)
        rounds = Rounds(
            _with_flags(word, flags), there, shown or Quiet(status, there.target.alias), person
        )
        report = await rounds.run(start=start, others=flags.transport is None)
    if person is not None and person.declined and not report.usable:
        raise click.Abort
    if shown is not None:
        shown.end(report)
    return report


def _with_flags(word: str, flags: TargetFlags) -> str:
    """Give what further commands need to get to the same host."""
    from sshpyk_core.login_advice import connection_flags

    options = dict(flags.transport_options)
    words = connection_flags(flags.transport, options, flags.ssh_config, flags.ssh)
    return shlex.join([word, *words])
