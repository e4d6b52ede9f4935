"""What people read: lines for a terminal of any width, plain text in a pipe.

Whatever a host or a file may have had a hand in is shown without control characters, so that it
cannot do anything to the terminal.
"""

from __future__ import annotations

import textwrap
from typing import Literal

from rich.console import Console
from rich.text import Text

__all__ = ["LABEL_COLUMNS", "WIDEST", "Mark", "Page", "printable"]

Mark = Literal["ok", "info", "warning", "error", "unknown"]
"""How something stands; those of :class:`~sshpyk_core.types.Finding`, and not known."""

WIDEST = 88
"""Columns that a line may take."""

LABEL_COLUMNS = 9
"""Columns of the labels of a page that says nothing else."""

_SIGNS: dict[Mark, tuple[str, str, str]] = {
    "ok": ("✓", "ok", "bold green"),
    "info": ("i", "i", "bold blue"),
    "warning": ("!", "!", "bold yellow"),
    "error": ("✗", "x", "bold red"),
    "unknown": ("?", "?", "bold"),
}


class Page:
    """Lines that never exceed the width, but for what cannot be cut, such as a path.

    A cut path or command could not be copied.
    """

    def __init__(self, *, label_columns: int = LABEL_COLUMNS, stderr: bool = False) -> None:
        """Begin a page on standard output, or on standard error."""
        self.console = Console(highlight=False, stderr=stderr)
        self._width = min(self.console.width, WIDEST)
        self._labels = label_columns

    def sign(self, mark: Mark) -> Text:
        """Give the sign for how something stands."""
        sign, plain, style = _SIGNS[mark]
        return Text(plain if self.console.options.ascii_only else sign, style)

    def gap(self) -> None:
        """Leave a line empty."""
        self.console.print()

    def line(self, text: str, indent: str = "", style: str = "") -> None:
        """Print a text, its later lines indented as the first."""
        for line in self._wrapped(text, indent, indent):
            self.show(Text(line, style))

    def marked(self, mark: Mark, text: str, indent: str = "") -> None:
        """Print a text behind the sign of how it stands, its later lines beside the first."""
        sign = self.sign(mark)
        first = indent + " " * (len(sign.plain) + 1)
        lines = self._wrapped(text, first, first)
        self.show(Text.assemble(indent, sign, " ", lines[0][len(first) :] if lines else ""))
        for line in lines[1:]:
            self.show(Text(line))

    def row(self, label: str, value: str, mark: Mark | None = None) -> None:
        """Print a label and a text beside it, behind a sign if one is given."""
        label = f"  {label:{self._labels}}"
        head = Text(label, "dim")
        if mark is not None:
            head = Text.assemble(head, self.sign(mark), " ")
        first = " " * len(head.plain)
        lines = self._wrapped(value, first, first)
        self.show(head + Text(lines[0][len(first) :] if lines else ""))
        for line in lines[1:]:
            self.show(Text(line))

    def command(self, command: str, indent: str = "") -> None:
        """Print a command whole, on one line however long, so that it can be pasted."""
        self.show(Text(indent + printable(command)))

    def whole(self, label: str, value: str) -> None:
        """Print a label and a path or a command beside it, which is never cut."""
        self.show(Text.assemble((f"  {label:{self._labels}}", "dim"), printable(value)))

    def show(self, text: Text) -> None:
        """Print one line as it is."""
        self.console.print(text, soft_wrap=True)

    def _wrapped(self, text: str, first: str, rest: str) -> list[str]:
        return textwrap.wrap(
            printable(text),
            self._width,
            initial_indent=first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )


def printable(text: str) -> str:
    """Give a text without what a terminal would obey; lines stay lines."""
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in text)
