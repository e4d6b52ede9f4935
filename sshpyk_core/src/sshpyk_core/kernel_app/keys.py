"""Orders that come from the keyboard: Ctrl+D opens a menu, whose answer is a line.

The terminal stays as it is, so there is nothing to put back: in its usual mode the end of a line
that is not there, Ctrl+D, ends a read early. Ctrl+C and Ctrl+Backslash come as signals.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator

from sshpyk_core.kernel_app.orders import Order, Wish

__all__ = ["CHOICES", "ordered_by_keys", "someone_types"]

CHOICES = {
    "": Wish.SHUTDOWN,
    "y": Wish.SHUTDOWN,
    "i": Wish.INTERRUPT,
    "r": Wish.RESTART,
    "l": Wish.LEAVE,
}
"""Answers to the menu; any other means nothing."""

MENU = "y = shut down (default), i = interrupt, r = restart, l = leave, n = nothing [Y/i/r/l/n]: "

NOT_OURS_SECONDS = 0.5
"""Until a terminal that another program reads is looked at again; nothing tells when that ends."""

_LINE_BYTES = 4096


def someone_types() -> bool:
    """Say whether standard input is a terminal on which keys can be waited for."""
    if sys.platform == "win32":
        return False
    try:
        return os.isatty(sys.stdin.fileno())
    except (AttributeError, OSError, ValueError):  # there is none
        return False


@contextlib.contextmanager
def ordered_by_keys(
    give: Callable[[Order], None], say: Callable[[str], None], *, wanted: bool = True
) -> Iterator[Callable[[], None]]:
    """Call ``give`` on the running loop for each order that is typed; give what closes the menu.

    Args:
        give: takes the order.
        say: shows the menu, without an end of line.
        wanted: whether to listen at all.
    """
    if not wanted or not someone_types():
        yield lambda: None
        return
    keyboard = _Keyboard(sys.stdin.fileno(), give, say)
    keyboard.listen()
    try:
        yield keyboard.close_menu
    finally:
        keyboard.close()


class _Keyboard:
    def __init__(
        self, terminal: int, give: Callable[[Order], None], say: Callable[[str], None]
    ) -> None:
        self._terminal = terminal
        self._give = give
        self._say = say
        self._loop = asyncio.get_running_loop()
        self._asked = False
        self._later: asyncio.TimerHandle | None = None

    def listen(self) -> None:
        self._later = None
        self._loop.add_reader(self._terminal, self._readable)

    def close(self) -> None:
        self._loop.remove_reader(self._terminal)
        if self._later is not None:
            self._later.cancel()

    def close_menu(self) -> None:
        """Take what is typed from now on for no answer."""
        if self._asked:
            self._asked = False
            self._say("\n")

    def _readable(self) -> None:
        try:
            typed = os.read(self._terminal, _LINE_BYTES) if self._is_ours() else None
            # A terminal that was hung up reads as one at which Ctrl+D is pressed for ever.
            gone = not os.isatty(self._terminal)
        except OSError:
            typed, gone = None, not os.isatty(self._terminal)
        if gone:
            self._loop.remove_reader(self._terminal)
        elif typed is None:
            self._loop.remove_reader(self._terminal)
            self._later = self._loop.call_later(NOT_OURS_SECONDS, self.listen)
        else:
            self._typed(typed.decode(errors="replace"))

    def _is_ours(self) -> bool:
        """Say whether this is in the foreground, and no question is being asked."""
        if sys.platform == "win32":
            return False
        import termios

        try:
            mode = termios.tcgetattr(self._terminal)[3]
            ours = os.tcgetpgrp(self._terminal) == os.getpgrp()
        except (OSError, termios.error):
            return False
        # Whoever asks takes Ctrl+C as a key.
        return ours and bool(mode & termios.ISIG) and bool(mode & termios.ICANON)

    def _typed(self, text: str) -> None:
        for line in text.splitlines(keepends=True) or [""]:
            ended = line.endswith("\n")
            if self._asked:
                self._asked = False
                wish = CHOICES.get(line.strip().lower()) if ended else None
                if wish is None:
                    self._say("" if ended else "\n")
                else:
                    self._give(Order(wish))
            elif not ended:
                self._asked = True
                self._say(MENU)
