"""What a command line comes to: which kernel, which connection file, where it is noted."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sshpyk_core.config import KernelConfig
from sshpyk_core.connection_file import Agreed, read
from sshpyk_core.kernelspecs import LocalSpec

__all__ = ["Wanted", "file_for_clients", "named"]


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
        note: where it is noted how to find the kernel again; None for nowhere unless it is left.
        leave: leave it as soon as it runs.
    """

    config: KernelConfig
    file: Path
    directory: str | None = None
    name: str = ""
    agreed: Agreed | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    note: Path | None = None
    leave: bool = False

    @property
    def stays(self) -> bool:
        """Whether the end of this program is not to be that of the kernel.

        One that was joined has been there without this program.
        """
        return self.config.persistent or self.directory is not None


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
    file = Path(path).expanduser().absolute()
    return file, read(file) if file.exists() else None


def named(spec: LocalSpec, persistent: bool, verbosity: int) -> KernelConfig:
    """Give the configuration of a kernel spec with what the command line says besides.

    Args:
        spec: one of ours.
        persistent: whether the kernel is to stay.
        verbosity: of ssh, 0 for what the spec says.

    Raises:
        ConfigError: the spec is wrong.
    """
    config = spec.config()
    if persistent:
        config = replace(config, persistent=True)
    if verbosity and config.transport == "openssh":
        config = replace(
            config, transport_options={**config.transport_options, "verbose": verbosity}
        )
    return config
