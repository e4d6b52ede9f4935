"""The Python interpreters of this machine, and files that pose as one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from support.scripts import script

__all__ = ["OLDEST", "PYTHONS", "make_venv", "path_without_python"]

SYSTEM_PYTHONS = ("/usr/bin/python3", "/usr/libexec/platform-python")
SYSTEM_TOOLS = ("base64", "cat", "chmod", "id", "mkdir", "mv", "rm", "sed", "wc")


def _installed() -> Iterator[str]:
    managed = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    for minor in range(6, 15):
        path = next(managed.glob(f"3.{minor}.*/bin/python"), None)
        found = str(path) if path else shutil.which(f"python3.{minor}")
        if found:
            yield found
    yield from (str(path) for path in managed.glob("2.7.*/bin/python"))


PYTHONS = sorted({sys.executable, *_installed()})
"""One of each version from 3.6 that there is, and 2.7 where there is one."""

OLDEST = next((path for path in PYTHONS if re.search(r"/3\.6\.\d+/|python3\.6$", path)), None)
"""The oldest that the remote package must run on, Python 3.6, where there is one."""


def make_venv(path: Path, *flags: str) -> Path:
    """Make a virtual environment of this Python; returns the same path."""
    command = [sys.executable, "-m", "venv", "--without-pip", *flags, str(path)]
    subprocess.run(command, check=True)
    return path


def path_without_python(directory: Path) -> str:
    """Make a directory of programs that is the PATH of a host without Python; return its path.

    The interpreters that a host has at fixed paths are there on this machine, so the directory's
    ``sh`` reads other paths where a command names theirs.
    """
    directory.mkdir(parents=True)
    for tool in SYSTEM_TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (directory / tool).symlink_to(found)
    edits = " ".join(f"-e 's#{path}#/nowhere{path}#g'" for path in SYSTEM_PYTHONS)
    edit = f"$(printf '%s' \"$2\" | sed {edits})"
    script(directory / "sh", f'#!/bin/sh\nexec /bin/sh "$1" "{edit}"\n')
    return str(directory)
