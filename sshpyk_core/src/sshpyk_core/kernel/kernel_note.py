"""The file that leads to a kernel which stays, written beside it and removed with it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from jupyter_core.paths import jupyter_runtime_dir

from sshpyk_core.config import KernelConfig
from sshpyk_core.errors import ConfigError, KernelFileError
from sshpyk_core.kernel.kernel_file import KernelFile, is_name
from sshpyk_core.kernel.live_kernel import LiveKernel

__all__ = ["remove_note", "usual_note", "wanted_note", "write_note"]


async def write_note(live: LiveKernel, note: Path | None, directory: Path) -> Path | None:
    """Write the file; on the background loop.

    Args:
        live: the kernel.
        note: the file; None for one with a name of its own.
        directory: where that goes.

    Returns:
        The file; None when there is no kernel any more.

    Raises:
        ConfigError: it cannot be written.
    """
    described = live.describe()
    if described is None:
        return None
    if not is_name(described.supervisor):
        raise ConfigError(f"its host gives its supervisor no name: {described.directory!r:.80}")
    file = note or usual_note(described.supervisor, directory)
    try:
        described.write(file)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror or error}") from error
    return file


def usual_note(supervisor: str, directory: Path | None = None) -> Path:
    """Give the file of a kernel for which no other is named.

    Args:
        supervisor: the kernel's, by name.
        directory: where it lies; Jupyter's runtime directory if not given.
    """
    return (directory or Path(jupyter_runtime_dir())) / f"sshpyk-kernel-{supervisor}.json"


def wanted_note(config: KernelConfig) -> Path | None:
    """Give the file that a kernel spec wants; a path that is not whole begins where Jupyter runs.

    That is its runtime directory, as a server may be started from anywhere.
    """
    if not config.persistent_file:
        return None
    return Path(jupyter_runtime_dir()) / Path(config.persistent_file).expanduser()


def remove_note(note: Path, directory: str) -> None:
    """Remove the file if it leads to this kernel, and not to another by now.

    Args:
        note: the file; it may be gone.
        directory: of the kernel's supervisor, on the host.
    """
    with contextlib.suppress(OSError, KernelFileError):
        if KernelFile.read(note).directory == directory:
            note.unlink()
