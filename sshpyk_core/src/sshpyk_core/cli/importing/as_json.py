"""What would be done and what was done, for programs; the command's help documents the object."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from sshpyk_core.cli.importing.plan import Plan
from sshpyk_core.cli.importing.rewriting import Outcome

__all__ = ["facts"]


def facts(outcomes: Sequence[Outcome], *, dry_run: bool) -> dict[str, Any]:
    """Give one JSON object."""
    return {"dry_run": dry_run, "kernels": [_kernel(each) for each in outcomes]}


def _kernel(outcome: Outcome) -> dict[str, Any]:
    plan = outcome.plan
    return {
        "name": plan.spec.name,
        "file": str(plan.spec.file),
        "origin": plan.origin,
        "state": _state(plan, outcome),
        "changes": [dataclasses.asdict(each) for each in plan.changes],
        "notes": list(plan.notes),
        "problem": plan.problem or outcome.problem or None,
        "copy": str(outcome.copy) if outcome.copy else None,
    }


def _state(plan: Plan, outcome: Outcome) -> str:
    if plan.problem:
        return "not importable"
    if outcome.problem:
        return "failed"
    if not plan.needed:
        return "unchanged"
    return "rewritten" if outcome.copy else "to be rewritten"
