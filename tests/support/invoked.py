"""``sshpyk`` within the test's own process: without a terminal, and quick."""

from __future__ import annotations

from click.testing import CliRunner, Result
from sshpyk_core.cli import main

__all__ = ["invoked"]


def invoked(*arguments: str, **env: str) -> Result:
    """Run a command; what it says is in ``stdout`` and ``stderr``, as wide as it likes."""
    return CliRunner().invoke(
        main, list(arguments), env={"COLUMNS": "400", **env}, prog_name="sshpyk"
    )
