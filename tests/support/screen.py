"""``sshpyk`` as a person runs it: on a terminal of its own, whose screen can be read."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from types import TracebackType

import pyte

__all__ = ["SSHPYK", "Screen", "in_a_pipe"]

SSHPYK = [sys.executable, "-c", "from sshpyk_core.cli import main; main(prog_name='sshpyk')"]
"""The command, of the very environment in which the tests run."""


def in_a_pipe(*arguments: str, timeout: float = 60, **env: str) -> subprocess.CompletedProcess[str]:
    """Run ``sshpyk`` without a terminal; keep what it says."""
    return subprocess.run(
        [*SSHPYK, *arguments],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


class Screen:
    """Runs ``sshpyk`` on a new terminal, which is also its standard streams.

    Args:
        arguments: of ``sshpyk``.
        columns: the terminal's width.
        lines: its height; large enough that nothing scrolls away.
        ask: whether a question may be asked on it (tests ask nobody otherwise).
        command: another program than ``sshpyk``.
        env: added to its environment.
    """

    def __init__(
        self,
        *arguments: str,
        columns: int = 88,
        lines: int = 300,
        ask: bool = True,
        command: Sequence[str] = SSHPYK,
        **env: str,
    ) -> None:
        self._near, far = pty.openpty()
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        """All that the terminal got."""
        surroundings = {**os.environ, "TERM": "xterm-256color", **env}
        for name in ("COLUMNS", "LINES"):  # they would win over the terminal's own size
            surroundings.pop(name, None)
        if ask:
            surroundings.pop("SSHPYK_ASK", None)
        self.process = subprocess.Popen(
            [sys.executable, "-c", _LEAD_SESSION, *command, *arguments],
            env=surroundings,
            stdin=far,
            stdout=far,
            stderr=far,
            start_new_session=True,
        )
        os.close(far)

    @property
    def text(self) -> str:
        """What stands on the screen now, without the empty lines below."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def wait_for(self, text: str, timeout: float = 60) -> None:
        """Wait until the screen shows this."""
        deadline = time.monotonic() + timeout
        while text not in self.text:
            if not self._read(deadline - time.monotonic()):
                raise TimeoutError(f"the screen does not show {text!r}:\n{self.text}")

    def type(self, text: str) -> None:
        """Press keys; the screen is not waited for."""
        os.write(self._near, text.encode())

    def press_ctrl_c(self) -> None:
        """Press Ctrl+C."""
        self.type("\x03")

    def hang_up(self) -> None:
        """Close the terminal, as the end of its window or of a login does."""
        os.close(self._near)
        self._near = os.open(os.devnull, os.O_RDONLY)

    def finish(self, timeout: float = 60) -> int:
        """Wait for the end of the program; give its exit status."""
        deadline = time.monotonic() + timeout
        while self._read(deadline - time.monotonic()):
            pass
        return self.process.wait(max(1, deadline - time.monotonic()))

    def _read(self, timeout: float) -> bool:
        """Take what comes next; False when nothing came in time, or nothing will come."""
        if not select.select([self._near], [], [], max(0.0, timeout))[0]:
            return False
        try:
            data = os.read(self._near, 65536)
        except OSError:  # Linux says so when the last of the other side is closed
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._near)


# The terminal becomes the controlling one, so that Ctrl+C reaches the program.
_LEAD_SESSION = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
