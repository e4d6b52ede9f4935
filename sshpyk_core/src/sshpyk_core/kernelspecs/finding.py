"""Finds and reads the kernel specs of this machine.

Where they lie and which of two with one name counts is jupyter_client's to say
(``jupyter_client.kernelspec``).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from sshpyk_core.errors import LocalSpecError
from sshpyk_core.kernelspecs.local_spec import LocalSpec, is_valid_name, not_ours

__all__ = ["find", "find_all", "find_in", "find_ours", "look_up", "read"]

MAX_SIZE = 4 * 1024 * 1024
"""Bytes of a kernel.json beyond which it is not read."""


def find_all() -> list[LocalSpec]:
    """Read every kernel spec of this machine, sorted by name; the broken ones tell why.

    Raises:
        LocalSpecError: Jupyter does not say where they are.
    """
    found: dict[str, LocalSpec] = {}
    for folder in _directories():
        for name, directory in _entries(folder):
            found.setdefault(name, read(name, directory))
    if "python3" not in found and (native := _native()) is not None:
        found["python3"] = native
    return [found[name] for name in sorted(found)]


def find_in(folder: Path) -> list[LocalSpec]:
    """Read the kernel specs of one folder, sorted by name; the broken ones tell why."""
    return [read(name, directory) for name, directory in _entries(folder)]


def look_up(name: str) -> LocalSpec | None:
    """Read one kernel spec, by its name in whatever case, and no other; None: there is none.

    Raises:
        LocalSpecError: Jupyter does not say where they are.
    """
    key = name.lower()
    for folder in _directories():
        for found, directory in _entries(folder):
            if found == key:
                return read(found, directory)
    return _native() if key == "python3" else None


def find(name: str) -> LocalSpec:
    """Read one kernel spec, by its name in whatever case.

    Raises:
        LocalSpecError: there is none of that name, or it is broken.
    """
    spec = look_up(name)
    if spec is not None:
        if spec.problem:
            raise LocalSpecError(spec.problem)
        return spec
    ours = [each.name for each in find_all() if each.ours]
    there = f"Those of sshpyk are: {', '.join(ours)}." if ours else "There is none of sshpyk yet."
    raise LocalSpecError(f"There is no kernel spec {name!r:.200}. {there}")


def find_ours(name: str) -> LocalSpec:
    """Read one kernel spec that selects our provisioner.

    Raises:
        LocalSpecError: there is none of that name, it is broken or not ours.
    """
    spec = find(name)
    if not spec.ours:
        raise not_ours(spec)
    return spec


def _directories() -> list[Path]:
    from jupyter_client.kernelspec import KernelSpecManager

    try:
        return [Path(folder) for folder in KernelSpecManager().kernel_dirs]
    except (OSError, RuntimeError) as error:  # no home, for one
        raise LocalSpecError(f"Jupyter's directories cannot be found: {error}") from error


def _entries(folder: Path) -> Iterator[tuple[str, Path]]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        directory = folder / name
        if (directory / "kernel.json").is_file():
            yield name.lower(), directory


def read(name: str, directory: Path) -> LocalSpec:
    """Read one kernel spec; a broken one tells why."""
    path = directory / "kernel.json"
    if not is_valid_name(name):
        return LocalSpec(name, directory, problem=f"{path}: a kernel cannot have the name {name!r}")
    try:
        if path.stat().st_size > MAX_SIZE:
            raise ValueError("it is too large")
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise TypeError("it holds no JSON object")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        return LocalSpec(name, directory, problem=f"{path} cannot be read: {said}")
    return LocalSpec(name, directory, content)


def _native() -> LocalSpec | None:
    """Give the kernel of this very environment, which Jupyter knows without a file."""
    try:
        from ipykernel.kernelspec import RESOURCES, get_kernel_dict
    except ImportError:
        return None
    return LocalSpec("python3", Path(RESOURCES), get_kernel_dict())
