"""What a supervisor says went wrong, as an error of this side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sshpyk_core.errors import (
    KernelSpecNotFoundError,
    KernelStartError,
    KernelTakenError,
    RemoteDirectoryError,
    RemoteError,
    RemotePythonError,
)

__all__ = ["far_error", "is_known"]

_ERRORS: dict[str, tuple[type[RemoteError], str]] = {
    "directory": (RemoteDirectoryError, "Name a directory with room as remote_dir."),
    "cwd": (RemoteDirectoryError, "Name a directory that is there as remote_cwd."),
    "kernel": (KernelStartError, ""),
    "kernelspec": (KernelSpecNotFoundError, "Set remote_kernel_name to one of them."),
    "python": (RemotePythonError, "Set remote_python to an interpreter of that host."),
    "taken": (KernelTakenError, "Attach without wanting it alone, or end the other program."),
}
"""What the ``kind`` of an error from the host becomes here, and what to do about it."""


def is_known(kind: object) -> bool:
    """Say whether this kind of error tells why a kernel cannot be had."""
    return kind in _ERRORS


def far_error(host: str, tried: str, said: Mapping[str, Any]) -> RemoteError:
    """Make the error of what the host said: ``kind`` and ``message``."""
    kind, fix = _ERRORS.get(str(said.get("kind")), (RemoteError, ""))
    return kind(host, tried, str(said.get("message")), fix)
