"""The embedded server as a host of its own: in another process, as a real server would be.

Run as a program it is that process: it reads a command a line from standard input and answers each
with a line of JSON; it ends, with the server, at end of file.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sshpyk_core.testing.client_files import ClientFiles
from sshpyk_core.testing.embedded_server import EmbeddedServer

from support import processes, sshd_files
from support.client import make_key, run_ssh
from support.processes import Process
from support.require import require_shell

__all__ = ["EmbeddedHost"]

STOP_SECONDS = 30


class EmbeddedHost:
    """An embedded server in a process of its own, for one test or for many.

    Args:
        shell: the user's login shell, by name.
        ssh_config: lines for the alias' entry in the client's config.
        rc: files to write into the user's home, by their path relative to it.
        path: PATH of remote commands; the default has a ``python3``.
        loud: makes no difference, as it writes no log.
        max_sessions: how many sessions one connection may hold open.

    Attributes:
        alias: the host's name in ``ssh_config``.
        client: the files that a client reads, with ways to spoil them.
        home: the user's home directory, this server's own.
        port: the TCP port, the same at every start.
        shell: the user's login shell, by absolute path.
    """

    alias = "remote"

    def __init__(
        self,
        *,
        shell: str = "sh",
        ssh_config: Sequence[str] = (),
        rc: Mapping[str, str] | None = None,
        path: str | None = None,
        max_sessions: int = 10,
        loud: bool = False,
    ) -> None:
        self.shell = require_shell(shell)
        self._directory = Path(tempfile.mkdtemp(prefix="se-", dir="/tmp"))
        self.home = self._directory / "home"
        self.home.mkdir()
        for name, text in (rc or {}).items():
            file = self.home / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        env = {"PATH": path or sshd_files.path_with_python()}
        settings = {"shell": self.shell, "env": env, "max_sessions": max_sessions}
        self._server = subprocess.Popen(
            [sys.executable, "-m", __name__, str(self.home), json.dumps(settings)],
            env={**os.environ, "PYTHONPATH": os.fspath(Path(__file__).parents[1])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        facts = self._ask("start")
        self.port: int = facts["port"]
        self.client = ClientFiles(
            self._directory, self.alias, sshd_files.USER, ssh_config, make_key
        )
        shutil.copy(facts["user_key"], self.client.key)
        known_host = Path(facts["known_hosts"]).read_text(encoding="ascii")
        self.client.point_to(self.port, known_host.partition(" ")[2])

    @property
    def ssh_config(self) -> Path:
        """The client's config file, for ``ssh -F``."""
        return self.client.ssh_config

    def start(self) -> None:
        """Listen again after a stop."""
        self._ask("start")

    def stop(self) -> None:
        """Stop listening and cut every connection; detached processes live on."""
        self._ask("stop")

    def cut(self) -> None:
        """Drop every live connection; new ones are let in."""
        self._ask("cut")

    def close(self, timeout: float = 5) -> list[Process]:
        """Stop, and remove everything; return what had not ended ``timeout`` seconds later."""
        try:
            self._server.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._server.send_signal(signal.SIGABRT)  # it says where it stands, and ends
            self._server.communicate()
            self.kill_processes()
            raise
        left = processes.wait_gone(self.processes, timeout)
        self.kill_processes()
        shutil.rmtree(self._directory, ignore_errors=True)
        return left

    def processes(self) -> list[Process]:
        """Find every process on this machine that has this server's home."""
        return processes.with_home(self.home)

    def detached(self) -> list[Process]:
        """Find the processes with this server's home that belong to no live connection."""
        attached = processes.children_of(self._server.pid)
        return [process for process in self.processes() if process not in attached]

    def kill_processes(self) -> None:
        """Kill every process that has this server's home, detached ones too."""
        processes.kill(self.processes)

    def logins(self) -> int:
        """Count the logins that the server has let in."""
        return int(self._ask("count")["logins"])

    def sessions(self) -> int:
        """Count the sessions that the server has opened."""
        return int(self._ask("count")["sessions"])

    def log(self) -> str:
        """Nothing: this server writes no log."""
        return ""

    def run(self, command: str) -> subprocess.CompletedProcess[bytes]:
        """Run a command on this server with the system's ssh client."""
        return run_ssh(self.ssh_config, self.alias, command)

    def _ask(self, command: str) -> dict[str, Any]:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(f"{command}\n")
        self._server.stdin.flush()
        answer: dict[str, Any] = json.loads(self._server.stdout.readline())
        return answer


def _say_where(*_: object) -> None:
    """Show what every thread and every task is doing, for a server that does not end."""
    faulthandler.dump_traceback()
    for task in [one for one in gc.get_objects() if isinstance(one, asyncio.Task)]:
        task.print_stack()
    os._exit(1)


def _serve(home: Path, settings: dict[str, Any]) -> None:
    signal.signal(signal.SIGABRT, _say_where)
    server = EmbeddedServer(home=home, **settings)
    try:
        for line in sys.stdin:
            match line.strip():
                case "start":
                    server.start()
                case "stop":
                    server.stop()
                case "cut":
                    server.cut()
            answer = {
                "port": server.port,
                "user_key": os.fspath(server.user_key),
                "known_hosts": os.fspath(server.known_hosts),
                "logins": server.connections_made,
                "sessions": server.sessions_made,
            }
            print(json.dumps(answer), flush=True)
    finally:
        server.stop(remove=True)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), json.loads(sys.argv[2]))
