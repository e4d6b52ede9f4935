"""The inventory for people: sections on a terminal of any width, plain text in a pipe."""

from __future__ import annotations

import json

from rich.text import Text

from sshpyk_core.cli.page import Page
from sshpyk_core.cli.transports.inventory import Installed, InstalledTransport, Inventory
from sshpyk_core.transport_kit.options import OptionFacts

__all__ = ["show"]


def show(inventory: Inventory) -> None:
    """Print the inventory on standard output."""
    page = _TransportsPage()
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


class _TransportsPage(Page):
    """What is told of a transport, in the words of a page."""

    def heading(self, one: Installed) -> None:
        """Say what it is, where it comes from, and why it cannot be used if so."""
        origin, problem = one.origin, one.problem
        state = "not usable" if problem else "usable"
        rest = f"({origin.distribution} {origin.version}): {state}"
        sign = self.sign("error" if problem else "ok")
        self.show(Text.assemble(sign, " ", (origin.name, "bold"), " ", rest))
        if problem:
            self.row("why", problem.cause)
            self.row("fix", problem.fix)

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


def _default(option: OptionFacts) -> str:
    if option.default is None or option.default == ():
        return "not given by default"
    return f"default {json.dumps(option.default, default=str)}"
