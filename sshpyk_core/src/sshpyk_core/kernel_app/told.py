"""What the user of a program that holds a kernel reads: facts on standard output."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sshpyk_core.cli.page import Page
from sshpyk_core.errors import SshpykError
from sshpyk_core.kernel.launch_request import Missed
from sshpyk_core.kernel_app.held import HeldKernel
from sshpyk_core.kernel_app.keys import someone_types

__all__ = ["Told"]

_LABELS = 10


@contextmanager
def _said() -> Iterator[None]:
    """Go on where nobody reads any more: a terminal that was closed, the other end of a pipe.

    At the end of a pipe rich exits, which is no reason to end the kernel.
    """
    try:
        yield
    except (OSError, ValueError, SystemExit):
        return


class Told:
    """Tells it."""

    def __init__(self, name: str, *notes: str, stderr: bool = False) -> None:
        """Tell nothing yet.

        Args:
            name: of the kernel, with its host.
            notes: sentences about it, for when it is there.
            stderr: tell all of it on standard error.
        """
        self.name = name
        self._notes = notes
        self._stderr = stderr

    def ready(self, kernel: HeldKernel) -> None:
        """Tell where the kernel is, and how it is reached."""
        file = str(kernel.wanted.file)
        with _said():
            page = Page(label_columns=_LABELS, stderr=self._stderr)
            page.marked("ok", f"{self.name} {'is here' if kernel.wanted.directory else 'runs'}.")
            for note in self._notes:
                page.marked("info", note)
            self._missed(page, kernel.facts.missed)
            page.whole("file", file)
            page.whole("connect", f"jupyter console --existing {shlex.quote(file)}")
            if kernel.note is not None:
                page.whole("again", _again(kernel.note))
            if someone_types():
                page.row("keys", "Ctrl+C interrupts, Ctrl+D asks what to do, Ctrl+\\ leaves it")

    @staticmethod
    def _missed(page: Page, missed: Missed | None) -> None:
        if missed is not None and missed.size:
            page.marked("info", f"It published {missed.size} bytes meanwhile, which come first.")
        if missed is not None and missed.cut_short:
            page.marked("warning", "It published more than could be kept: output is missing.")

    def menu(self, text: str) -> None:
        """Show the menu, behind which the answer is typed."""
        with _said():
            sys.stdout.write(text)
            sys.stdout.flush()

    def ok(self, text: str) -> None:
        """Tell that something was done."""
        with _said():
            Page(stderr=self._stderr).marked("ok", f"{self.name} {text}")

    def left(self, kernel: HeldKernel) -> None:
        """Tell that it runs on, and how it is had again."""
        self.ok("was left running.")
        with _said():
            if kernel.note is not None:
                Page(label_columns=_LABELS, stderr=self._stderr).whole("again", _again(kernel.note))

    def failed(self, error: SshpykError) -> None:
        """Tell that something could not be done."""
        with _said():
            Page(stderr=True).marked("error", str(error))

    def undone(self) -> None:
        """Tell that it was not to be, after all."""
        with _said():
            Page(stderr=True).marked("warning", f"{self.name}: interrupted, and nothing was begun.")

    def died(self, returncode: int) -> None:
        """Tell that it has ended without being asked to."""
        how = f"signal {-returncode}" if returncode < 0 else f"exit status {returncode}"
        with _said():
            Page(stderr=True).marked("error", f"{self.name} has ended by itself, with {how}.")


def _again(note: Path) -> str:
    return f"sshpyk-kernel --existing {shlex.quote(str(note))}"
