"""A directory of mode 0700 for sockets, with a path that is short enough for them."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sshpyk_core.errors import ConnectError

__all__ = ["PREFIX", "candidates", "is_private", "make"]

PREFIX = "sshpyk-"
"""How their names begin."""

# ssh binds a socket under a name that is 17 characters longer and then renames it; macOS allows
# 104 bytes for a socket's path, with its closing NUL.
_SOCKET_PATH_BYTES = 104 - 1 - 17


def make(first: Path | None = None) -> Path:
    """Make one where ssh can put its control socket: the path is free of ssh's tokens.

    Args:
        first: where to make it if that serves.

    Raises:
        ConnectError: there is no place for it.
    """
    for directory in candidates(first):
        if first is None or _takes_sockets(directory):
            return directory
        directory.rmdir()
    raise ConnectError(
        "localhost",
        "make a private directory for a socket",
        "neither XDG_RUNTIME_DIR nor TMPDIR nor /tmp can be written and has a short enough path",
        "Set XDG_RUNTIME_DIR to a directory of yours.",
    )


def candidates(first: Path | None = None) -> Iterator[Path]:
    """Make one in each possible place; it is the caller's to remove those that do not serve.

    Args:
        first: a place before the usual ones.
    """
    usual = (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp")  # noqa: S108
    for base in (str(first) if first else None, *usual):
        if not base or not re.fullmatch(r"/[\w./+-]*", base, re.ASCII):
            continue
        if len(base) + len("/sshpyk-12345678/1234") > _SOCKET_PATH_BYTES:
            continue
        with contextlib.suppress(OSError):
            yield Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))


def is_private(directory: Path) -> bool:
    """Say whether a directory is this user's, and nobody else may enter it."""
    if sys.platform == "win32":
        return False
    try:
        found = directory.lstat()
    except OSError:
        return False
    private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
    return private and found.st_uid == os.geteuid()


def _takes_sockets(directory: Path) -> bool:
    """Try what ssh does there: not every file system of a home has sockets and links to them."""
    if sys.platform == "win32":
        return False
    bound, linked = directory / "try", directory / "tried"
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(bound))
            os.link(bound, linked)
    except OSError:
        return False
    finally:
        bound.unlink(missing_ok=True)
        linked.unlink(missing_ok=True)
    return True
