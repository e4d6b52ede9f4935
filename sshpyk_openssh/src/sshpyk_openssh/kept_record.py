"""Where a control master that outlives its program is found again: one small file for each target.

It lies in a directory of the user's home that only the user may enter, because a program that looks
for it may have another environment than the one that left it: a Jupyter server, say.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import secrets
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from sshpyk_core.ssh_config import program

from sshpyk_openssh.command import SshCommand
from sshpyk_openssh.private_directory import is_private

__all__ = ["Record", "folder", "record_path"]

_MOST_BYTES = 4096


@dataclass(frozen=True)
class Record:
    """A control master that is kept.

    Attributes:
        socket: its control socket, in a private directory of its own.
        pid: its process.
        started: when that process started, as the system tells it; empty when it does not.
        since: when it had logged in, in seconds since the epoch.
    """

    socket: str
    pid: int
    started: str
    since: float

    @classmethod
    def read(cls, path: Path) -> Record | None:
        """Read a file; None when there is none of this user's, or it holds something else."""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            with path.open("rb") as file:
                if sys.platform == "win32" or os.fstat(file.fileno()).st_uid != os.geteuid():
                    return None
                told = json.loads(file.read(_MOST_BYTES))
            socket, started = str(told["socket"]), str(told["started"])
            return cls(socket, int(told["pid"]), started, float(told["since"]))
        return None

    def write(self, path: Path, *, replace: bool) -> bool:
        """Write the file, whole or not at all.

        Args:
            path: where.
            replace: whether to take the place of another.

        Returns:
            Whether it is there now: False when another is, which stays.

        Raises:
            OSError: it cannot be written.
        """
        beside = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
        try:
            beside.touch(mode=0o600)
            beside.write_text(json.dumps(asdict(self)), encoding="utf-8")
            if replace:
                os.replace(beside, path)
            else:
                os.link(beside, path)
        except FileExistsError:
            return False
        finally:
            beside.unlink(missing_ok=True)
        return True


def folder(*, make: bool = False) -> Path | None:
    """Return where the files are; None when there is no such directory that is private.

    Args:
        make: whether to make it.
    """
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = Path(base, "sshpyk", "logins")
    try:
        if make:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return path if path.is_absolute() and is_private(path) else None


def record_path(command: SshCommand, place: Path) -> Path:
    """Return the file for a target: another one for whatever makes another connection.

    The machine counts too, as homes are shared.

    Args:
        command: for whom.
        place: from :func:`folder`.
    """
    settings = command.settings
    ssh, *config = program(command.target)
    makes = [
        *(platform.node(), ssh, *(os.path.realpath(word) for word in config[1:])),
        *(command.target.alias, settings.user, settings.hostname, str(settings.port)),
        *(settings.host_key_alias, settings.proxy_jump, settings.proxy_command),
        *command.options.arguments,
    ]
    digest = hashlib.sha256(json.dumps(makes).encode()).hexdigest()
    return place / f"{digest[:24]}.json"
