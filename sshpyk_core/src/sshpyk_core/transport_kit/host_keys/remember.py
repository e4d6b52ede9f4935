"""Add a host's key to a known hosts file, whoever else does so at the same time."""

from __future__ import annotations

import errno
import os
import re
import sys

from sshpyk_core.transport_kit.host_keys.host_key import HostKey
from sshpyk_core.transport_kit.host_keys.known_hosts import hash_name

if sys.platform == "win32":
    from sshpyk_core.transport_kit.host_keys.windows_lock import locked
else:
    from sshpyk_core.transport_kit.host_keys.posix_lock import locked

__all__ = ["remember"]

# As ssh does: nothing is written that a reader could take for a pattern, a marker or a second name.
_NAME = r"[^\s\0@?*#\[\]|'\"\\,!]+"


def remember(path: str, name: str, key: HostKey, *, hashed: bool) -> None:
    """Append one line to a known hosts file, as one write.

    Args:
        path: the file; it is made when missing (mode 0600), like its directory (0700).
        name: the host's name, or ``[name]:port``.
        key: its key.
        hashed: hide the name, as HashKnownHosts of ssh_config(5) wants it.

    Raises:
        ValueError: the name is not one that a line can hold.
        OSError: the file cannot be written.
    """
    if not re.fullmatch(rf"{_NAME}|\[{_NAME}\]:\d+", name):
        raise ValueError(f"{name!r} is not a name that a known hosts file can hold")
    shown = hash_name(name, os.urandom(20)) if hashed else name.lower()
    line = f"{shown} {key.algorithm} {key.base64}\n".encode("utf-8", "surrogateescape")
    if directory := os.path.dirname(path):
        os.makedirs(directory, mode=0o700, exist_ok=True)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
    file = os.open(path, flags, 0o600)
    try:
        with locked(file):
            # Whoever wrote last may have left out the end of the line.
            line = line if _at_line_start(file) else b"\n" + line
            if os.write(file, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
    finally:
        os.close(file)


def _at_line_start(file: int) -> bool:
    if os.lseek(file, 0, os.SEEK_END) == 0:
        return True
    os.lseek(file, -1, os.SEEK_END)
    return os.read(file, 1) == b"\n"
