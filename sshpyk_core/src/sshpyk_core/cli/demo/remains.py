"""What the demo has left on this machine: processes and files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # comes with ipykernel

from sshpyk_core.cli.demo.place import Place

__all__ = ["Remains", "end_processes", "live_files"]


@dataclass(frozen=True)
class Remains:
    """What should have gone by itself.

    Attributes:
        processes: what had to be killed, as ``pid command``.
        files: paths that a kernel or a connection should have taken along.
    """

    processes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line for each."""
        return "\n".join((*self.processes, *self.files))


async def end_processes(roots: Sequence[Path], patience: float) -> tuple[str, ...]:
    """Wait until no process has to do with some directories any more; kill what stays.

    Args:
        roots: a process belongs to one that it has as HOME, below HOME, or in its arguments.
        patience: seconds until what stays is killed.

    Returns:
        What was killed.
    """
    return await asyncio.to_thread(_end_processes, [str(root) for root in roots], patience)


def _end_processes(roots: list[str], patience: float) -> tuple[str, ...]:
    _, alive = psutil.wait_procs(_find(roots), timeout=patience)
    killed = tuple(f"{process.pid} {_command(process)}" for process in alive)
    while alive:
        for process in alive:
            try:
                process.kill()  # psutil makes sure that it is still the same process
            except psutil.Error:
                continue
        psutil.wait_procs(alive, timeout=patience)
        alive = [process for process in _find(roots) if process not in alive]
    return killed


def _find(roots: list[str]) -> list[Any]:
    ours = psutil.Process()
    found = []
    for process in psutil.process_iter():
        traits = _traits(process, ours.username())
        if process != ours and any(root in traits for root in roots):
            found.append(process)
    return found


def _traits(process: Any, user: str) -> str:
    """Give the text in which a process names the directories that it has to do with."""
    try:
        if process.username() != user or process.status() == psutil.STATUS_ZOMBIE:
            return ""
        return f"{_command(process)} {process.environ().get('HOME', '')}"
    except (psutil.AccessDenied, psutil.ZombieProcess):
        return _command(process)
    except (psutil.Error, OSError):
        return ""


def _command(process: Any) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.Error, OSError):
        return ""


def live_files(place: Place) -> tuple[str, ...]:
    """Find what exists only while a kernel or a connection does."""
    return tuple(
        str(path)
        for folder in (place.supervisors, place.runtime)
        if folder.is_dir()
        for path in sorted(folder.iterdir())
    )
