"""A real SSH_ASKPASS program that knows the answers and keeps a log of what it was asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from support.scripts import script

__all__ = ["AskpassProgram"]


class AskpassProgram:
    """A shell script that answers by the first pattern of sh(1) that fits, else declines.

    Args:
        directory: where it is written.
        answers: patterns and answers; ``None`` hangs, as a dialog that nobody answers.
    """

    def __init__(self, directory: Path, answers: Mapping[str, str | None]) -> None:
        directory.mkdir(exist_ok=True)
        self.path = directory / "askpass"
        self._log = directory / "askpass.log"
        self.pid_file = directory / "askpass.pid"
        self.answer(answers)

    def answer(self, answers: Mapping[str, str | None]) -> None:
        """Give these answers from now on."""
        hang = f"echo $$ > {self.pid_file}; exec sleep 600"
        rows = [
            f"  {pattern}) {hang if text is None else f'echo {text!r}'};;"
            for pattern, text in answers.items()
        ]
        said = "$SSH_ASKPASS_PROMPT|$1"
        log = f"printf '%s' \"{said}\" | tr '\n' ' ' >> {self._log}; echo >> {self._log}"
        lines = ["#!/bin/sh", log, 'case "$1" in', *rows, "  *) exit 1;;", "esac"]
        script(self.path, "\n".join(lines) + "\n")

    def asked(self) -> list[str]:
        """What it was asked so far: the hint, a bar, the question."""
        return self._log.read_text().splitlines() if self._log.exists() else []

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make it what this process asks by."""
        monkeypatch.setenv("SSH_ASKPASS", str(self.path))
        monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
        monkeypatch.delenv("SSHPYK_ASK")
