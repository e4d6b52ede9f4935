"""A child process in the foreground whose standard error can be awaited."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping, Sequence

__all__ = ["LoggedProcess"]


class LoggedProcess:
    """Start a program and collect what it and its children say on standard error.

    Args:
        arguments: the program, by absolute path, and its arguments.
        env: its whole environment.
    """

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        self._text = ""
        self._ended = False
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            arguments,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name=f"log of {arguments[0]}")
        self._reader.start()

    @property
    def pid(self) -> int:
        """The program's process id."""
        return self._process.pid

    def log(self) -> str:
        """All that was said so far."""
        with self._changed:
            return self._text

    def wait_for(self, text: str, timeout: float) -> bool:
        """Wait until the text has been said; False after ``timeout`` seconds or at the end."""
        with self._changed:
            self._changed.wait_for(lambda: text in self._text or self._ended, timeout)
            return text in self._text

    def terminate(self) -> None:
        """End the program with SIGTERM, or SIGKILL when that does not help; its children stay."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        """Wait until nobody can say any more: the program and all of its children are gone."""
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                with self._changed:
                    self._text += line
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
