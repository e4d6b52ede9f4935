"""What a command line comes to: which kernel, which connection file, where it is noted."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sshpyk_core.config import KernelConfig
from sshpyk_core.kernel.connection_file import Agreed, read

__all__ = ["Wanted", "absolute", "configured", "file_for_clients"]


@dataclass(frozen=True)
class Wanted:
    """A kernel as it is wanted here.

    Attributes:
        config: which one, and how its host is reached.
        file: the connection file.
        directory: of the supervisor whose kernel is to be joined; None to start one.
        name: for programs that read the connection file: of a kernel spec here, or of the host's.
        agreed: what another program has written into that file; None where it is ours to write.
        env: variables for the kernel from the local kernel spec.
        note: the file that leads to the kernel from other programs while it stays; None for one
            in ``notes``.
        notes: Jupyter's runtime directory.
        leave: leave it as soon as it runs.
    """

    config: KernelConfig
    file: Path
    directory: str | None = None
    name: str = ""
    agreed: Agreed | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    note: Path | None = None
    notes: Path = field(default_factory=Path)
    leave: bool = False

    @property
    def stays(self) -> bool:
        """Whether the end of this program is not to be that of the kernel.

        One that was joined has been there without this program.
        """
        return self.config.persistent or self.directory is not None


def absolute(path: str) -> Path:
    """Give a path of the command line as what it means from here."""
    return Path(path).expanduser().absolute()


def file_for_clients(named: str, runtime_dir: Path) -> tuple[Path, Agreed | None]:
    """Give the connection file, and what it says already.

    Args:
        named: on the command line, perhaps in quotes that no shell has taken away; may be empty.
        runtime_dir: Jupyter's, for a new one.

    Raises:
        ConfigError: there is one that cannot be kept to.
    """
    path = named.strip().strip("'\"")
    if not path:
        return runtime_dir / f"kernel-{uuid.uuid4()}.json", None
    file = absolute(path)
    return file, read(file) if file.exists() else None


def configured(config: KernelConfig, stays: bool, verbosity: int) -> KernelConfig:
    """Give a configuration with what the command line says besides.

    Args:
        config: of a kernel spec, or what leads to a kernel that runs.
        stays: whether the kernel is to stay.
        verbosity: of ssh, 0 for what the spec says.
    """
    if stays:
        config = replace(config, persistent=True)
    if verbosity and config.transport == "openssh":
        options = {**config.transport_options, "verbose": verbosity}
        config = replace(config, transport_options=options)
    return config
