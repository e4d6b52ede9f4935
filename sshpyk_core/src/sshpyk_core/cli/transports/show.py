"""The inventory for people: sections on a terminal of any width, plain text in a pipe."""

from __future__ import annotations

import json
import textwrap

from rich.console import Console
from rich.text import Text

from sshpyk_core.cli.transports.inventory import Installed, InstalledTransport, Inventory
from sshpyk_core.transport_kit.options import OptionFacts

__all__ = ["show"]

WIDEST = 88
"""Columns that a line may take."""

LABEL_COLUMNS = 9


def show(inventory: Inventory) -> None:
    """Print the inventory on standard output."""
    page = _Page()
    if not inventory.transports:
        page.line("No transport is installed, so no kernel can be started.", style="bold red")
        page.line("Fix: pip install sshpyk-openssh")
    for number, transport in enumerate(inventory.transports):
        if number:
            page.gap()
        page.heading(transport)
        if transport.declaration is not None:
            page.row("can do", ", ".join(transport.capabilities) or "what every transport can")
            page.options(transport)
    if inventory.plugins:
        page.gap()
        page.line("Plugins that wrap every transport", style="bold")
    for plugin in inventory.plugins:
        page.heading(plugin)


class _Page:
    """Lines that never exceed the width."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._width = min(self._console.width, WIDEST)
        plain = self._console.options.ascii_only
        self._signs = ("ok", "!!") if plain else ("✓", "✗")

    def gap(self) -> None:
        """Leave a line empty."""
        self._console.print()

    def line(self, text: str, indent: str = "", style: str = "") -> None:
        """Print a text, its later lines indented as the first."""
        for line in self._wrapped(text, indent, indent):
            self._print(Text(line, style))

    def heading(self, one: Installed) -> None:
        """Say what it is, where it comes from, and why it cannot be used if so."""
        origin, problem = one.origin, one.problem
        sign = Text(self._signs[bool(problem)], "bold red" if problem else "bold green")
        state = "not usable" if problem else "usable"
        rest = f"({origin.distribution} {origin.version}): {state}"
        self._print(Text.assemble(sign, " ", (origin.name, "bold"), " ", rest))
        if problem:
            self.row("why", problem.cause)
            self.row("fix", problem.fix)

    def row(self, label: str, value: str) -> None:
        """Print a label and a text beside it."""
        first = f"  {label:{LABEL_COLUMNS}}"
        for line in self._wrapped(value, first, " " * len(first)):
            text = Text(line)
            text.stylize("dim", 0, len(first))
            self._print(text)

    def options(self, transport: InstalledTransport) -> None:
        """Print each option with what it does, what it takes, and its default."""
        if not transport.options:
            self.row("options", "none")
            return
        self.line("options", "  ", "dim")
        for option in transport.options:
            self.line(option.name, " " * 4, "bold")
            self.line(option.help, " " * 6)
            self.line(f"takes {option.takes}; {_default(option)}", " " * 6)

    def _wrapped(self, text: str, first: str, rest: str) -> list[str]:
        return textwrap.wrap(
            text,
            self._width,
            initial_indent=first,
            subsequent_indent=rest,
            break_long_words=False,  # a path or a command that is cut cannot be copied
            break_on_hyphens=False,
        )

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)


def _default(option: OptionFacts) -> str:
    if option.default is None or option.default == ():
        return "not given by default"
    return f"default {json.dumps(option.default, default=str)}"
