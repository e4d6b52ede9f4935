"""Front ends as programs of their own, and what is left of them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from support.far import FarSide
from support.openssh import local_ssh
from support.processes import wait_gone

__all__ = ["jupyter", "nothing_is_left_of_a_process"]


def jupyter(module: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a front end as a program of its own."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=120, check=False
    )


def nothing_is_left_of_a_process(far: FarSide) -> bool:
    """Wait until the program's kernels, its ssh and its connection files are gone."""

    def find() -> list[Any]:
        return [*far.server.processes(), *local_ssh(far.server)]

    assert wait_gone(find, 10) == []
    assert far.supervisors() == []
    assert list(far.local.runtime_dir.iterdir()) == []
    return True
