"""The person's choice among the kernels that were found."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from sshpyk_core.cli.add.candidates import Candidate
from sshpyk_core.cli.add.request import Request
from sshpyk_core.cli.page import Page, printable
from sshpyk_core.errors import LocalSpecError

__all__ = ["parsed", "pick"]

QUESTION = "Add which? (all, none, or such as 1,3-5) [all]: "


def pick(page: Page, candidates: Sequence[Candidate], request: Request) -> list[Candidate]:
    """Show what there is and ask until the answer makes sense.

    Raises:
        LocalSpecError: the input has ended.
    """
    page.line(f"Kernels on {request.alias}:", style="bold")
    page.console.print(_table(page, candidates, request))
    while True:
        try:
            answer = input(QUESTION)
        except EOFError as error:
            page.gap()
            raise LocalSpecError("Nothing was chosen, so nothing was added.") from error
        try:
            chosen = [candidates[number - 1] for number in parsed(answer, len(candidates))]
            _check(chosen, request)
        except ValueError as error:
            page.marked("error", str(error))
            continue
        return chosen


def parsed(answer: str, count: int) -> list[int]:
    """Give the numbers that an answer means, from 1 on, each once and in order.

    Raises:
        ValueError: it means none; with the reason.
    """
    word = answer.strip().lower()
    if word in ("", "all"):
        return list(range(1, count + 1))
    if word == "none":
        return []
    chosen: set[int] = set()
    for part in filter(None, re.split(r"[,\s]+", re.sub(r"\s*-\s*", "-", word))):
        match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", part)
        if match is None:
            raise ValueError(f"{part!r:.50} is no number: say all, none, or such as 1,3-5.")
        first, last = int(match[1]), int(match[2] or match[1])
        if first > last:
            raise ValueError(f"{part} runs backwards: say {last}-{first}.")
        if first < 1 or last > count:
            raise ValueError(f"{part} is not there: the numbers go from 1 to {count}.")
        chosen.update(range(first, last + 1))
    if not chosen:
        raise ValueError("That names nothing: say all, none, or such as 1,3-5.")
    return sorted(chosen)


def _check(chosen: Sequence[Candidate], request: Request) -> None:
    """Refuse what cannot be written, while another choice can be made."""
    if len(chosen) > 1 and (request.kernel_name or request.wanted.display_name):
        raise ValueError("--kernel-name and --display-name are for one kernel: choose one.")
    for each in chosen:
        if each.obstacle and not (request.choices.replace and each.replaceable):
            raise ValueError(each.obstacle)


def _table(page: Page, candidates: Sequence[Candidate], request: Request) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("kernel", overflow="fold")
    table.add_column("named there", overflow="fold")
    table.add_column("kind", no_wrap=True)
    table.add_column("", overflow="fold")
    for number, each in enumerate(candidates, 1):
        state = "" if each.state == "new" else each.state
        cells = (each.title, each.config.remote_kernel_name, each.kind, state)
        style = "dim" if each.state == "already there" and not request.choices.replace else ""
        table.add_row(str(number), *(Text(printable(cell), style) for cell in cells))
    return table
