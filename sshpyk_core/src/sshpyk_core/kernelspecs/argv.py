"""The ``argv`` of the kernel specs that we write, for programs that know no provisioners."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["argv_problem", "kernel_argv"]

MODULE = "sshpyk_core.kernel_app"
"""What ``python -m`` runs."""

_NAME = "--SSHKernelApp.kernel_name="


def kernel_argv(name: str) -> list[str]:
    """Give the command that starts the kernel of that name and honours a connection file.

    The interpreter is named by its path: the program may be on no PATH of whoever starts it.
    """
    connection_file = "--KernelManager.connection_file={connection_file}"
    return [sys.executable, "-m", MODULE, f"{_NAME}{name}", connection_file]


def argv_problem(name: str, content: Mapping[str, Any]) -> str:
    """Say why the argv that we have once written into a kernel spec does not start its kernel.

    Args:
        name: of the kernel spec; its directory may have been renamed since.
        content: of its kernel.json.

    Returns:
        The reason; empty when it does, or when the argv is none of ours.
    """
    argv = content.get("argv")
    if not isinstance(argv, list) or MODULE not in argv:
        return ""
    if shutil.which(str(argv[0])) is None:
        return f"there is no program {argv[0]}"
    named = [word.removeprefix(_NAME) for word in map(str, argv) if word.startswith(_NAME)]
    if named != [name]:
        return f"its argv starts the kernel {', '.join(named) or 'of no name'}"
    return ""
