"""What a measure gives, and how it is shown."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
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


def show(results: Mapping[str, Sequence[Result]]) -> None:
    """Print the results of each transport beside those of the others, on standard output."""
    table = Table(title="Remote against local, over loopback", title_justify="left")
    for heading in ("measure", *results):
        table.add_column(heading)
    for row in zip(*results.values(), strict=True):
        table.add_row(row[0].name, *map(_cell, row), end_section=True)
    Console().print(table)


def _cell(result: Result) -> str:
    colour = {True: "green", False: "red", None: "default"}[result.met]
    local, remote = _number(result.local, result.unit), _number(result.remote, result.unit)
    lines = [
        f"[{colour}]{_number(result.value, result.value_unit)}[/]",
        f"{local} here, {remote} there" if local else remote,
        result.reach and f"{'met' if result.met else 'missed'}: {result.reach}",
        result.note,
    ]
    return "\n".join(line for line in lines if line)


def as_json(results: Mapping[str, Sequence[Result]]) -> str:
    """Give all figures by transport, and where they come from, as JSON."""
    machine = {"python": platform.python_version(), "system": platform.platform()}
    transports = {
        name: [{**asdict(result), "met": result.met} for result in each]
        for name, each in results.items()
    }
    return json.dumps({**machine, "transports": transports}, indent=1)


def _number(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.4g} {unit}"
