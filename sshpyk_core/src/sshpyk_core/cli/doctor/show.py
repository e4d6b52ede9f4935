"""The report for people: a line for each finding, as it comes."""

from __future__ import annotations

from sshpyk_core.cli.doctor.report import Checked, Report, TransportReport
from sshpyk_core.cli.page import Page
from sshpyk_core.cli.status import LiveStatus
from sshpyk_core.types import Finding, Target

__all__ = ["Quiet", "Shown"]

_COLUMNS = 12
_DOING = {
    "settings": "reading the ssh settings",
    "name": "looking up the name",
    "port": "connecting to the port",
    "login": "trying the login",
    "shell": "running a command",
    "python": "looking for Python",
    "kernel spec": "looking for kernels",
    "kernel": "starting a kernel",
    "link": "measuring the round trip",
    "throughput": "measuring the throughput",
    "forwarding": "trying to forward a port",
    "sessions": "counting sessions",
}


class Quiet:
    """Names the check that runs on the live line, and says nothing else."""

    def __init__(self, status: LiveStatus, alias: str) -> None:
        """Take the line."""
        self._status = status
        self._alias = alias

    def begin(self, check: str) -> None:
        """Name the check."""
        self._status.say(f"{self._alias}: {_DOING.get(check, check)} ...")

    def tell(self, checked: Checked) -> None:
        """Keep it for the end."""

    def tell_transport(self, report: TransportReport) -> None:
        """Keep it for the end."""


class Shown(Quiet):
    """Prints each finding besides."""

    def __init__(self, status: LiveStatus, target: Target, kernel_spec: str) -> None:
        """Print the heading."""
        super().__init__(status, target.alias)
        self._page = Page(label_columns=_COLUMNS)
        self._last = ""
        what = f"{kernel_spec}: a kernel on {target.alias}" if kernel_spec else target.alias
        self._page.line(f"{what}, over {target.transport}", style="bold")

    def tell(self, checked: Checked) -> None:
        """Print a finding; the check is named once."""
        label = checked.check if checked.check != self._last else ""
        self._last = checked.check
        self._status.hide()
        self._print(label, checked.finding)
        self._status.show()

    def tell_transport(self, report: TransportReport) -> None:
        """Print whether another transport would do."""
        self._status.hide()
        if not self._last.startswith("\0"):
            self._last = "\0"
            self._page.gap()
            self._page.line("The other transports", style="bold")
        if report.usable:
            took = f", logged in within {report.seconds:.2f} s" if report.seconds else ""
            self._page.row(report.name, f"would do as well{took}", "ok")
        elif report.usable is None:
            self._page.row(report.name, "not tried", "unknown")
        else:
            self._page.row(report.name, "would not do", "warning")
        for finding in report.findings:
            shown = finding.level if finding.level != "error" else "warning"
            self._print("", Finding(shown, finding.cause, finding.fix))
        self._status.show()

    def end(self, report: Report) -> None:
        """Print the verdict."""
        self._page.gap()
        if report.usable:
            self._page.marked("ok", "Nothing stands in the way.")
        else:
            last = report.findings[-1]
            self._page.marked("error", f"It fails here: {last.check}. What follows was not tried.")

    def _print(self, label: str, finding: Finding) -> None:
        first, *others = finding.cause.splitlines() or [""]
        indent = " " * (_COLUMNS + 4)
        self._page.row(label, first, finding.level)
        for line in others:
            self._page.line(line, indent)
        if finding.level != "ok" and finding.fix:
            for line in f"Fix: {finding.fix}".splitlines():
                self._page.line(line, indent)
