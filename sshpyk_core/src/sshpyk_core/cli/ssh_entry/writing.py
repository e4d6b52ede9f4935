"""An ssh config file replaced at once, with a copy kept of what was there."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from pathlib import Path

from sshpyk_core.cli.file_copy import keep_copy
from sshpyk_core.cli.ssh_entry.errors import SshConfigError
from sshpyk_core.cli.ssh_entry.proposal import Proposal

__all__ = ["check_writable", "write"]

_PRIVATE = 0o600


def check_writable(file: Path) -> None:
    """Refuse a file that is not the user's to write.

    Raises:
        SshConfigError: it is read-only, or another user's.
    """
    target = _behind_links(file)
    try:
        if not target.exists():
            return
        found = target.stat()
    except OSError as error:
        raise SshConfigError(f"{file} cannot be read: {error.strerror or error}") from error
    if sys.platform != "win32" and found.st_uid != os.geteuid():
        raise SshConfigError(f"{target} belongs to another user: it is left alone.")
    if not found.st_mode & stat.S_IWUSR or not os.access(target, os.W_OK):
        raise SshConfigError(f"{target} is read-only: it is left alone.")


def write(proposal: Proposal) -> Path | None:
    """Replace the file with what is proposed; one behind symbolic links is replaced there.

    Returns:
        The copy of what was there; None when there was nothing.

    Raises:
        SshConfigError: it cannot be written, or has changed meanwhile.
    """
    check_writable(proposal.file)
    target = _behind_links(proposal.file)
    copy = None
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, partial = tempfile.mkstemp(prefix=".config.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as new:
                new.write(proposal.new_content)
            if proposal.content is not None:
                _take_after(Path(partial), target)
                # A folder that is included as a whole must not include the copy.
                copy = keep_copy(target, hidden=target.name != "config", mode=_PRIVATE)
            _check_unchanged(target, proposal)
            os.replace(partial, target)
        except BaseException:
            for left in filter(None, (Path(partial), copy)):
                with contextlib.suppress(OSError):
                    left.unlink()
            raise
    except OSError as error:
        said = error.strerror or error
        raise SshConfigError(f"Could not write {target}: {said}. Nothing has changed.") from error
    return copy


def _behind_links(file: Path) -> Path:
    try:
        target = file.resolve()
    except (OSError, RuntimeError) as error:  # what links in a circle are depends on the Python
        raise SshConfigError(f"{file} cannot be followed: {error}") from error
    if target.is_symlink():
        raise SshConfigError(f"{file} cannot be followed: its links lead nowhere.")
    return target


def _take_after(partial: Path, target: Path) -> None:
    """Give the new file the mode and the group of the old one; the owner is the same."""
    found = target.stat()
    if sys.platform != "win32":
        with contextlib.suppress(PermissionError):
            os.chown(partial, -1, found.st_gid)
    partial.chmod(stat.S_IMODE(found.st_mode))


def _check_unchanged(target: Path, proposal: Proposal) -> None:
    now = target.read_bytes() if target.exists() else None
    if now != proposal.content:
        raise SshConfigError(f"{target} has changed meanwhile: try again.")
