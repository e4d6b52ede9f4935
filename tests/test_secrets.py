"""Session keys, CURVE keys and supervisor tokens are seen by nobody whom they do not concern."""

from __future__ import annotations

import json
import logging
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jupyter_client.manager import AsyncKernelManager
from support.far import FarSide, MakeFarSide
from support.kernels import execute, remote_ipykernel
from support.managers import started

OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Watch:
    """Looks again and again at every process of this machine and at the files of one host."""

    def __init__(self, far: FarSide) -> None:
        self._roots = (far.server.home / ".cache", far.local.home)
        self._package = far.server.home / ".cache/sshpyk"
        self._far = far
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch")
        self.processes: set[bytes] = set()
        self.open_files: set[bytes] = set()
        self.loose: set[str] = set()
        self.tokens: set[str] = set()
        self.names: set[str] = set()

    @contextmanager
    def watching(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.005):
            self._look_at_processes()
            for root in self._roots:
                for folder, _, names in os.walk(root):
                    for name in ("", *names):
                        self._look_at_file(Path(folder, name))

    def _look_at_processes(self) -> None:
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                for what in ("cmdline", "environ"):
                    self.processes.add(content(entry / what))

    def _look_at_file(self, path: Path) -> None:
        try:
            status = path.lstat()
        except FileNotFoundError:
            return
        if path.is_relative_to(self._package):
            self.names.add(path.name)
            allowed = 0o600 if stat.S_ISREG(status.st_mode) else 0o700
            if status.st_mode & 0o777 & ~allowed:
                self.loose.add(f"{path} {stat.filemode(status.st_mode)}")
            if path.name == "state.json":
                self.tokens.add(json.loads(content(path) or b"{}").get("token", ""))
        if stat.S_ISREG(status.st_mode) and status.st_mode & OTHERS:
            self.open_files.add(content(path))


def content(path: Path) -> bytes:
    """Read what is there; what has gone meanwhile, or is not ours, reads as empty."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""


def log_everything(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("traitlets", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")


@pytest.mark.parametrize("precmd", [None, "export KEPT=1"])
async def test_secrets_are_in_no_argument_no_environment_no_log_and_no_readable_file(
    make_far: MakeFarSide,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    precmd: str | None,
) -> None:
    log_everything(caplog, monkeypatch)
    far = make_far(loud=True)
    curve = {"supported_encryption": "curve"}
    remote_ipykernel(far.server.home, "encrypted", metadata=curve)
    declared = {"metadata": curve}
    far.install("far", "encrypted", kernel_json=declared, ssh_verbose="vvv", remote_precmd=precmd)
    # Younger than the oldest Jupyter client that this works with.
    encrypts = AsyncKernelManager.class_traits().get("transport_encryption") is not None
    options = {"transport_encryption": "required"} if encrypts else {}
    manager = AsyncKernelManager(kernel_name="far", **options)
    watch = Watch(far)
    with watch.watching():
        async with started(manager=manager) as (_, client):
            assert (await execute(client, "print(6 * 7)")).text == "42\n"
            secrets = {manager.session.key}
            secrets |= {manager.curve_secretkey} if encrypts else set()
            await manager.restart_kernel(now=True)
            await manager.shutdown_kernel()
    watch.tokens.discard("")
    assert len(watch.tokens) == 1
    secrets |= {token.encode() for token in watch.tokens}
    assert all(len(secret) >= 32 for secret in secrets)
    assert {"supervisors", "state.json", "connection.json", "socket"} <= watch.names
    assert any(name.endswith(".pyz") for name in watch.names)
    for seen in (b"ipykernel_launcher", b".pyz\0bridge\0", f"HOME={far.server.home}".encode()):
        assert any(seen in each for each in watch.processes)
    assert watch.loose == set()
    logged = "\n".join(f"{record.getMessage()} {record.exc_text}" for record in caplog.records)
    assert "ssh says" in logged or far.way.transport != "openssh"
    for where in (*watch.processes, *watch.open_files, logged.encode(), far.server.log().encode()):
        assert not [secret for secret in secrets if secret in where]
