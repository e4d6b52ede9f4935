"""What would be done and what was done, for people."""

from __future__ import annotations

from collections.abc import Sequence

from sshpyk_core.cli.importing.plan import Plan
from sshpyk_core.cli.importing.rewriting import Outcome
from sshpyk_core.cli.page import Page
from sshpyk_core.cli.spec_changes import show_changes

__all__ = ["show_outcomes", "show_plans"]


def show_plans(page: Page, plans: Sequence[Plan], *, named: bool) -> None:
    """Say what each would become.

    Args:
        page: where.
        plans: of all that there are.
        named: whether the user has named them, so that none may be passed over.
    """
    told = [plan for plan in plans if named or plan.needed or plan.problem]
    for plan in told:
        if plan.problem:
            page.marked("error", f"{plan.spec.name} ({plan.origin}) cannot be imported:")
            for line in plan.problem.splitlines():
                page.line(line, "  ")
        elif plan.needed:
            page.marked("info", f"{plan.spec.name} ({plan.origin}): {plan.spec.file}")
            show_changes(page, plan.changes)
            for note in plan.notes:
                page.marked("warning", note, "  ")
        else:
            page.marked("ok", f"{plan.spec.name}: nothing needs to change.")
    if not told:
        page.line("There is nothing to import.")


def show_outcomes(page: Page, errors: Page, outcomes: Sequence[Outcome]) -> None:
    """Say what was done."""
    for outcome in outcomes:
        if outcome.problem:
            errors.marked("error", outcome.problem)
        elif outcome.copy is not None:
            page.marked("ok", f"{outcome.plan.spec.name} is rewritten.")
            page.line(f"The old one is kept as {outcome.copy}", "  ")
