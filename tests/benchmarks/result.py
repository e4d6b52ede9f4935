"""What a measure gives, and how it is shown."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

__all__ = ["Result", "as_json", "show"]


@dataclass(frozen=True)
class Result:
    """One line of the report.

    Attributes:
        name: what was measured.
        unit: of ``local`` and ``remote``.
        local, remote: medians; None where there is no such thing.
        value: what counts: a ratio, a difference, a share.
        value_unit: of ``value``.
        at_most, at_least: how far it should reach.
        note: what else was seen.
    """

    name: str
    unit: str
    local: float | None
    remote: float | None
    value: float
    value_unit: str
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether it reaches as far as it should; None where nothing is asked."""
        if self.at_most is not None:
            return self.value <= self.at_most
        if self.at_least is not None:
            return self.value >= self.at_least
        return None

    @property
    def reach(self) -> str:
        """What is asked, for people."""
        if self.at_most is not None:
            return f"≤ {self.at_most:g} {self.value_unit}"
        return f"≥ {self.at_least:g} {self.value_unit}" if self.at_least is not None else ""


def show(results: Sequence[Result], title: str) -> None:
    """Print a table on standard output."""
    table = Table(title=title, title_justify="left")
    for heading in ("measure", "local", "remote", "result", "reach", ""):
        table.add_column(heading, justify="left" if heading in {"measure", ""} else "right")
    for result in results:
        mark = {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[result.met]
        table.add_row(
            result.name,
            _number(result.local, result.unit),
            _number(result.remote, result.unit),
            _number(result.value, result.value_unit),
            result.reach,
            f"{mark} {result.note}".strip(),
        )
    Console().print(table)


def as_json(results: Sequence[Result], transport: str) -> str:
    """Give all figures, and where they come from, as JSON."""
    measures = [{**asdict(result), "met": result.met} for result in results]
    machine = {"python": platform.python_version(), "system": platform.platform()}
    return json.dumps({"transport": transport, **machine, "measures": measures}, indent=1)


def _number(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.4g} {unit}"
