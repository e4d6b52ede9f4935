"""An entry and what is to be said of it: the entry alone goes to standard output."""

from __future__ import annotations

import dataclasses
import difflib
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from sshpyk_core.cli.page import Page, printable
from sshpyk_core.cli.ssh_entry.proposal import Proposal

__all__ = ["facts", "show", "show_difference"]

_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def show(proposal: Proposal) -> None:
    """Print the entry, so that a pipe gets nothing else, and what to know about it."""
    notes = Page(stderr=True)
    click.echo(printable(proposal.entry), nl=False)
    if not proposal.entry:
        notes.marked("ok", f"There is nothing worth adding for {proposal.host}.")
    elif proposal.has_entry:
        where = f"{proposal.host} has an entry in {proposal.file}."
        notes.marked("info", f"{where} These lines are worth adding to it.")
    reasons: dict[str, list[str]] = {}
    for each in proposal.suggestion.left_alone:
        reasons.setdefault(each.why, []).append(f"{each.keyword} {each.value}".strip())
    for why, said in reasons.items():
        notes.marked("info", f"Left alone: {', '.join(said)}. {why}")


def show_difference(proposal: Proposal) -> None:
    """Print what would change in the file."""
    page = Page(stderr=True)
    name = str(proposal.file)
    before, after = (
        (content or b"").decode(errors="replace").replace("\r\n", "\n").split("\n")
        for content in (proposal.content, proposal.new_content)
    )
    for line in difflib.unified_diff(before, after, name, name, lineterm="", n=2):
        page.show(Text(printable(line), _STYLES.get(line[:1], "")))


def facts(proposal: Proposal, *, written: bool, copy: Path | None) -> dict[str, Any]:
    """Give one JSON object; the command's help documents it."""
    return {
        "host": proposal.host,
        "file": str(proposal.file),
        "has_entry": proposal.has_entry,
        "settings": [dataclasses.asdict(each) for each in proposal.suggestion.settings],
        "left_alone": [dataclasses.asdict(each) for each in proposal.suggestion.left_alone],
        "entry": proposal.entry,
        "written": written,
        "copy": str(copy) if copy else None,
    }
