"""The whole of it: the chosen transport from the network to a kernel, then the other ones."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from sshpyk_core.cli.destinations import Destination
from sshpyk_core.cli.doctor.examination import Examination, StoppedError
from sshpyk_core.cli.doctor.on_host import OnHost
from sshpyk_core.cli.doctor.others import other_transports, over, try_transport
from sshpyk_core.cli.doctor.report import Checked, Observer, Report, TransportReport
from sshpyk_core.errors import PluginError
from sshpyk_core.prompting.login import Shared
from sshpyk_core.types import Prompter

__all__ = ["Rounds"]

_OF_A_TRANSPORT = ("settings", "transport", "host key", "login")
"""The checks that may fail for one transport and not for another."""


@dataclass(frozen=True)
class Rounds:
    """One visit of the doctor.

    Attributes:
        word: what the user called the host, with the flags that lead there, for commands.
        destination: where that is.
        observer: told what is found.
        person: whom to ask, if anybody.
    """

    word: str
    destination: Destination
    observer: Observer
    person: Prompter | None

    async def run(self, *, start: bool, others: bool) -> Report:
        """Check everything.

        Args:
            start: whether to start a kernel.
            others: whether to try the other transports too.
        """
        destination = self._fitting()
        examination = Examination(self.word, destination, self.observer, self.person)
        session = await self._examine(examination, start=start)
        target = destination.target
        chosen = TransportReport(target.transport, session)
        found = [chosen]
        if others:
            worth = _worth_trying(examination.checked)
            shared = examination.shared if worth else None
            found += [await self._other(name, shared) for name in other_transports(target)]
        spec = destination.spec.name if destination.spec is not None else ""
        return Report(target, spec, tuple(examination.checked), tuple(found))

    async def _examine(self, examination: Examination, *, start: bool) -> bool:
        """Run the checks; say whether there was a session."""
        session = None
        try:
            async with AsyncExitStack() as stack:
                transport, declaration = await examination.reach()
                session = await examination.log_in(transport, stack)
                await OnHost(examination, transport, declaration, session).run(start=start)
        except StoppedError:
            pass
        return session is not None

    def _fitting(self) -> Destination:
        """Leave out options of the kernel spec's own transport where another was asked for."""
        spec, config = self.destination.spec, self.destination.config
        if spec is None or spec.config().transport == config.transport:
            return self.destination
        try:
            options = over(config.target, config.transport).options
        except PluginError:  # it is told when the transport is loaded
            return self.destination
        return replace(self.destination, config=replace(config, transport_options=options))

    async def _other(self, name: str, shared: Shared | None) -> TransportReport:
        """Try another transport, unless nothing speaks for it."""
        self.observer.begin(f"trying {name}")
        target = self.destination.target
        report = TransportReport(name, None)
        if shared is not None:
            report = await try_transport(target, name, shared)
        self.observer.tell_transport(report)
        return report


def _worth_trying(checked: list[Checked]) -> bool:
    """Say whether another transport could do better, or the host is in order."""
    errors = [each.check for each in checked if each.finding.level == "error"]
    return all(check in _OF_A_TRANSPORT for check in errors)
