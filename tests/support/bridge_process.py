"""A bridge as a process of its own, whose channel is in the test's hands."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sshpyk_core.link.package import remote_package
from sshpyk_core.remote import wire

__all__ = ["BridgeProcess", "bridge_in"]

MARK = b":bridge\n"
SOON = 20.0


class BridgeProcess:
    """One that runs."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Hear its greeting."""
        self._process = process
        self._splitter = wire.Splitter()
        assert process.stdout is not None
        line = b""
        while not line.endswith(MARK):
            line = process.stdout.readline()
            assert line

    def say(self, data: bytes) -> None:
        """Send bytes; a bridge that has ended does not mind."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except BrokenPipeError:
            return

    def hear(self) -> Iterator[wire.Frame]:
        """Give its frames as they come, to the last."""
        assert self._process.stdout is not None
        while data := os.read(self._process.stdout.fileno(), 65536):
            yield from self._splitter.feed(data)

    def finish(self) -> tuple[list[wire.Frame], int, str]:
        """Close its input; give the frames not given yet, its exit status and its complaints."""
        rest, complaints = self._process.communicate(timeout=SOON)
        return self._splitter.feed(rest), self._process.returncode, complaints.decode()


@contextmanager
def bridge_in(home: Path, python: str = sys.executable) -> Iterator[BridgeProcess]:
    """Run a bridge with a home directory, on some Python; it ends with the block."""
    with tempfile.TemporaryDirectory(dir=home) as folder:
        package = Path(folder) / remote_package().name
        package.write_bytes(remote_package().content)
        process = subprocess.Popen(
            [python, "-I", "-S", str(package), "bridge", "0123456789abcdef"],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"HOME": str(home), "PATH": os.environ["PATH"]},
        )
        with process:
            try:
                yield BridgeProcess(process)
            finally:
                process.kill()
