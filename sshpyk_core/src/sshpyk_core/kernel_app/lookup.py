"""The kernel that ``--existing`` means: by its file, its ID or the name of its kernel spec."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sshpyk_core.background import background
from sshpyk_core.cli.running_there.flags import TIMEOUT, Looking
from sshpyk_core.cli.running_there.joinable import Joinable, find_joinable
from sshpyk_core.cli.target_flags import TargetFlags
from sshpyk_core.config import KernelConfig
from sshpyk_core.kernel.existing import existing_directory, file_named
from sshpyk_core.kernel.kernel_file import KernelFile
from sshpyk_core.kernelspecs import LocalSpec

__all__ = ["find_existing"]


async def find_existing(word: str, spec: LocalSpec | None, config: KernelConfig | None) -> Joinable:
    """Find a kernel that runs.

    Args:
        word: what the command line says.
        spec: the kernel spec that it names besides; None for none.
        config: what that says, with what wins over it.

    Raises:
        KernelFileError: the file cannot be used, or leads to another host than it did.
        KernelNotFoundError: no such kernel runs, or several may be meant.
        SshpykError: its host cannot be asked.
    """
    path = file_named(word)
    if path is not None and (path.exists() or _is_path(word)):
        return await _of_file(word, path, spec, config)
    if spec is not None and config is not None and path is None:
        directory = await background.run(existing_directory(config, word))
        label = f"{config.remote_kernel_name} {word[:8]} on {config.ssh_host_alias}"
        return Joinable(config, directory, label, word[:8], spec.name)
    return await find_joinable(word, Looking(None, TargetFlags(), TIMEOUT))


def _is_path(word: str) -> bool:
    """Say whether it can only be meant as the path of a file, even if there is none."""
    return Path(word).name != word or Path(word).suffix == ".json"


async def _of_file(
    word: str, path: Path, spec: LocalSpec | None, config: KernelConfig | None
) -> Joinable:
    file = KernelFile.read(path)
    config = config or file.config
    directory = await background.run(existing_directory(config, word))
    config = replace(config, remote_kernel_name=file.config.remote_kernel_name)
    short = file.supervisor[:8]
    label = f"{config.remote_kernel_name} {short} on {config.ssh_host_alias}"
    return Joinable(config, directory, label, short, spec.name if spec else "", path)
