"""One question on the controlling terminal, where systems have termios(3)."""

from __future__ import annotations

import contextlib
import os
import selectors
import sys
from collections.abc import Iterator

from sshpyk_core.prompting.wording import readable

assert sys.platform != "win32"

import termios  # noqa: E402 - not there on Windows

__all__ = ["Conversation", "is_there"]

TERMINAL = "/dev/tty"
INTERRUPT = b"\x03"
_LINE_BYTES = 4096
# poll(2) of macOS knows no terminals; select(2) elsewhere no large descriptors.
_Selector = selectors.SelectSelector if sys.platform == "darwin" else selectors.PollSelector


def is_there() -> bool:
    """Tell whether this process has a terminal and is in its foreground."""
    with contextlib.suppress(OSError), _opened() as terminal:
        return _is_ours(terminal)
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
        self._woken, self._wake = os.pipe()

    def stop(self) -> None:
        """Make :meth:`run` return soon."""
        os.write(self._wake, b".")

    def close(self) -> None:
        """Free what it holds, after :meth:`run` has returned."""
        os.close(self._woken)
        os.close(self._wake)

    def run(self) -> str | None:
        """Ask, and return the line; None for Ctrl-C, Ctrl-D, a stop, or a terminal not ours."""
        with contextlib.suppress(OSError, termios.error), _opened() as terminal:
            # In the background, changing the terminal's mode would stop this whole process.
            if _is_ours(terminal):
                with self._own_mode(terminal):
                    os.write(terminal, self._text.encode(errors="replace"))
                    line = self._line(terminal)
                    self.interrupted = line.endswith(INTERRUPT)
                    if not line.endswith(b"\n"):
                        os.write(terminal, b"\n")
                if line.endswith(b"\n"):
                    return os.fsdecode(line[:-1])
        return None

    @contextlib.contextmanager
    def _own_mode(self, terminal: int) -> Iterator[None]:
        """Have Ctrl-C end the line instead of the program, and the echo off for a secret."""
        before = termios.tcgetattr(terminal)
        ours = termios.tcgetattr(terminal)
        ours[3] &= ~termios.ISIG
        ours[3] |= termios.ICANON
        if self._secret:
            ours[3] &= ~termios.ECHO
            ours[3] |= termios.ECHONL
        ours[6][termios.VEOL] = INTERRUPT
        # Flushing drops what was typed before anything was asked: it was meant for others.
        termios.tcsetattr(terminal, termios.TCSAFLUSH, ours)
        try:
            yield
        finally:
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)

    def _line(self, terminal: int) -> bytes:
        line = b""
        with _Selector() as selector:
            selector.register(terminal, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not line.endswith((b"\n", INTERRUPT)):
                ready = {key.fd for key, _ in selector.select()}
                more = os.read(terminal, _LINE_BYTES) if self._woken not in ready else b""
                if not more:
                    return b""
                line += more
        return line


@contextlib.contextmanager
def _opened() -> Iterator[int]:
    terminal = os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        yield terminal
    finally:
        os.close(terminal)


def _is_ours(terminal: int) -> bool:
    return os.tcgetpgrp(terminal) == os.getpgrp()
