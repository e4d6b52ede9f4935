"""Writes and removes kernel specs of this machine, whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import json
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sshpyk_core.errors import LocalSpecError
from sshpyk_core.kernelspecs.finding import read
from sshpyk_core.kernelspecs.local_spec import LocalSpec, not_ours, valid_name
from sshpyk_core.whole_file import write_whole

__all__ = ["install", "kernels_directory", "remove", "rewrite"]


def kernels_directory(*, sys_prefix: bool = False, prefix: str | None = None) -> Path:
    """Say where a new kernel spec goes.

    Args:
        sys_prefix: into the environment in which we run.
        prefix: into another environment, by its root directory.

    Raises:
        LocalSpecError: the user has no home.
    """
    if sys_prefix or prefix:
        root = Path(prefix).expanduser().absolute() if prefix else Path(sys.prefix)
        return root / "share" / "jupyter" / "kernels"
    from jupyter_core.paths import jupyter_data_dir

    try:
        return Path(jupyter_data_dir()) / "kernels"
    except (OSError, RuntimeError) as error:
        raise LocalSpecError(f"Jupyter's directories cannot be found: {error}") from error


def install(
    folder: Path,
    name: str,
    content: Mapping[str, Any],
    files: Mapping[str, bytes] | None = None,
    *,
    replace: bool = False,
) -> LocalSpec:
    """Write a kernel spec.

    Args:
        folder: from :func:`kernels_directory`.
        name: its name.
        content: of its kernel.json.
        files: further files beside that, such as logos, by name.
        replace: whether one of that name in that folder may be replaced, if it is ours.

    Raises:
        LocalSpecError: the name is taken or impossible, or nothing can be written there.
    """
    name = valid_name(name)
    directory = folder / name
    if directory.exists() or directory.is_symlink():
        _check_replaceable(name, directory, replace=replace)
    with _told(f"write the kernel spec {directory}"):
        folder.mkdir(parents=True, exist_ok=True)
        with _aside(folder, name) as aside:
            made = aside / "new"
            made.mkdir(mode=0o755)
            _fill(made, content, files or {})
            _put_in_place(made, directory, aside / "old")
    return LocalSpec(name, directory, content)


def _check_replaceable(name: str, directory: Path, *, replace: bool) -> None:
    if not replace:
        raise LocalSpecError(
            f"The kernel name {name} is taken ({directory}): choose another with --kernel-name, "
            "or say --replace."
        )
    spec = read(name, directory)
    if spec.problem and spec.file.exists():
        raise LocalSpecError(f"{spec.problem}. It may be another program's: remove it yourself.")
    if not spec.problem and not spec.ours:
        raise not_ours(spec)


def _fill(directory: Path, content: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        (directory / name).write_bytes(data)
    (directory / "kernel.json").write_bytes(_as_file(content))


def _as_file(content: Mapping[str, Any]) -> bytes:
    """Give the bytes of a kernel.json."""
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a character, which JSON can hold and UTF-8 cannot
        return (json.dumps(content, indent=2) + "\n").encode()


@contextlib.contextmanager
def _aside(folder: Path, name: str) -> Iterator[Path]:
    """Give a place on the same file system, in which Jupyter sees no kernel spec."""
    place = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=folder))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _put_in_place(made: Path, directory: Path, old: Path) -> None:
    """Give what was made its name; what had that goes only when this has worked."""
    try:
        made.rename(directory)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            raise
        directory.rename(old)
        try:
            made.rename(directory)
        except OSError:
            old.rename(directory)
            raise


def rewrite(spec: LocalSpec, content: Mapping[str, Any]) -> LocalSpec:
    """Replace the kernel.json of a kernel spec, and nothing beside it; its mode stays.

    One that is a symbolic link stays one: what it leads to is replaced.

    Raises:
        LocalSpecError: it cannot be written.
    """
    with _told(f"write {spec.file}"):
        file = spec.file.resolve()
        mode = stat.S_IMODE(file.stat().st_mode)
        write_whole(file, _as_file(content), mode)
    return LocalSpec(spec.name, spec.directory, content)


def remove(spec: LocalSpec) -> None:
    """Remove a kernel spec of ours with all that lies beside it.

    Raises:
        LocalSpecError: it is not ours, or cannot be removed.
    """
    if not spec.ours:
        raise not_ours(spec)
    with _told(f"remove the kernel spec {spec.directory}"):
        if spec.directory.is_symlink():
            spec.directory.unlink()
            return
        # Out of Jupyter's sight in one step: half of one would be shown as broken.
        with _aside(spec.directory.parent, spec.name) as aside:
            spec.directory.rename(aside / "old")


@contextlib.contextmanager
def _told(tried: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LocalSpecError(f"Could not {tried}: {error.strerror or error}") from error
