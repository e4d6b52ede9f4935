"""A real Jupyter server, asked as a front end in a browser asks it: by its REST interface."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.blocking import BlockingKernelClient

from support.kernels import execute_blocking
from support.logged import LoggedProcess
from support.managers import READY

__all__ = ["JupyterServer", "jupyter_server"]

START_SECONDS = 60
ANSWER_SECONDS = 120


class JupyterServer:
    """A server that runs.

    Args:
        url: with a slash at its end.
        token: for its REST interface.
        runtime_dir: where it writes connection files.
        process: the server's own.
    """

    def __init__(self, url: str, token: str, runtime_dir: Path, process: LoggedProcess) -> None:
        self._url = url
        self._token = token
        self._runtime_dir = runtime_dir
        self._process = process

    def start_kernel(self, name: str) -> str:
        """Start a kernel; return its id."""
        identity: str = self._ask("POST", "api/kernels", {"name": name})["id"]
        return identity

    def open_notebook(self, path: str, name: str) -> str:
        """Start a session for a notebook, which starts its kernel; return the kernel's id."""
        kernel = {"name": name}
        session = {"path": path, "name": path, "type": "notebook", "kernel": kernel}
        identity: str = self._ask("POST", "api/sessions", session)["kernel"]["id"]
        return identity

    def run(self, identity: str, code: str) -> str:
        """Have a kernel run code; return what it prints."""
        client = BlockingKernelClient(connection_file=str(self.connection_file(identity)))
        client.load_connection_file()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=READY)
            return execute_blocking(client, code).text
        finally:
            client.stop_channels()

    def kill(self) -> None:
        """End the server without a chance to do anything about it."""
        os.kill(self._process.pid, signal.SIGKILL)

    def shut_down(self) -> None:
        """Have the server end as its menu does, and wait until it has."""
        self._ask("POST", "api/shutdown")
        self._process.close()

    def kernels(self) -> list[dict[str, Any]]:
        """Give what it lists as running."""
        listed: list[dict[str, Any]] = self._ask("GET", "api/kernels")
        return listed

    def end_kernel(self, identity: str) -> None:
        """Shut a kernel down."""
        self._ask("DELETE", f"api/kernels/{identity}")

    def restart_kernel(self, identity: str) -> None:
        """Restart a kernel."""
        self._ask("POST", f"api/kernels/{identity}/restart")

    def connection_file(self, identity: str) -> Path:
        """Give the path of a kernel's connection file."""
        return self._runtime_dir / f"kernel-{identity}.json"

    def log(self) -> str:
        """All that the server has logged so far."""
        return self._process.log()

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"{self._url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self._token}"},
        )
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            content = answer.read()
        return json.loads(content) if content else None


@contextmanager
def jupyter_server(runtime_dir: Path, *arguments: str) -> Iterator[JupyterServer]:
    """Run a server as the user of the test's own directories; ``arguments`` are added."""
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--port=0", *arguments]
    if os.name == "posix" and os.getuid() == 0:
        command.append("--allow-root")
    environment = {**os.environ, "JUPYTER_TOKEN": token}
    process = LoggedProcess(command, environment)
    try:
        if not process.wait_for("Use Control-C to stop", START_SECONDS):
            raise RuntimeError(f"the Jupyter server did not start:\n{process.log()}")
        # It names its address in the lines before, and listens a moment after this one.
        url = re.search(r"http://(?:127\.0\.0\.1|localhost):(\d+)/", process.log())
        assert url, process.log()
        _wait_for_port(int(url[1]))
        yield JupyterServer(url[0], token, runtime_dir, process)
    finally:
        process.terminate()
        process.close()


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("localhost", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)  # nothing tells that another program listens now
        else:
            return
