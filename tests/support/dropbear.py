"""A real Dropbear server for tests: another author's SSH, with its own port, keys and home.

The user is made up as for sshd: see :mod:`support.sshd`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from support import processes, sshd_files
from support.client import make_key
from support.logged import LoggedProcess
from support.processes import Process
from support.require import require_nss_wrapper, require_program, require_shell

__all__ = ["DropbearServer"]

PACKAGE = "dropbear-bin"


class DropbearServer:
    """One dropbear in the foreground, whose user has bash as the login shell.

    Attributes:
        home: the user's home directory, this server's own.
        host_key: the public host key.
        port: the TCP port; 0 until it is started.
        python: a command of a Python, which is found whatever PATH dropbear gives commands.
        user: whom to log in as.
        user_key: the private key that it lets in.
    """

    def __init__(self) -> None:
        self._dropbear = require_program("dropbear", PACKAGE)
        self._nss_wrapper = require_nss_wrapper()
        self.directory = Path(tempfile.mkdtemp(prefix="sd-", dir="/tmp"))
        self.home = self.directory / "home"
        self.home.mkdir(mode=0o700)
        self.port = 0
        self.user = sshd_files.USER
        self.python = shutil.which("python3", path="/usr/bin:/bin") or sys.executable
        self.user_key = self.directory / "user_key"
        self.host_key = _make_host_key(self.directory / "host_key")
        self._daemon: LoggedProcess | None = None
        sshd_files.write_users(self.directory, self.home, require_shell("bash"))
        keys = self.home / ".ssh"
        keys.mkdir(mode=0o700)
        (keys / "authorized_keys").write_text(make_key(self.user_key), encoding="ascii")
        (keys / "authorized_keys").chmod(0o600)

    def start(self) -> None:
        """Start it; return when it listens."""
        while not self._start_on(port := sshd_files.free_port()):
            pass
        self.port = port

    def close(self, timeout: float = 5) -> list[Process]:
        """Stop, and remove everything; return what had not ended ``timeout`` seconds later."""
        if self._daemon is not None:
            connections = processes.children_of(self._daemon.pid)
            self._daemon.terminate()
            processes.kill(lambda: [one for one in connections if processes.is_alive(one)])
            self._daemon.close()
        left = processes.wait_gone(self.processes, timeout)
        processes.kill(self.processes)
        shutil.rmtree(self.directory, ignore_errors=True)
        return left

    def processes(self) -> list[Process]:
        """Find every process on this machine that has this server's home."""
        return processes.with_home(self.home)

    def _start_on(self, port: int) -> bool:
        command = [self._dropbear, "-F", "-E", "-s", "-p", f"127.0.0.1:{port}"]
        command += ["-r", f"{self.directory}/host_key", "-P", f"{self.directory}/pid"]
        environment = {
            "PATH": sshd_files.SYSTEM_PATH,
            "LD_PRELOAD": self._nss_wrapper,
            "NSS_WRAPPER_PASSWD": str(self.directory / "passwd"),
            "NSS_WRAPPER_GROUP": str(self.directory / "group"),
        }
        self._daemon = LoggedProcess(command, environment)
        if self._daemon.wait_for("Not backgrounding", timeout=20):
            return True
        log = self._daemon.log()
        self._daemon.terminate()
        self._daemon.close()
        if "in use" not in log:
            raise RuntimeError(f"dropbear did not start:\n{log}")
        return False


def _make_host_key(path: Path) -> str:
    dropbearkey = require_program("dropbearkey", PACKAGE)
    command = [dropbearkey, "-t", "ed25519", "-f", os.fspath(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    (public,) = (line for line in done.stdout.splitlines() if line.startswith("ssh-ed25519 "))
    return public
