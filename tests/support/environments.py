"""Python environments of every tool in a home directory, with real interpreters."""

from __future__ import annotations

import json
import sys
import sysconfig
from pathlib import Path
from typing import Any

__all__ = ["SITE", "broken_environment", "environment", "has_ipykernel", "own_kernel", "stub"]

SITE = Path(sysconfig.get_paths()["purelib"])
"""Where this very interpreter has its ipykernel."""

_LIB = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"


def environment(root: Path, *marks: str, **config: str) -> Path:
    """Make a virtual environment without pip, as quickly as can be.

    Args:
        root: its directory.
        marks: files and folders (ending in ``/``) that a tool leaves there.
        config: further lines of pyvenv.cfg.
    """
    base = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    (root / "bin").mkdir(parents=True)
    (root / "bin/python").symlink_to(base)
    (root / _LIB).mkdir(parents=True)
    lines = {"home": str(base.parent), "include-system-site-packages": "false", **config}
    text = "".join(f"{name} = {value}\n" for name, value in lines.items())
    (root / "pyvenv.cfg").write_text(text)
    for mark in marks:
        path = root / mark
        path.parent.mkdir(parents=True, exist_ok=True)
        if mark.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.touch(mode=0o755)
    return root


def broken_environment(root: Path) -> Path:
    """Make one whose interpreter was removed."""
    environment(root)
    (root / "bin/python").unlink()
    (root / "bin/python").symlink_to("/nowhere/python3.1")
    return root


def has_ipykernel(root: Path) -> Path:
    """Let an environment use the ipykernel of this interpreter."""
    (root / _LIB / "here.pth").write_text(f"{SITE}\n")
    return root


def stub(root: Path, package: str, version: str = "") -> Path:
    """Put something into an environment that is a package by its name only."""
    (root / _LIB / package).mkdir()
    (root / _LIB / package / "__init__.py").touch()
    if version:
        (root / _LIB / f"{package}-{version}.dist-info").mkdir()
    return root


def own_kernel(root: Path, name: str = "python3", **kernel_json: Any) -> Path:
    """Give an environment a kernel spec of its own; return its directory."""
    folder = root / "share/jupyter/kernels" / name
    folder.mkdir(parents=True)
    argv = ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": name, "language": "python", **kernel_json}
    (folder / "kernel.json").write_text(json.dumps(spec))
    return folder
