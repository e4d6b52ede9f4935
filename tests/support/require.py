"""Skip a test where this machine lacks a program, or fail where nothing may be skipped."""

from __future__ import annotations

import glob
import importlib.util
import math
import os
import re
import shutil
import subprocess
import time
import uuid
from pathlib import Path
from typing import NoReturn

import pytest

from support.scripts import script

__all__ = [
    "missing",
    "require_modes_that_count",
    "require_module",
    "require_nss_wrapper",
    "require_other_host",
    "require_program",
    "require_restarted_host",
    "require_shell",
    "require_small_disk",
    "require_user_id",
]

SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
SHELL_PACKAGES = {
    "sh": "dash",
    "bash": "bash",
    "dash": "dash",
    "zsh": "zsh",
    "csh": "tcsh",
    "tcsh": "tcsh",
    "fish": "fish",
}


def missing(what: str, package: str, kind: str = "Debian") -> NoReturn:
    """Skip the test, or fail it under ``SSHPYK_REQUIRE_ALL=1``."""
    reason = f"{what} is not installed ({kind} package {package})"
    if os.environ.get("SSHPYK_REQUIRE_ALL") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def require_program(name: str, debian_package: str) -> str:
    """Return the absolute path of a program, also of one that only root has on PATH."""
    path = shutil.which(name) or shutil.which(name, path=SYSTEM_PATH)
    return path or missing(name, debian_package)


def require_module(name: str, package: str) -> None:
    """Make sure that this Python has a module, which a package of PyPI brings."""
    if importlib.util.find_spec(name) is None:
        missing(f"the module {name}", package, "PyPI")


def require_modes_that_count() -> list[str]:
    """Return the start of a command line to which the modes of files apply, also for root."""
    if os.getuid():
        return []
    program = require_program("setpriv", "util-linux")
    return [program, "--bounding-set", "-dac_override,-dac_read_search"]


def require_shell(name: str) -> str:
    """Return the absolute path of a login shell."""
    return require_program(name, SHELL_PACKAGES.get(name, name))


def require_nss_wrapper() -> str:
    """Return the absolute path of the library that lets a process see made-up users."""
    for folder in ("/usr/lib/*", "/usr/lib64", "/usr/lib", "/usr/local/lib"):
        for path in glob.glob(f"{folder}/libnss_wrapper.so"):
            return path
    return missing("libnss_wrapper", "libnss-wrapper")


def require_small_disk(directory: Path, *, size_kib: int) -> str:
    """Write a program for sshd's ForceCommand, which shows commands a small disk; return its path.

    The disk is ``directory/small``, in a mount namespace that each command has for itself.
    """
    small = directory / "small"
    small.mkdir()
    mount = f"mount -t tmpfs -o size={size_kib}k tmpfs {small}"
    return _in_namespace(directory / "with-small-disk", "-rm", before=f"{mount} && ")


def require_user_id(directory: Path, uid: int) -> str:
    """Write a program for sshd's ForceCommand, which gives commands a user id; return its path.

    Directories that are named after the user id are then the test's own, also those in /tmp.
    """
    return _in_namespace(directory / "with-user-id", f"-U --map-user={uid}")


def require_other_host(directory: Path, name: str) -> str:
    """Write a program for sshd's ForceCommand, which shows commands another host; return its path.

    Its name and its boot id differ, in namespaces that each command has for itself.
    """
    boot_id = directory / "boot_id"
    boot_id.write_text(f"{uuid.uuid4()}\n", encoding="ascii")
    mount = f"mount --bind {boot_id} /proc/sys/kernel/random/boot_id"
    return _in_namespace(directory / "on-other-host", "-rmu", f"hostname {name} && {mount} && ")


def require_restarted_host(directory: Path) -> str:
    """Write a program for sshd's ForceCommand, which shows commands this host after a restart now.

    Its boot id and the time of its boot differ, in namespaces that each command has for itself.
    """
    boot_id, stat = directory / "new_boot_id", directory / "new_stat"
    boot_id.write_text(f"{uuid.uuid4()}\n", encoding="ascii")
    known = re.sub(
        r"(?m)^btime \d+$", f"btime {math.ceil(time.time())}", Path("/proc/stat").read_text()
    )
    stat.write_text(known, encoding="ascii")
    mounts = f"mount --bind {boot_id} /proc/sys/kernel/random/boot_id && "
    mounts += f"mount --bind {stat} /proc/stat"
    return _in_namespace(directory / "on-restarted-host", "-rm", f"{mounts} && ")


def _in_namespace(program: Path, options: str, before: str = "") -> str:
    """Write a program that runs ``$SSH_ORIGINAL_COMMAND`` in namespaces; see unshare(1)."""
    body = before + 'exec sh -c "$SSH_ORIGINAL_COMMAND"'
    script(program, f"#!/bin/sh\nexec unshare {options} sh -c '{body}'\n")
    env = {**os.environ, "SSH_ORIGINAL_COMMAND": "true"}
    done = subprocess.run([program], env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        missing(f"a user namespace for everybody ({done.stderr.strip()})", "util-linux")
    return str(program)
