"""Plans carried out: a copy of each kernel.json is kept, then it is replaced."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sshpyk_core.cli.file_copy import keep_copy
from sshpyk_core.cli.importing.plan import Plan
from sshpyk_core.errors import LocalSpecError
from sshpyk_core.kernelspecs import rewrite

__all__ = ["Outcome", "carry_out"]


@dataclass(frozen=True)
class Outcome:
    """What became of a plan.

    Attributes:
        plan: the plan.
        copy: the copy of what was there; None when nothing was written.
        problem: why nothing was written; empty when it was, or nothing was to be done.
    """

    plan: Plan
    copy: Path | None = None
    problem: str = ""


def carry_out(plans: Sequence[Plan]) -> list[Outcome]:
    """Rewrite what needs it; one that cannot be written does not stop the others."""
    return [_carried_out(plan) if plan.needed else Outcome(plan) for plan in plans]


def _carried_out(plan: Plan) -> Outcome:
    file = plan.spec.file
    try:
        copy = keep_copy(file)
    except OSError as error:
        return Outcome(plan, problem=f"Could not keep a copy of {file}: {error.strerror or error}")
    try:
        rewrite(plan.spec, plan.content)
    except LocalSpecError as error:
        with contextlib.suppress(OSError):
            copy.unlink()
        return Outcome(plan, problem=str(error))
    return Outcome(plan, copy)
