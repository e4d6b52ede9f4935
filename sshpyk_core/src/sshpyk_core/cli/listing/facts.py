"""What is told of a kernel, as values; each fact that was checked carries how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sshpyk_core.cli.hop_settings import Hop
from sshpyk_core.cli.page import Mark
from sshpyk_core.types import Finding

__all__ = ["BrokenSpec", "Fact", "Kernel", "LocalKernel", "SshKernel", "told"]


@dataclass(frozen=True)
class Fact:
    """One thing about a kernel.

    Attributes:
        value: as people read it; empty where it is not known.
        mark: how it stands.
        cause: why it stands like that; empty where that needs no words.
        fix: what to do about it.
    """

    value: str
    mark: Mark = "ok"
    cause: str = ""
    fix: str = ""


def told(value: str, finding: Finding) -> Fact:
    """Make a fact of a finding."""
    return Fact(value, finding.level, finding.cause, finding.fix)


@dataclass(frozen=True)
class LocalKernel:
    """A kernel that something else than sshpyk starts.

    Attributes:
        name, display_name, language, interrupt_mode: as its kernel spec says.
        directory: where that lies.
        command: what is run.
    """

    name: str
    display_name: str
    directory: Path
    command: Fact
    language: str
    interrupt_mode: str

    failed = False
    """It is not ours to judge."""


@dataclass(frozen=True)
class BrokenSpec:
    """A kernel spec that cannot be read.

    Attributes:
        name: of its directory.
        file: its kernel.json.
        reason: why not.
        ours: whether it is one of sshpyk, for all that can be seen.
    """

    name: str
    file: Path
    reason: str
    ours: bool

    @property
    def failed(self) -> bool:
        """Whether the exit status has to tell of it."""
        return self.ours


@dataclass(frozen=True)
class SshKernel:
    """A kernel that sshpyk starts on a host.

    Attributes:
        name, display_name, language: as its kernel spec says.
        file: its kernel.json.
        command: what it comes to, as ``ssh ALIAS ... KERNEL``.
        config: of the kernel spec, whether it is right.
        interrupt_mode: as its kernel spec says, beside what the host says.
        transport: the plugin that goes there.
        ssh: the ssh program.
        ssh_config: the ssh config file; None when it is the user's own.
        alias: the host.
        hops: the hosts on the way and it, with their settings.
        way: why these are not known; None when they are.
        connection: whether the host lets us in.
        findings: what the transport says besides.
        system: of the host.
        remote_interrupt_mode: as the kernel spec there says.
        python: the interpreter there.
        kernel: the kernel spec there.
        launch_timeout, shutdown_timeout: in seconds; None leaves it to Jupyter.
        remote_command: what would be executed there.
    """

    name: str
    display_name: str
    language: str
    file: Path
    command: str
    config: Fact
    interrupt_mode: Fact
    transport: Fact
    ssh: Fact
    ssh_config: Fact | None
    alias: str
    hops: tuple[Hop, ...]
    way: Fact | None
    connection: Fact
    findings: tuple[Finding, ...]
    system: Fact
    remote_interrupt_mode: str
    python: Fact
    kernel: Fact
    launch_timeout: float | None
    shutdown_timeout: float | None
    remote_command: tuple[str, ...]

    @property
    def failed(self) -> bool:
        """Whether something about it is an error."""
        facts = (self.config, self.transport, self.ssh, self.ssh_config, self.way, self.connection)
        more = (self.system, self.python, self.kernel)
        return any(fact is not None and fact.mark == "error" for fact in (*facts, *more))


Kernel = LocalKernel | BrokenSpec | SshKernel
