"""A real OpenSSH server for tests: its own port, keys, configuration, user and home directory.

The user is made up: nss_wrapper (nss_wrapper(1)) shows sshd a passwd file in which our own user id
has another name, any login shell and a home in a temporary directory. So it works whether tests run
as root or not, and nothing of the real user is read or written.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from support import processes, sshd_files
from support.client import ClientSide, make_key, run_ssh
from support.logged import LoggedProcess
from support.processes import Process
from support.require import require_nss_wrapper, require_program, require_shell

__all__ = ["SSHServer"]


class SSHServer:
    """One sshd in the foreground, for one test or for many.

    Args:
        shell: the user's login shell, by name.
        sshd_config: lines for sshd_config(5); they win over the ones that are always there.
        ssh_config: lines for the alias' entry in the client's config; they win likewise.
        rc: files to write into the user's home, by their path relative to it.
        path: PATH of remote commands; the default has a ``python3``.
        loud: log as much as sshd can.

    Attributes:
        alias: the host's name in ``ssh_config``.
        client: the files that a client reads, with ways to spoil them.
        home: the user's home directory, this server's own.
        port: the TCP port; 0 until the first start, then the same at every start.
        shell: the user's login shell, by absolute path.
    """

    def __init__(
        self,
        *,
        shell: str = "bash",
        sshd_config: Sequence[str] = (),
        ssh_config: Sequence[str] = (),
        rc: Mapping[str, str] | None = None,
        path: str | None = None,
        loud: bool = False,
    ) -> None:
        self._sshd = require_program("sshd", "openssh-server")
        self._nss_wrapper = require_nss_wrapper()
        self.shell = require_shell(shell)
        self.directory = Path(tempfile.mkdtemp(prefix="sp-", dir="/tmp"))
        self.home = self.directory / "home"
        self.home.mkdir()
        for name, text in (rc or {}).items():
            file = self.home / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        self.alias = "remote"
        self.port = 0
        self.client = ClientSide(self.directory, self.alias, sshd_files.USER, tuple(ssh_config))
        self._host_key = make_key(self.directory / "host_key")
        self._extra = ("LogLevel DEBUG3",) * loud + tuple(sshd_config)
        self._path = path or sshd_files.path_with_python()
        self._daemon: LoggedProcess | None = None
        self._old_log = ""
        sshd_files.write_users(self.directory, self.home, self.shell)
        self.authorize(self.client.public_key)

    @property
    def ssh_config(self) -> Path:
        """The client's config file, for ``ssh -F``."""
        return self.client.ssh_config

    def authorize(self, *public_keys: str) -> None:
        """Let in exactly these keys."""
        text = "".join(key.strip() + "\n" for key in public_keys)
        (self.directory / "authorized_keys").write_text(text, encoding="ascii")

    def start(self) -> None:
        """Start sshd; return when it listens. Harmless when it runs already."""
        if self._daemon is not None:
            return
        if self.port:
            if not self._start_on(self.port):
                raise RuntimeError(f"sshd did not start again:\n{self._old_log}")
            return
        while not self._start_on(port := sshd_files.free_port()):
            if "Address already in use" not in self._old_log:
                raise RuntimeError(f"sshd did not start:\n{self._old_log}")
        self.port = port
        self.client.point_to(port, self._host_key)

    def reach_through(self, port: int) -> None:
        """Have clients connect to another port of this machine, such as a relay's."""
        self.client.point_to(port, self._host_key)

    def stop(self) -> None:
        """Stop sshd and cut its connections, as a host that goes down would; may be started again.

        Only sshd ends: what users run reads end of file, and detached processes live on.
        """
        if self._daemon is None:
            return
        connections = self.connections()
        self._daemon.terminate()
        processes.kill(lambda: [p for p in connections if processes.is_alive(p)])
        self._daemon.close()
        self._old_log += self._daemon.log()
        self._daemon = None

    def close(self, timeout: float = 5) -> list[Process]:
        """Stop, and remove everything; return what had not ended ``timeout`` seconds later.

        That is killed: no process with this server's home outlives this call.
        """
        self.stop()
        left = processes.wait_gone(self.processes, timeout)
        self.kill_processes()
        shutil.rmtree(self.directory, ignore_errors=True)
        return left

    def cut(self) -> None:
        """Kill the sshd processes of all live connections; new connections are let in."""
        processes.kill(self.connections)

    def processes(self) -> list[Process]:
        """Find every process on this machine that has this server's home."""
        return processes.with_home(self.home)

    def detached(self) -> list[Process]:
        """Find the processes with this server's home that belong to no live connection."""
        attached = processes.children_of(self._daemon.pid) if self._daemon else []
        return [process for process in self.processes() if process not in attached]

    def connections(self) -> list[Process]:
        """Find the sshd processes of live connections, and nothing that users run."""
        if self._daemon is None:
            return []
        found = processes.children_of(self._daemon.pid)
        return [process for process in found if processes.program(process).startswith("sshd")]

    def kill_processes(self) -> None:
        """Kill every process that has this server's home, detached ones too."""
        processes.kill(self.processes)

    def log(self) -> str:
        """All that sshd has logged so far, over all starts."""
        return self._old_log + (self._daemon.log() if self._daemon else "")

    def logins(self) -> int:
        """Count the logins that the server has let in."""
        return self.log().count("Accepted publickey")

    def sessions(self) -> int:
        """Count the sessions that the server has opened."""
        return self.log().count("Starting session")

    def wait_for_log(self, text: str, timeout: float = 10) -> None:
        """Wait until sshd has logged this text since its last start."""
        if self._daemon is None or not self._daemon.wait_for(text, timeout):
            raise TimeoutError(f"sshd did not log {text!r}:\n{self.log()}")

    def run(
        self, command: str, *options: str, stdin: bytes = b"", timeout: float = 30
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command on this server with the system's ssh client."""
        return run_ssh(self.ssh_config, self.alias, command, *options, stdin=stdin, timeout=timeout)

    def _start_on(self, port: int) -> bool:
        """Start sshd on a port; False, with the reason in the log, when it would not."""
        config = sshd_files.write_config(self.directory, self._sshd, port, self._path, self._extra)
        environment = {
            "PATH": sshd_files.SYSTEM_PATH,
            "LD_PRELOAD": self._nss_wrapper,
            "NSS_WRAPPER_PASSWD": str(self.directory / "passwd"),
            "NSS_WRAPPER_GROUP": str(self.directory / "group"),
        }
        self._daemon = LoggedProcess([self._sshd, "-D", "-e", "-f", str(config)], environment)
        if self._daemon.wait_for("Server listening on", timeout=20):
            return True
        self.stop()
        return False
