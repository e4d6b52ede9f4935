"""A user who has nothing: no files, no agent, no display; for the time of one test."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["isolated"]

_UNSET = (
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "KRB5CCNAME",
    "SSH_AGENT_PID",
    "SSH_ASKPASS",
    "SSH_ASKPASS_REQUIRE",
    "SSH_AUTH_SOCK",
    "WAYLAND_DISPLAY",
)


@contextmanager
def isolated() -> Iterator[Path]:
    """Point every variable that names a directory of the user at a fresh one.

    Returns:
        The home directory; all the others are below it. The path is short, so that sockets fit.
    """
    short = "/tmp" if sys.platform != "win32" else None  # noqa: S108 - mkdtemp makes it private
    home = Path(tempfile.mkdtemp(prefix="sc-", dir=short))
    folders = {
        "HOME": home,
        "USERPROFILE": home,
        "TMPDIR": home / "tmp",
        "TEMP": home / "tmp",
        "TMP": home / "tmp",
        "XDG_CACHE_HOME": home / ".cache",
        "XDG_CONFIG_HOME": home / ".config",
        "XDG_DATA_HOME": home / ".local/share",
        "XDG_RUNTIME_DIR": home / "run",
        "XDG_STATE_HOME": home / ".local/state",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, folder in folders.items():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            patch.setenv(name, os.fspath(folder))
        for name in _UNSET:
            patch.delenv(name, raising=False)
        patch.setattr(tempfile, "tempdir", os.fspath(home / "tmp"))
        try:
            yield home
        finally:
            shutil.rmtree(home, ignore_errors=True)
