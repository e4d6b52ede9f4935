"""Executable files that tests write."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["script"]

WRITE = 'cat > "$0.new" && chmod 755 "$0.new" && mv "$0.new" "$0"'


def script(path: Path, text: str) -> str:
    """Write an executable file, or another in its place, with the folders that it needs.

    Another process does it: a child that any thread forks meanwhile would hold this process's open
    file until it executes something, and what is open for writing cannot be executed (ETXTBSY).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["sh", "-c", WRITE, str(path)], input=text, text=True, check=True)
    return str(path)
