"""A program on a terminal of its own, and somebody who types there."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
import time
from pathlib import Path
from types import TracebackType

__all__ = ["Typist"]

# The terminal becomes the controlling one, and none of the program's streams: what asks has to
# find it by itself.
_TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
null = os.open(os.devnull, os.O_RDONLY)
os.dup2(null, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Typist:
    """Runs Python code on a new terminal.

    Args:
        code: the program.
        arguments: its arguments.
        env: added to its environment, where it finds the tests' own modules.
    """

    def __init__(self, code: str, *arguments: str, **env: str) -> None:
        # The far end is kept open: without anybody at it, Linux takes the terminal for hung up.
        self._near, self._far = pty.openpty()
        tests = str(Path(__file__).parents[1])
        words = [sys.executable, "-c", _TAKE_TERMINAL, sys.executable, "-c", code, *arguments]
        self.process = subprocess.Popen(
            words,
            stdin=self._far,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": tests, **env},
            start_new_session=True,
        )
        self.screen = ""

    def wait_for(self, text: str, timeout: float = 60) -> None:
        """Wait until the terminal shows this, after what was waited for before."""
        deadline = time.monotonic() + timeout
        seen = ""
        while text not in seen:
            ready, _, _ = select.select([self._near], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"the terminal does not show {text!r}: {self.screen!r}")
            more = os.read(self._near, 1024).decode()
            seen += more
            self.screen += more

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._near, text.encode())

    def echoes(self) -> bool:
        """Say whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self._near)[3] & termios.ECHO)

    def output(self, timeout: float = 60) -> str:
        """Wait for the end of the program; give what it wrote to its streams."""
        return self.process.communicate(timeout=timeout)[0].decode()

    def __enter__(self) -> Typist:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        os.close(self._near)
        os.close(self._far)
