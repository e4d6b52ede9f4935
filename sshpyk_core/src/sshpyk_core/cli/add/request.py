"""What the command line of ``sshpyk add`` asks for, checked before anything is done."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sshpyk_core.cli.spec_flags import SpecFlags
from sshpyk_core.config import KernelConfig
from sshpyk_core.connection import Places
from sshpyk_core.kernelspecs import kernels_directory, valid_name
from sshpyk_core.login_advice import connection_flags
from sshpyk_core.transport import transport_for

__all__ = ["AUTO", "Choices", "Folder", "Request", "stanza_of", "understood"]

AUTO = "auto"
"""The interpreter that the host chooses itself."""


@dataclass(frozen=True)
class Folder:
    """Where kernel specs are written.

    Attributes:
        path: the directory that holds them.
        usual: whether all that Jupyter finds counts as there already, and not that folder alone.
    """

    path: Path
    usual: bool

    @classmethod
    def wanted(cls, *, sys_prefix: bool, prefix: str | None) -> Folder:
        """Find it; see :func:`~sshpyk_core.kernelspecs.kernels_directory`."""
        path = kernels_directory(sys_prefix=sys_prefix, prefix=prefix)
        return cls(path, not (sys_prefix or prefix))


@dataclass(frozen=True)
class Choices:
    """How the command goes about it.

    Attributes:
        every: add all kernels without a question.
        replace: write kernel specs anew that are there already.
        install: install ipykernel where it is missing.
        dry_run: write nothing.
        may_ask: a person at the terminal can choose.
    """

    every: bool = False
    replace: bool = False
    install: bool = False
    dry_run: bool = False
    may_ask: bool = False


@dataclass(frozen=True)
class Request:
    """What is to be added.

    Attributes:
        config: what every kernel spec will say, but for the kernel's own keys.
        wanted: the flags as they were given.
        kernel_name: of the kernel spec; None leaves it to :mod:`.naming`.
        folder: where it goes.
        choices: how.
    """

    config: KernelConfig
    wanted: SpecFlags
    kernel_name: str | None
    folder: Folder
    choices: Choices

    @property
    def alias(self) -> str:
        """The host."""
        return self.config.ssh_host_alias

    @property
    def python(self) -> str | None:
        """The interpreter that the flags name."""
        return self.config.remote_python if "remote_python" in self.wanted.config else None

    @property
    def remote_name(self) -> str | None:
        """The kernel that the flags name, as the host's Jupyter does."""
        named = "remote_kernel_name" in self.wanted.config
        return self.config.remote_kernel_name.lower() if named else None

    @property
    def complete(self) -> bool:
        """Whether the flags say all that a kernel spec needs, as sshpyk 1.x demanded it."""
        wanted = self.wanted
        named = self.python is not None and self.remote_name is not None
        return named and wanted.language is not None and wanted.display_name is not None

    @property
    def command(self) -> str:
        """The command line that leads to the same host, to be continued."""
        given = self.wanted.target
        options = dict(given.transport_options)
        flags = connection_flags(given.transport, options, self.config.ssh_config, given.ssh)
        return shlex.join(["sshpyk", "add", self.alias, *flags])

    @property
    def places(self) -> Places:
        """Where on the host the remote package runs."""
        return Places(self.config.named_python, self.config.remote_dir)

    def config_for(self, python: str, name: str) -> KernelConfig:
        """Give what the kernel spec of one kernel will say.

        Args:
            python: the interpreter by which the host knows the kernel.
            name: of the kernel there.

        Raises:
            ConfigError: the host has given them names that no kernel spec can hold.
        """
        ours: dict[str, Any] = {"remote_python": self.python or python, "remote_kernel_name": name}
        KernelConfig.parse({"ssh_host_alias": self.alias, **ours}, f"the kernel {name!r:.100}")
        return replace(self.config, **ours)


def understood(
    host: str, wanted: SpecFlags, kernel_name: str | None, folder: Folder, choices: Choices
) -> Request:
    """Check what was asked for.

    Raises:
        ConfigError: a flag has an impossible value.
        LocalSpecError: the name is none.
        PluginError: the transport is unknown or broken.
    """
    stanza = {**wanted.stanza(), "ssh_host_alias": host}
    config = KernelConfig.parse(stanza, "the command line")
    name = valid_name(kernel_name) if kernel_name is not None else None
    transport_for(config.target)
    return Request(config, wanted, name, folder, choices)


def stanza_of(config: KernelConfig, wanted: SpecFlags) -> Mapping[str, Any]:
    """Write the ``config`` of a kernel spec: the kernel, and what the flags gave besides."""
    keys = ["ssh_host_alias", "remote_python", "remote_kernel_name", *wanted.stanza()]
    values = {key: getattr(config, key) for key in keys}
    if values.get("transport") == KernelConfig.transport:
        del values["transport"]
    return {
        key: dict(value) if isinstance(value, Mapping) else value for key, value in values.items()
    }
