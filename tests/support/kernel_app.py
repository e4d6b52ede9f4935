"""``sshpyk-kernel`` as programs and people run it, and clients of the kernels that it holds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from sshpyk_core.kernel_app.app import SSHKernelApp

from support.kernels import execute_blocking
from support.managers import READY
from support.screen import Screen

__all__ = [
    "KERNEL_APP",
    "client_of",
    "complaint",
    "evaluated",
    "file_of",
    "file_on",
    "first_object",
    "holding",
    "interrupted",
    "on_screen",
]

KERNEL_APP = [sys.executable, "-m", "sshpyk_core.kernel_app"]
"""The program, of the very environment in which the tests run."""

BUSY = "import time; print('busy', flush=True); time.sleep(600)"


def on_screen(*arguments: str, **options: Any) -> Screen:
    """Run it on a new terminal; wide, so that no path is cut."""
    return Screen(*arguments, **{"command": KERNEL_APP, "columns": 200, **options})


def file_on(screen: Screen) -> Path:
    """Wait until it tells where the connection file is."""
    screen.wait_for("jupyter console --existing")
    found = re.search(r"^ *file +(\S+)$", screen.text, re.M)
    assert found, screen.text
    return Path(found[1])


@contextmanager
def holding(
    *arguments: str, command: Sequence[str] = KERNEL_APP, **env: str
) -> Iterator[subprocess.Popen[str]]:
    """Run it without a terminal; it ends with the test."""
    process = subprocess.Popen(
        [*command, *arguments],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def file_of(process: subprocess.Popen[str]) -> Path:
    """Wait until it tells where the connection file is, without a terminal."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"^ *file +(.+)$", line):
            return Path(found[1])
    assert process.stderr is not None
    raise AssertionError(f"it told of no file: {process.stderr.read()}")


def first_object(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for the JSON object that it prints first."""
    assert process.stdout is not None
    written = ""
    while not written.endswith("}\n"):
        line = process.stdout.readline()
        assert line, process.communicate()
        written += line
    told: dict[str, Any] = json.loads(written)
    return told


@contextmanager
def client_of(file: Path) -> Iterator[BlockingKernelClient]:
    """Connect as another program does: by the connection file alone; wait for an answer."""
    client = BlockingKernelClient()
    client.load_connection_info(json.loads(file.read_text()))
    client.start_channels()
    try:
        client.wait_for_ready(timeout=READY)
        yield client
    finally:
        client.stop_channels()


def evaluated(client: BlockingKernelClient, code: str) -> str:
    """Run code; give what it prints."""
    return execute_blocking(client, code).text.strip()


@contextmanager
def interrupted(client: BlockingKernelClient) -> Iterator[None]:
    """Have the kernel busy, and then its work ended by a KeyboardInterrupt."""
    # Otherwise what is asked for at once afterwards may be answered as given up.
    sent = client.execute(BUSY, stop_on_error=False)
    while client.get_iopub_msg(timeout=30)["msg_type"] != "stream":
        pass
    yield
    reply = client.get_shell_msg(timeout=30)
    assert reply["parent_header"]["msg_id"] == sent
    assert reply["content"]["ename"] == "KeyboardInterrupt"


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[Any, str]:
    """Run it within the test's own process, to its end; give the exit status and what it says."""
    with pytest.raises(SystemExit) as end:
        SSHKernelApp.launch_instance(list(arguments))
    SSHKernelApp.clear_instance()
    shown = capsys.readouterr()
    assert shown.out.strip() == ""
    return end.value.code, shown.err
