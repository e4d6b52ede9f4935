"""The kernels for people, under the labels that sshpyk 1.x has."""

from __future__ import annotations

import shlex

from sshpyk_core.cli.hop_settings import Hop
from sshpyk_core.cli.listing.facts import BrokenSpec, Fact, Kernel, LocalKernel, SshKernel
from sshpyk_core.cli.page import Page

__all__ = ["KernelPage"]

_LABELS = 22
_SIGN = 2
_BESIDE = " " * (2 + _LABELS + _SIGN)


class KernelPage(Page):
    """One block for each kernel."""

    def __init__(self) -> None:
        """Begin on standard output."""
        super().__init__(label_columns=_LABELS)
        self._blocks = 0

    def kernel(self, kernel: Kernel) -> None:
        """Print the block of one kernel."""
        if self._blocks:
            self.gap()
        self._blocks += 1
        if isinstance(kernel, LocalKernel):
            self._local(kernel)
        elif isinstance(kernel, BrokenSpec):
            self._broken(kernel)
        else:
            self._ssh(kernel)

    def nothing(self, what: str) -> None:
        """Say that there is none of what was asked for, and what to do."""
        if self._blocks:
            self.gap()
        self.line(f"There are no {what} yet.")
        self.line("Next: `sshpyk add HOST` makes one for each kernel of a host.")

    def _local(self, kernel: LocalKernel) -> None:
        self.line("Local Kernel", style="bold")
        self._plain("Name", kernel.name)
        self._plain("Display Name", kernel.display_name)
        self._plain("Resource Dir", str(kernel.directory))
        self._fact("Command", kernel.command)
        self._plain("Language", kernel.language)
        self._plain("Interrupt Mode", kernel.interrupt_mode)

    def _broken(self, spec: BrokenSpec) -> None:
        self.line("Broken Kernel Spec", style="bold")
        self._plain("Name", spec.name)
        self._plain("Kernel spec", str(spec.file))
        fix = "Repair the file, or remove its directory."
        self._fact("Reason", Fact("", "error", spec.reason, fix))

    def _ssh(self, kernel: SshKernel) -> None:
        self.line("SSH Kernel", style="bold")
        self._plain("Name", kernel.name)
        self._plain("Display Name", kernel.display_name)
        self._plain("Kernel spec", str(kernel.file))
        if kernel.config.mark != "ok":
            self._fact("Config", kernel.config)
        self._plain("Command (simplified)", kernel.command)
        self._plain("Language", kernel.language)
        self._fact("Interrupt Mode", kernel.interrupt_mode)
        self._fact("Transport", kernel.transport)
        self._fact("SSH Path", kernel.ssh)
        if kernel.ssh_config is not None:
            self._fact("SSH Config File", kernel.ssh_config)
        self._plain("SSH Host Alias", kernel.alias)
        for hop in kernel.hops:
            self._hop(hop, named=len(kernel.hops) > 1)
        if kernel.way is not None:
            self._fact("SSH Settings", kernel.way)
        self._fact("SSH Connection", kernel.connection)
        for finding in kernel.findings:
            self.marked(finding.level, finding.cause, _BESIDE)
            self._fix(finding.fix, _BESIDE)
        self._fact("Remote System", kernel.system)
        if kernel.remote_interrupt_mode:
            self._plain("Remote Interrupt Mode", kernel.remote_interrupt_mode)
        self._fact("Remote Python", kernel.python)
        self._fact("Remote Kernel Name", kernel.kernel)
        self._plain("Launch Timeout", _seconds(kernel.launch_timeout))
        self._plain("Shutdown Timeout", _seconds(kernel.shutdown_timeout))
        if kernel.remote_command:
            self._plain("Remote Command", shlex.join(kernel.remote_command))

    def _hop(self, hop: Hop, *, named: bool) -> None:
        indent = " " * 4
        if named:
            self.line(f"{'(jump) ' if hop.jump else ''}{hop.alias}", indent)
            indent += "  "
        for setting in hop.settings:
            why = f" ({setting.finding.cause})" if setting.finding.cause else ""
            words = f"{setting.keyword} {setting.value}{why}"
            self.marked(setting.finding.level, words, indent)
            self._fix(setting.finding.fix, indent + " " * _SIGN)

    def _plain(self, label: str, value: str) -> None:
        """Print a row without a sign, its value below those that have one."""
        if value:
            self.row(f"{label:{_LABELS + _SIGN}}", value)

    def _fact(self, label: str, fact: Fact) -> None:
        self.row(label, fact.value or fact.cause, fact.mark)
        if fact.value and fact.cause:
            self.line(fact.cause, _BESIDE)
        self._fix(fact.fix, _BESIDE)

    def _fix(self, fix: str, indent: str) -> None:
        if fix:
            self.line(f"Fix: {fix}", indent)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:g} s"
