"""The kernel that ``existing`` names: by its id, or by the file that leads to it."""

from __future__ import annotations

import re
from pathlib import Path

from jupyter_core.paths import jupyter_runtime_dir

from sshpyk_core.config import KernelConfig
from sshpyk_core.connection import Places
from sshpyk_core.errors import ConfigError
from sshpyk_core.hosts import hosts
from sshpyk_core.kernel.kernel_file import KernelFile
from sshpyk_core.running_kernels import running_kernel

__all__ = ["existing_directory", "file_named"]

_ID = re.compile(r"[0-9a-f]{4,32}\Z")


async def existing_directory(config: KernelConfig, named: str) -> str:
    """Find the directory of the supervisor whose kernel is to be attached to.

    Args:
        config: leads to the host.
        named: a file that leads to the kernel, or the kernel's id as ``sshpyk ps`` shows it.

    Raises:
        KernelFileError: the file cannot be used, or leads to another host.
        SupervisorGoneError: no such kernel runs there.
        ConfigError: the file is for another host.
        RemoteError: the id may mean several.
        HostError: the host cannot be asked.
    """
    path = file_named(named)
    places = Places(config.named_python, config.remote_dir)
    host = hosts.get(config.target, config.timers)
    if path is None:
        return (await running_kernel(await host.link(places), named, config.remote_dir)).directory
    file = KernelFile.read(path)
    if file.config.ssh_host_alias != config.ssh_host_alias:
        here, there = config.ssh_host_alias, file.config.ssh_host_alias
        raise ConfigError(f"{path} leads to a kernel on {there}, and the kernel spec to {here}")
    await host.link(places)
    assert host.hello is not None
    file.check_host(path, host.hello)
    return file.directory


def file_named(named: str) -> Path | None:
    """Give the path of the file that is meant; None where it is an id of a kernel.

    A bare name is looked for in Jupyter's runtime directory too.
    """
    path = Path(named).expanduser()
    if not path.exists() and path.name == named:
        if _ID.match(named):
            return None
        in_runtime_dir = Path(jupyter_runtime_dir()) / named
        return in_runtime_dir if in_runtime_dir.exists() else path
    return path
