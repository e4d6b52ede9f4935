"""The kernels for people: a table that fits the terminal, lines with tabs in a pipe."""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich.cells import cell_len
from rich.text import Text

from sshpyk_core.cli.page import Page
from sshpyk_core.cli.ps.words import NOTHING, Described, describe
from sshpyk_core.cli.running_there.asking import HostAnswer
from sshpyk_core.cli.running_there.finding import merged
from sshpyk_core.errors import HostError
from sshpyk_core.kernel.launch_request import owner

__all__ = ["show"]

GAP = "  "
LABELS = {"SINCE": "since", "STATE": "state", "MEMORY": "memory", "CPU": "CPU", "SPOOL": "spool"}
"""The columns that become lines where the terminal is too narrow for a table."""


def show(answers: Sequence[HostAnswer]) -> None:
    """Print what hosts have answered on standard output, what they have not on standard error."""
    page = Page(label_columns=10)
    kernels = [describe(each, owner()) for each in merged(answers)]
    if not kernels:
        if any(each.running for each in answers):
            page.line("No kernel runs there.")
    elif not page.console.is_terminal:
        _for_a_pipe(kernels)
    elif _width(kernels) <= page.console.width:
        _table(page, kernels)
    else:
        _stacked(page, kernels)
    for answer in answers:
        for ended in answer.running.ended if answer.running else ():
            Page(stderr=True).marked("info", f"{answer.label}: {ended.name[:8]}: {ended.words}")
        if answer.error is not None:
            _failed(answer)


def _for_a_pipe(kernels: Sequence[Described]) -> None:
    # Not through the page, which makes spaces of tabs.
    click.echo("\t".join([*kernels[0].columns, "NOTEBOOK", "NOTES"]))
    for each in kernels:
        rest = (each.notebook or NOTHING, "; ".join(each.notes) or NOTHING)
        click.echo("\t".join([*each.columns.values(), *rest]))


def _widths(kernels: Sequence[Described]) -> dict[str, int]:
    return {
        heading: max(cell_len(heading), *(cell_len(each.columns[heading]) for each in kernels))
        for heading in kernels[0].columns
    }


def _width(kernels: Sequence[Described]) -> int:
    widths = _widths(kernels)
    return sum(widths.values()) + len(GAP) * (len(widths) - 1)


def _table(page: Page, kernels: Sequence[Described]) -> None:
    widths = _widths(kernels)
    page.show(Text(_padded({heading: heading for heading in widths}, widths), "bold"))
    for each in kernels:
        page.show(Text(_padded(each.columns, widths)))
        indent = " " * (widths["ID"] + len(GAP))
        for text in (each.notebook, *each.notes):
            if text:
                page.line(text, indent, "dim")


def _padded(columns: dict[str, str], widths: dict[str, int]) -> str:
    padded = [text + " " * (widths[heading] - cell_len(text)) for heading, text in columns.items()]
    return GAP.join(padded).rstrip()


def _stacked(page: Page, kernels: Sequence[Described]) -> None:
    for number, each in enumerate(kernels):
        if number:
            page.gap()
        columns = each.columns
        page.line(f"{columns['ID']}  {columns['KERNEL']} on {columns['HOST']}", style="bold")
        for heading, label in LABELS.items():
            if columns[heading] != NOTHING:
                page.row(label, columns[heading])
        if each.notebook:
            page.row("notebook", each.notebook)
        for note in each.notes:
            page.row("note", note)


def _failed(answer: HostAnswer) -> None:
    error = answer.error
    words = str(error)
    if isinstance(error, HostError):
        words = f"could not {error.tried}: {error.answer or 'no reason was given'}"
        words += f" — {error.fix}" if error.fix else ""
    one_line = " ".join(f"{answer.label}: {words}".split())
    Page(stderr=True).marked("error", one_line)
