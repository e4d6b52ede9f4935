"""Where the remote package keeps what it writes on the host: private directories, small files."""

import json
import os
import shutil
import stat
from typing import Any, Dict, List, Mapping, Optional

SUPERVISORS = "supervisors"
"""Folder, inside the directory of the remote package, with a folder for each supervisor."""

SHARED = ("/tmp/", "/var/tmp/")  # noqa: S108
"""Where anybody may write."""

STATE_FILE = "state.json"
SOCKET = "socket"
CONNECTION_FILE = "connection.json"


class DirectoryError(Exception):
    """No directory could be made; the message says which were tried and why not."""


def candidates(wanted: Optional[str], env: Mapping[str, str]) -> List[str]:
    """Give the directories to try for the remote package's files, best first.

    Args:
        wanted: what the kernel spec asks for, absolute or from ``~/``.
        env: the environment of the login.
    """
    home = env.get("HOME", "")
    paths = [os.path.join(home, ".cache/sshpyk")] if os.path.isabs(home) else []
    # In a directory open to all, private_directory() makes sure that ours is really ours.
    paths += ["%s/sshpyk-%d" % (root, os.getuid()) for root in ("/var/tmp", "/tmp")]  # noqa: S108
    if wanted:
        if wanted.startswith("~/"):
            wanted = os.path.join(home, wanted[2:])
        paths.insert(0, wanted)
    return paths


def private_directory(path: str) -> None:
    """Make sure that a directory exists, is ours and closed to others.

    Raises:
        OSError: it cannot be made, or it belongs to somebody else.
    """
    os.makedirs(path, mode=0o700, exist_ok=True)
    if path.startswith(SHARED) and os.path.islink(path):
        # Where anybody may write, a link could lead into another directory of ours.
        raise OSError("%s is a link" % path)
    status = os.stat(path)
    if status.st_uid != os.getuid():
        raise OSError("%s belongs to another user" % path)
    if stat.S_IMODE(status.st_mode) & 0o077:
        os.chmod(path, 0o700)


def supervisor_directory(wanted: Optional[str], env: Mapping[str, str], name: str) -> str:
    """Make the directory of a new supervisor where it can really be written to.

    Raises:
        DirectoryError: none of the candidates will do, or the name will not.
    """
    if name in ("", ".", "..") or "/" in name or not name.isprintable():
        # It would lead elsewhere, and what is there would go with the supervisor.
        raise DirectoryError("%.40r is no name for a directory" % name)
    refusals = []
    for base in candidates(wanted, env):
        path = os.path.join(base, SUPERVISORS, name)
        try:
            private_directory(base)
            private_directory(os.path.join(base, SUPERVISORS))
            private_directory(path)
            # A full disk shows only when something is written.
            write_private(os.path.join(path, STATE_FILE), b"{}" + b" " * 8192)
        except OSError as error:
            refusals.append("%s (%s)" % (base, error.strerror or error))
            shutil.rmtree(path, ignore_errors=True)
            continue
        return path
    raise DirectoryError("no directory can be written: " + ", ".join(refusals))


def write_private(path: str, content: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    partial = "%s.%d" % (path, os.getpid())
    fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(content)
        os.rename(partial, path)
    except OSError:
        os.unlink(partial)
        raise


def write_json(path: str, value: Dict[str, Any]) -> None:
    """Write a JSON object to a private file."""
    write_private(path, json.dumps(value, indent=2).encode("utf-8"))


def boot_id() -> str:
    """Give what changes when the host boots, "" where the system does not tell."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""
