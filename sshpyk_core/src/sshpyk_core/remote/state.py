"""Where the remote package keeps what it writes on the host: private directories, small files."""

import binascii
import json
import os
import re
import stat
from typing import Any, Dict, List, Mapping, Optional

SUPERVISORS = "supervisors"
"""Folder, inside the directory of the remote package, with a folder for each supervisor."""

SHARED = ("/tmp/", "/var/tmp/")  # noqa: S108
"""Where anybody may write."""

NAME = re.compile(r"[0-9a-f]{32}\Z")
"""The names of supervisors, so that nothing else is ever taken for one."""

UNBORN = re.compile(r"[0-9a-f]{32}\.new-[0-9]+\Z")
"""The names of their directories while they are being made."""

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
    if is_planted_link(path):
        raise OSError("%s is a link" % path)
    status = os.stat(path)
    if status.st_uid != os.getuid():
        raise OSError("%s belongs to another user" % path)
    if stat.S_IMODE(status.st_mode) & 0o077:
        os.chmod(path, 0o700)


def is_planted_link(path: str) -> bool:
    """Say whether it is a link where anybody may write: it could lead into a directory of ours."""
    return path.startswith(SHARED) and os.path.islink(path)


def is_ours(path: str) -> bool:
    """Say whether it is a directory of ours, and no link to one."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()


def is_supervisors(directory: str) -> bool:
    """Say whether it is a supervisor's directory, or was to become one, and ours."""
    folder, name = os.path.split(directory)
    named = os.path.basename(folder) == SUPERVISORS and (NAME.match(name) or UNBORN.match(name))
    return bool(named) and is_ours(folder) and is_ours(directory)


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


def read_json(path: str) -> Dict[str, Any]:
    """Read a JSON object from a file; empty where there is none."""
    try:
        with open(path, "rb") as file:
            value = json.loads(file.read().decode("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def boot_id() -> str:
    """Give what changes when the host boots, "" where the system does not tell."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


def machine_id() -> str:
    """Give what tells machines of one name apart, "" where the system does not tell.

    Not the id itself, as machine-id(5) asks for; and no hash that would load a library.
    """
    try:
        with open("/etc/machine-id", "rb") as file:
            return "%08x" % binascii.crc32(b"sshpyk " + file.read().strip())
    except OSError:
        return ""


def boot_time() -> float:
    """Give the seconds since the epoch at which the host booted, 0 where the system does not tell.

    From proc_stat(5).
    """
    try:
        with open("/proc/stat") as file:
            return float(next(line for line in file if line.startswith("btime ")).split()[1])
    except (OSError, StopIteration):
        return 0.0
