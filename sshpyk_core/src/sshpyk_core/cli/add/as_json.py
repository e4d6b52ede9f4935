"""What came of adding, for programs; ``sshpyk add --help`` documents the object."""

from __future__ import annotations

import dataclasses
from typing import Any

from sshpyk_core.cli.add.adding import Lacking, Outcome
from sshpyk_core.cli.add.candidates import Candidate

__all__ = ["as_json"]


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Give it as one JSON object."""
    return {
        "host": outcome.request.alias,
        "checked": not outcome.unchecked,
        "cut_short": outcome.cut_short,
        "kernels": [_kernel(each, outcome) for each in outcome.candidates],
        "without_ipykernel": [_lacking(each) for each in outcome.lacking],
        "problems": [dataclasses.asdict(each) for each in outcome.problems],
    }


def _kernel(candidate: Candidate, outcome: Outcome) -> dict[str, Any]:
    written = next((each for each in outcome.written if each.candidate is candidate), None)
    status: str = candidate.state if outcome.request.choices.dry_run else "not chosen"
    if written is not None:
        status = "added" if written.new else "already there"
    return {
        "name": written.spec.name if written else candidate.name,
        "display_name": written.spec.display_name if written else candidate.display_name,
        "language": candidate.content["language"],
        "environment": candidate.environment,
        "remote_python": candidate.config.remote_python,
        "remote_kernel_name": candidate.config.remote_kernel_name,
        "status": status,
        "directory": str(written.spec.directory) if written else None,
    }


def _lacking(one: Lacking) -> dict[str, Any]:
    interpreter = one.interpreter
    return {
        "executable": interpreter.executable,
        "environment": interpreter.environment,
        "kind": interpreter.kind,
        "version": interpreter.version,
        "install": one.command or None,
    }
