"""The near side of a test: a home and Jupyter directories of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["LocalSide", "isolated"]

UNSET = (
    "JUPYTER_CONFIG_PATH",
    "JUPYTER_PATH",
    "JPY_PARENT_PID",
    "JPY_SESSION_NAME",
    "SSH_AGENT_PID",
    "SSH_ASKPASS",
    "SSH_ASKPASS_REQUIRE",
    "SSH_AUTH_SOCK",
    "DISPLAY",
    "WAYLAND_DISPLAY",
)


@dataclass(frozen=True)
class LocalSide:
    """Where a test's own files are; the path is short, so that sockets fit below it.

    Attributes:
        home: HOME.
        data_dir: JUPYTER_DATA_DIR; kernel specs lie in its ``kernels``.
        config_dir: JUPYTER_CONFIG_DIR.
        runtime_dir: JUPYTER_RUNTIME_DIR; connection files lie there.
    """

    home: Path
    data_dir: Path
    config_dir: Path
    runtime_dir: Path


@contextmanager
def isolated(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalSide]:
    """Point every variable that names a directory of the user at a fresh one, and back.

    Nobody is asked for anything, and the user's keyring is not read.
    """
    base = Path(tempfile.mkdtemp(prefix="sl-", dir="/tmp"))
    folders = {
        "HOME": base,
        "IPYTHONDIR": base / "ipython",
        "JUPYTER_CONFIG_DIR": base / "config",
        "JUPYTER_DATA_DIR": base / "data",
        "JUPYTER_RUNTIME_DIR": base / "run",
        "XDG_CACHE_HOME": base / ".cache",
        "XDG_CONFIG_HOME": base / ".config",
        "XDG_DATA_HOME": base / ".local/share",
        "XDG_RUNTIME_DIR": base / "xdg",
        "XDG_STATE_HOME": base / ".local/state",
    }
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("SSHPYK_ASK", "never")
    for name, folder in folders.items():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        monkeypatch.setenv(name, str(folder))
    for name in UNSET:
        monkeypatch.delenv(name, raising=False)
    try:
        yield LocalSide(base, base / "data", base / "config", base / "run")
    finally:
        shutil.rmtree(base, ignore_errors=True)
