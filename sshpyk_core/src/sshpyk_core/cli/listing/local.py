"""What this machine says of its kernel specs, without asking any host."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sshpyk_core.cli.listing.facts import BrokenSpec, Fact, LocalKernel
from sshpyk_core.config import KernelConfig
from sshpyk_core.errors import ConfigError, PluginError
from sshpyk_core.kernelspecs import PROVISIONER, LocalSpec
from sshpyk_core.registry import default_registry

__all__ = ["Ours", "Selection", "broken", "local_kernel", "select", "ssh_program", "transport"]

_MOST_READ = 64 * 1024
# Jupyter runs the interpreter of its own environment for these (KernelManager.format_kernel_cmd).
_OWN_PYTHON = re.compile(r"python(\d+(\.\d+)?)?")


@dataclass(frozen=True)
class Ours:
    """A kernel spec of sshpyk.

    Attributes:
        spec: the kernel spec.
        config: what it says; None when that is wrong.
        problem: what is wrong with it; empty when nothing is.
    """

    spec: LocalSpec
    config: KernelConfig | None
    problem: str = ""


@dataclass(frozen=True)
class Selection:
    """The kernel specs to tell of, each kind in order of their names."""

    local: tuple[LocalKernel, ...]
    broken: tuple[BrokenSpec, ...]
    ours: tuple[Ours, ...]


def select(specs: list[LocalSpec], *, local: bool, remote: bool) -> Selection:
    """Sort kernel specs by kind.

    Args:
        specs: all of this machine.
        local: whether those of others are wanted.
        remote: whether those of sshpyk are wanted.
    """
    spoilt = [broken(spec) for spec in specs if spec.problem]
    sound = [spec for spec in specs if not spec.problem]
    return Selection(
        tuple(local_kernel(spec) for spec in sound if local and not spec.ours),
        tuple(each for each in spoilt if (remote if each.ours else local)),
        tuple(_ours(spec) for spec in sound if remote and spec.ours),
    )


def _ours(spec: LocalSpec) -> Ours:
    try:
        return Ours(spec, spec.config())
    except ConfigError as error:
        _, _, problems = str(error).partition("\n")
        return Ours(spec, None, "; ".join(map(str.strip, problems.splitlines())) or str(error))


def broken(spec: LocalSpec) -> BrokenSpec:
    """Tell of a kernel spec that cannot be read; one that names our provisioner is ours."""
    try:
        with open(spec.file, "rb") as file:
            ours = PROVISIONER.encode() in file.read(_MOST_READ)
    except OSError:
        ours = False
    return BrokenSpec(spec.name, spec.file, spec.problem, ours)


def local_kernel(spec: LocalSpec) -> LocalKernel:
    """Tell of a kernel that something else starts."""
    return LocalKernel(
        name=spec.name,
        display_name=spec.display_name,
        directory=spec.directory,
        command=_command(spec.content),
        language=str(spec.content.get("language", "")),
        interrupt_mode=str(spec.content.get("interrupt_mode") or "signal"),
    )


def _command(content: Mapping[str, Any]) -> Fact:
    argv = content.get("argv")
    argv = argv if isinstance(argv, list) else []
    command = shlex.join(map(str, argv))
    metadata = content.get("metadata")
    stanza = metadata.get("kernel_provisioner") if isinstance(metadata, Mapping) else None
    if isinstance(stanza, Mapping) and stanza.get("provisioner_name") != "local-provisioner":
        cause = f"the provisioner {stanza.get('provisioner_name')} starts it"
        return Fact(command, "unknown", cause)
    if not argv:
        return Fact("", "error", "its kernel.json has no argv")
    program = str(argv[0])
    if _OWN_PYTHON.fullmatch(program) or _is_there(program):
        return Fact(command)
    return Fact(command, "error", f"there is no program {program}")


def _is_there(program: str) -> bool:
    try:
        return shutil.which(os.path.expanduser(program)) is not None
    except ValueError:  # no path at all: a NUL in it, or half a character
        return False


def transport(name: str) -> Fact:
    """Tell whether a transport can be used here."""
    try:
        missing = default_registry().declaration(name).missing_programs()
    except PluginError as error:
        cause, fix = error.cause_and_fix()
        return Fact(name, "error", cause, fix or "See `sshpyk transports`.")
    if missing:
        fix = "Install what is missing, or put it on PATH."
        return Fact(name, "error", f"not on PATH: {', '.join(missing)}", fix)
    return Fact(name)


def ssh_program(config: KernelConfig) -> Fact:
    """Tell whether the ssh program is there; only one transport cannot do without."""
    wanted = config.ssh or "ssh"
    found = shutil.which(os.path.expanduser(wanted))
    if found:
        return Fact(found)
    cause = "there is no such program" if config.ssh else "there is no ssh on PATH"
    if config.ssh or config.transport == "openssh":
        fix = "Install an OpenSSH client, or name one as `ssh` in the kernel spec."
        return Fact(wanted, "error", cause, fix)
    return Fact(wanted, "info", f"{cause}: sshpyk reads your ssh config by itself")
