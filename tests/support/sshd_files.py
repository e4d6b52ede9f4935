"""What one sshd of the tests reads: its configuration and the user that it shall see."""

from __future__ import annotations

import functools
import grp
import os
import pwd
import random
import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["SYSTEM_PATH", "USER", "free_port", "path_with_python", "write_config", "write_users"]

USER = "jupyter"
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
# Below the ports that the system gives to outgoing connections, so that a stopped server finds
# its port free when it starts again.
PORTS = range(20000, 32000)


def write_users(directory: Path, home: Path, shell: str) -> None:
    """Write passwd and group files with one user, who has our own user id.

    As root sshd also wants its own user and an empty directory to lock itself into (sshd(8)).
    """
    uid, gid = os.getuid(), os.getgid()
    users = [f"{USER}:x:{uid}:{gid}::{home}:{shell}"]
    if uid == 0:
        nobody = pwd.getpwnam("nobody")
        users.append(f"sshd:x:{nobody.pw_uid}:{nobody.pw_gid}::/run/sshd:/usr/sbin/nologin")
        Path("/run/sshd").mkdir(mode=0o755, parents=True, exist_ok=True)
    groups = [f"{group.gr_name}:x:{group.gr_gid}:" for group in grp.getgrall()]
    (directory / "passwd").write_text("\n".join(users) + "\n", encoding="utf-8")
    (directory / "group").write_text("\n".join(groups) + "\n", encoding="utf-8")


def write_config(directory: Path, sshd: str, port: int, path: str, extra: Sequence[str]) -> Path:
    """Write sshd_config(5); the extra lines come first, because the first of a kind wins."""
    lines = [
        *extra,
        "ListenAddress 127.0.0.1",
        f"Port {port}",
        f"HostKey {directory}/host_key",
        f"AuthorizedKeysFile {directory}/authorized_keys",
        f'SetEnv "PATH={path}"',
        "AuthenticationMethods publickey",
        "PermitRootLogin yes",
        "LogLevel VERBOSE",
        "PidFile none",
        "StrictModes no",
        "Subsystem sftp internal-sftp",
        "UsePAM no",
    ]
    if _knows(sshd, b"PerSourcePenalties"):
        lines.append("PerSourcePenalties no")
    file = directory / "sshd_config"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def path_with_python() -> str:
    """Give a plain PATH on which ``python3`` is found."""
    if shutil.which("python3", path=SYSTEM_PATH):
        return SYSTEM_PATH
    return f"{SYSTEM_PATH}:{os.path.dirname(sys.executable)}"


def free_port() -> int:
    """Give a port of 127.0.0.1 that nobody has at this moment."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@functools.cache
def _knows(sshd: str, option: bytes) -> bool:
    """Say whether this version of sshd has an option; an unknown one would stop it."""
    return option.lower() in Path(sshd).read_bytes().lower()
