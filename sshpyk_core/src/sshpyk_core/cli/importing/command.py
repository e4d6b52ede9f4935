"""The command line of ``sshpyk import``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from sshpyk_core.cli.completing import complete_importable
from sshpyk_core.cli.running import FAILED, check_terminal, go_on, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sshpyk_core.cli.importing.plan import Plan

__all__ = ["import_"]


@click.command("import")
@click.argument("names", metavar="[NAME...]", nargs=-1, shell_complete=complete_importable)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
def import_(names: tuple[str, ...], dry_run: bool, yes: bool, as_json: bool) -> None:
    """Take over kernel specs of other tools and of sshpyk 1.x.

    The other tools are remote_ikernel and ssh_ipykernel. Looks through all kernel specs of this
    machine, or those that are named, shows what would change in each, asks, and rewrites them in
    place. The old kernel.json stays beside the new one as kernel.json.bak-NUMBER. Display name,
    language, logos and other files stay as they are. No host is asked. Those of sshpyk 1.x work as
    they are; they get the keys of today.

    What cannot be imported is left alone, and told with the reason: jobs of a batch system, kernels
    of other languages, sudo, options of ssh that belong into the ssh config.

    The exit status is 0 when all that was found is taken over, or would be, else 1.

    \b
    Examples:
      sshpyk import --dry-run
      sshpyk import rik_ssh_lab_python3
      sshpyk import -y --json

    \b
    The JSON object:
      dry_run   true or false
      kernels   list of:
        name, file
        origin   sshpyk, sshpyk 1.x, remote_ikernel or ssh_ipykernel
        state    rewritten, to be rewritten, unchanged, not importable
                 or failed
        changes  list of objects with key, old and new; null for what is
                 not set, and never the value of a variable
        notes    list of sentences about what has no meaning any more
        problem  why it is not importable or failed, else null
        copy     the copy that was kept of it, or null
    """
    _import(names, dry_run, yes, as_json)


def _import(names: tuple[str, ...], dry_run: bool, yes: bool, as_json: bool) -> None:
    from sshpyk_core.cli.importing.as_json import facts
    from sshpyk_core.cli.importing.plan import plans
    from sshpyk_core.cli.importing.rewriting import Outcome, carry_out
    from sshpyk_core.cli.importing.show import show_outcomes, show_plans
    from sshpyk_core.cli.page import Page

    found = plans(names)
    if not as_json or not (dry_run or yes):
        show_plans(Page(stderr=as_json), found, named=bool(names))
    if dry_run or not any(plan.needed for plan in found):
        outcomes = [Outcome(plan) for plan in found]
    else:
        _ask_unless(yes, found)
        outcomes = carry_out(found)
    if as_json:
        say(facts(outcomes, dry_run=dry_run))
    else:
        show_outcomes(Page(), Page(stderr=True), outcomes)
    sys.exit(FAILED if any(each.problem or each.plan.problem for each in outcomes) else 0)


def _ask_unless(yes: bool, plans: Sequence[Plan]) -> None:
    """Go on only when somebody has agreed."""
    if yes:
        return
    check_terminal("say -y to rewrite without asking, or --dry-run")
    many = sum(plan.needed for plan in plans)
    these = f"these {many} kernel specs" if many > 1 else "this kernel spec"
    go_on(f"Rewrite {these}?", "Nothing was written.")
