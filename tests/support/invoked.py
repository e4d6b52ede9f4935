"""``sshpyk`` within the test's own process: without a terminal, and quick."""

from __future__ import annotations

import inspect
from typing import Any

from click.testing import CliRunner, Result
from sshpyk_core.cli import main

__all__ = ["invoked", "runner"]


def runner() -> CliRunner:
    """Give what runs a command and keeps its standard error apart."""
    apart: dict[str, Any] = {}
    if "mix_stderr" in inspect.signature(CliRunner).parameters:  # before click 8.2
        apart = {"mix_stderr": False}
    return CliRunner(**apart)


def invoked(*arguments: str, **env: str) -> Result:
    """Run a command; what it says is in ``stdout`` and ``stderr``, as wide as it likes."""
    return runner().invoke(main, list(arguments), env={"COLUMNS": "400", **env}, prog_name="sshpyk")
