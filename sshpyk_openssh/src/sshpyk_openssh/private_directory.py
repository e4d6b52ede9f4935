"""A directory of mode 0700 for sockets, with a path that is short enough for them."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sshpyk_core.errors import ConnectError

__all__ = ["candidates", "make"]

# ssh binds a socket under a name that is 17 characters longer and then renames it; macOS allows
# 104 bytes for a socket's path, with its closing NUL.
_SOCKET_PATH_BYTES = 104 - 1 - 17


def make() -> Path:
    """Make one where ssh can put its control socket: the path is free of ssh's tokens.

    Raises:
        ConnectError: there is no place for it.
    """
    for directory in candidates():
        return directory
    raise ConnectError(
        "localhost",
        "make a private directory for a socket",
        "neither XDG_RUNTIME_DIR nor TMPDIR nor /tmp can be written and has a short enough path",
        "Set XDG_RUNTIME_DIR to a directory of yours.",
    )


def candidates() -> Iterator[Path]:
    """Make one in each possible place; it is the caller's to remove those that do not serve."""
    for base in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):  # noqa: S108
        if not base or not re.fullmatch(r"/[\w./+-]*", base, re.ASCII):
            continue
        if len(base) + len("/sshpyk-12345678/1234") > _SOCKET_PATH_BYTES:
            continue
        with contextlib.suppress(OSError):
            yield Path(tempfile.mkdtemp(prefix="sshpyk-", dir=base))
