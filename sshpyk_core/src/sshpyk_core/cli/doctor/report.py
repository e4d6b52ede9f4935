"""What is found, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sshpyk_core.types import Finding, Target

__all__ = ["Checked", "Observer", "Report", "TransportReport"]


@dataclass(frozen=True)
class Checked:
    """One finding of one check.

    Attributes:
        check: what was checked, as a word or two.
        finding: what was found.
        seconds: how long the check took; None where that says nothing.
    """

    check: str
    finding: Finding
    seconds: float | None = None


@dataclass(frozen=True)
class TransportReport:
    """Whether a transport leads to the host.

    Attributes:
        name: the transport's.
        usable: whether a session can be made; None when that was not tried.
        findings: what stands in the way, or is to be known.
        seconds: that the login took; None where there was none.
    """

    name: str
    usable: bool | None
    findings: tuple[Finding, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True)
class Report:
    """All that was found.

    Attributes:
        target: the host.
        kernel_spec: the name of the kernel spec that leads there; empty when there is none.
        findings: over the target's own transport, in order.
        transports: all that are installed, that of the target first.
    """

    target: Target
    kernel_spec: str
    findings: tuple[Checked, ...]
    transports: tuple[TransportReport, ...]

    @property
    def usable(self) -> bool:
        """Whether nothing stands in the way."""
        return not any(each.finding.level == "error" for each in self.findings)


class Observer(Protocol):
    """Told what happens while it happens."""

    def begin(self, check: str) -> None:
        """Take note that a check begins."""

    def tell(self, checked: Checked) -> None:
        """Take note of a finding."""

    def tell_transport(self, report: TransportReport) -> None:
        """Take note of how another transport does."""
