"""What came of adding, for people."""

from __future__ import annotations

from sshpyk_core.cli.add.adding import Lacking, Outcome
from sshpyk_core.cli.add.installing import called
from sshpyk_core.cli.page import Page

__all__ = ["show"]

MOST = 5
"""Entries of one list of what could not be added; --json has all of them."""


def show(outcome: Outcome) -> None:
    """Print it on standard output; what there is to worry about on standard error."""
    warnings = Page(stderr=True)
    if outcome.unchecked:
        warnings.marked("warning", f"Not checked on the host. {outcome.unchecked}")
    for notice in outcome.request.config.notices:
        warnings.marked("warning", notice)
    if outcome.cut_short:
        warnings.marked("warning", "The host has more than could be looked at in time.")
    page = Page()
    if outcome.request.choices.dry_run:
        _show_found(page, outcome)
    else:
        _show_written(page, outcome)
    _show_lacking(page, outcome.lacking)
    problems = [f"{each.path}: {each.cause}" for each in outcome.problems]
    for problem in problems[:MOST]:
        page.marked("warning", problem)
    if len(problems) > MOST:
        page.line(f"and {len(problems) - MOST} more of no use: --json lists them.")
    added = [
        each.spec.display_name for each in sorted(outcome.written, key=lambda one: not one.new)
    ]
    if added:
        page.gap()
        page.line(f'Next: jupyter lab, and choose "{added[0]}".')


def _show_written(page: Page, outcome: Outcome) -> None:
    for each in outcome.written:
        state = "added" if each.new else "already there"
        page.marked("ok" if each.new else "info", f"{state}: {each.spec.display_name}")
        page.row("name", each.spec.name)
        page.row("path", str(each.spec.directory))
    if not outcome.written:
        page.line("Nothing was added.")


def _show_found(page: Page, outcome: Outcome) -> None:
    page.line("Nothing is written. What was found:")
    for each in outcome.candidates:
        taken = each.state in ("other settings", "name taken")
        page.marked("warning" if taken else "info", f"{each.display_name}: {each.state}")
        page.row("name", each.name)
        page.row("there", f"{each.config.remote_kernel_name} of {each.config.remote_python}")


def _show_lacking(page: Page, missing: tuple[Lacking, ...]) -> None:
    """Show commands uncut: a cut one could not be pasted."""
    offered = [each for each in missing if each.command]
    if not offered:
        return
    page.gap()
    page.line("Without ipykernel, and so without a kernel. To install it:")
    for each in offered[:MOST]:
        page.line(called(each.interpreter), "  ")
        page.command(each.command, "    ")
    if len(offered) > MOST:
        page.line(f"and {len(offered) - MOST} more: --json lists them.", "  ")
    page.line("or: the same `sshpyk add` with --install-ipykernel and --remote-python PATH")
