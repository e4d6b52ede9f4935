"""One question on the console of Windows."""

from __future__ import annotations

import sys
import threading

from sshpyk_core.prompting.wording import readable

assert sys.platform == "win32"

import msvcrt  # noqa: E402 - only there on Windows

__all__ = ["Conversation", "is_there"]

# The console cannot be waited for together with anything else.
_GLANCE_SECONDS = 0.05
_LINE_ENDS = "\r\n"
_INTERRUPT = "\x03"
_DECLINES = "\x03\x04\x1a"
_BACKSPACE = "\b"
_PREFIXES = "\x00\xe0"


def is_there() -> bool:
    """Tell whether this process has a console."""
    try:
        with open("CONIN$", "rb", buffering=0):
            return True
    except OSError:
        return False


class Conversation:
    """One question and its answer; blocks in a thread, and can be stopped from another."""

    def __init__(self, text: str, *, secret: bool) -> None:
        """Ask nothing yet.

        Args:
            text: the question.
            secret: do not show what is typed.
        """
        self.interrupted = False
        """Whether the answer was Ctrl-C."""
        self._text = readable(text)
        self._secret = secret
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Make :meth:`run` return soon."""
        self._stopped.set()

    def close(self) -> None:
        """Free what it holds: nothing."""

    def run(self) -> str | None:
        """Ask, and return the line; None for Ctrl-C, Ctrl-D, Ctrl-Z or a stop.

        Between two glances Ctrl-C interrupts the program instead, which then stops this.
        """
        while msvcrt.kbhit():  # typed before anything was asked: it was meant for others
            msvcrt.getwch()
        self._show(self._text)
        line = ""
        while not self._stopped.is_set():
            if not msvcrt.kbhit():
                self._stopped.wait(_GLANCE_SECONDS)
                continue
            typed = msvcrt.getwch()
            if typed in _LINE_ENDS or typed in _DECLINES:
                self._show("\n")
                self.interrupted = typed == _INTERRUPT
                return line if typed in _LINE_ENDS else None
            if typed in _PREFIXES:  # of an arrow or function key
                msvcrt.getwch()
            elif typed == _BACKSPACE:
                self._show("\b \b" if line and not self._secret else "")
                line = line[:-1]
            else:
                self._show("" if self._secret else typed)
                line += typed
        self._show("\n")
        return None

    def _show(self, text: str) -> None:
        for character in text:
            msvcrt.putwch(character if character != "\n" else "\r")
            if character == "\n":
                msvcrt.putwch(character)
