"""What the demo tells, as it happens on a terminal, or afterwards as JSON."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

__all__ = ["JsonStory", "Step", "Story", "TerminalStory"]

WIDEST = 88
"""Columns that a line may take: times far from their text are hard to read."""


@dataclass
class Step:
    """One step; whoever makes it fills it in.

    Attributes:
        name: for programs.
        doing: what is going on, told while it is; also told when it fails.
        done: what has happened, told when it has.
        rows: more to tell, by label.
        facts: for programs.
        seconds: how long it took.
        ok: whether it came to its end.
        stopped: whether it was not let come to its end.
    """

    name: str
    doing: str
    done: str = ""
    rows: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    ok: bool = False
    stopped: bool = False


class Story:
    """Takes down the steps; tells nothing."""

    def __init__(self, transport: str) -> None:
        """Begin.

        Args:
            transport: what carries the kernel.
        """
        self.transport = transport
        self.steps: list[Step] = []
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has gone on."""
        return time.monotonic() - self._began

    @contextmanager
    def step(self, name: str, doing: str) -> Iterator[Step]:
        """Take the time of a step, and tell how it ends.

        Args:
            name: for programs.
            doing: what is going on.
        """
        step = Step(name, doing)
        began = time.monotonic()
        self.begun(step)
        try:
            yield step
            step.ok = True
        except asyncio.CancelledError:
            step.stopped = True
            raise
        finally:
            step.seconds = time.monotonic() - began
            self.steps.append(step)
            self.ended(step)

    def opening(self) -> None:
        """Say what is to come."""

    def begun(self, step: Step) -> None:
        """Say what is going on."""

    def ended(self, step: Step) -> None:
        """Say how a step has ended."""

    def clearing(self) -> None:
        """Say that all ends before its time."""

    def closing(self, error: str = "") -> None:
        """Say how all has ended.

        Args:
            error: why it did not succeed; empty when it did.
        """


class _Console(Console):
    """A console that leaves the end of a program to the program."""

    def on_broken_pipe(self) -> None:
        """Raise an ordinary error, as everything has to be cleared away first."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


class TerminalStory(Story):
    """Tells each step as it happens: for people."""

    def __init__(self, transport: str) -> None:
        """Begin with nothing said."""
        super().__init__(transport)
        self._console = _Console(highlight=False)
        self._width = min(self._console.width, WIDEST)
        self._plain = self._console.options.ascii_only
        self._status: Status | None = None

    def opening(self) -> None:
        """Say what is to come."""
        title = Text.assemble(
            ("sshpyk demo", "bold"), ": a kernel behind an SSH server, all of it here"
        )
        self._console.print(title, end="\n\n", width=self._width)

    def begun(self, step: Step) -> None:
        """Spin where somebody looks on."""
        self._spin(f"{step.doing} ...")

    def ended(self, step: Step) -> None:
        """Tell a step on a line of its own, with the time that it took."""
        self._still()
        sign, style = self._sign(step.ok)
        line = Table.grid(padding=(0, 1), expand=True)
        line.add_column(width=max(1, len(sign)))
        line.add_column(ratio=1, overflow="fold")
        line.add_column(justify="right", no_wrap=True)
        outcome = "stopped" if step.stopped else "this did not work out"
        told = step.done if step.ok else f"{step.doing}: {outcome}"
        line.add_row(Text(sign, style=style), Text(told), Text(_time(step.seconds), style="dim"))
        self._console.print(line, width=self._width)
        if step.ok and step.rows:
            self._console.print(
                Padding(_rows(step.rows), (0, 0, 0, 4), expand=False), width=self._width
            )

    def clearing(self) -> None:
        """Say that everything is ended and removed."""
        self._spin("Ending and removing everything ...")

    def closing(self, error: str = "") -> None:
        """Say the sum, or on standard error what went wrong."""
        self._still()
        if error:
            Console(stderr=True, highlight=False).print(
                Text.assemble(("Error: ", "bold red"), error), soft_wrap=True
            )
            return
        self._console.print(
            f"\nAll of it took {self.seconds:.1f} s. "
            "Your ~/.ssh and your Jupyter directories were not touched.\n"
            "Now for a host of yours: sshpyk add HOST",
            width=self._width,
        )

    def _sign(self, ok: bool) -> tuple[str, str]:
        if self._plain:
            return ("ok", "green") if ok else ("!!", "red")
        return ("✓", "bold green") if ok else ("✗", "bold red")

    def _spin(self, text: str) -> None:
        self._still()
        if sys.stdout.isatty() and self._console.is_interactive:
            spinner = "line" if self._plain else "dots"
            self._status = self._console.status(Text(text), spinner=spinner)
            self._status.start()

    def _still(self) -> None:
        status, self._status = self._status, None
        if status is not None:
            status.stop()


class JsonStory(Story):
    """Tells everything at the end, as one JSON object on standard output: for programs."""

    def closing(self, error: str = "") -> None:
        """Print the object."""
        told: dict[str, Any] = {
            "ok": not error,
            "transport": self.transport,
            "seconds": round(self.seconds, 3),
            "steps": [_as_object(step) for step in self.steps],
        }
        if error:
            told["error"] = error
        json.dump(told, sys.stdout, indent=2)
        sys.stdout.write("\n")


def _as_object(step: Step) -> dict[str, Any]:
    told = {"name": step.name, "ok": step.ok, "seconds": round(step.seconds, 3)}
    return told | dict(step.facts)


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1000:.0f} ms"


def _rows(rows: Mapping[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in rows.items():
        table.add_row(label, Text(value))
    return table
