"""``sshpyk doctor`` in the test's own process, and what it has found."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sshpyk_core.cli.destinations import destination
from sshpyk_core.cli.doctor.report import Checked, Report, TransportReport
from sshpyk_core.cli.doctor.rounds import Rounds
from sshpyk_core.cli.target_flags import TargetFlags
from sshpyk_core.types import Prompter

__all__ = ["Seen", "examine"]


@dataclass
class Seen:
    """Keeps what a person would see.

    Attributes:
        begun: the checks that were begun.
        told: the findings, in order.
    """

    begun: list[str] = field(default_factory=list)
    told: list[Checked | TransportReport] = field(default_factory=list)

    def begin(self, check: str) -> None:
        self.begun.append(check)

    def tell(self, checked: Checked) -> None:
        self.told.append(checked)

    def tell_transport(self, report: TransportReport) -> None:
        self.told.append(report)


async def examine(
    word: str,
    ssh_config: Path | None = None,
    transport: str | None = None,
    *,
    start: bool = False,
    others: bool = False,
    seen: Seen | None = None,
    person: Prompter | None = None,
) -> Report:
    """Examine a host, or the host of a kernel spec; nobody is asked but ``person``."""
    flags = TargetFlags(transport=transport, ssh_config=ssh_config and str(ssh_config))
    rounds = Rounds(word, destination(word, flags), seen or Seen(), person)
    return await rounds.run(start=start, others=others)
