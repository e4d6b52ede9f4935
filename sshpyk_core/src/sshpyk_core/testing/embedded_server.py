"""A real SSH server on loopback, in this process, with keys that live as long as it does.

It touches nothing of the user's own ``~/.ssh``: keys, known hosts and a client config that names
them all lie in one private directory.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType

try:
    import asyncssh
except ImportError as error:
    raise ImportError(
        "the embedded SSH server needs asyncssh: pip install 'sshpyk-core[testing]'"
    ) from error

from sshpyk_core.testing.client_files import ClientEntry, known_hosts_line, write_private
from sshpyk_core.testing.exec_session import ExecSettings
from sshpyk_core.testing.listener import Listener, ListenerSettings
from sshpyk_core.testing.logins import LoginSettings

__all__ = ["EmbeddedServer"]

USER = "jupyter"
SFTP_SERVERS = (
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
    "/usr/libexec/sftp-server",
    "/usr/lib/ssh/sftp-server",
)


class EmbeddedServer:
    """Serve SSH on 127.0.0.1 from a thread of its own; use it with ``with`` or ``async with``.

    Commands run as the current user, as ``SHELL -c COMMAND`` without a terminal. Processes that
    detach themselves outlive their connection and the server, as they do on a real host.

    Args:
        home: the home directory that commands see; default a fresh one inside ``directory``.
        shell: the login shell.
        env: added to the environment of commands. The rest of that is made as sshd makes it and
            has nothing from this process but, first on PATH, the directory of its Python.
        alias: the host's name in the client config.
        max_sessions: how many session channels one connection may hold open; more are refused.
        allow_tcp: carry TCP forwards.
        allow_unix: carry forwards to unix-domain sockets.
        allow_sftp: offer the subsystem ``sftp``, where this machine has OpenSSH's program for it.
        password: let in with this password too.
        questions: prompts with their right answers; whoever knows all of them is let in too, by
            keyboard-interactive (RFC 4256), which asks them at once and hidden.
        allow_key: let in with the user's key.

    Attributes:
        alias: as given.
        port: the TCP port; 0 until the first start, then the same at every start.
        directory: private to the current user; holds the keys and the client files.
        home: the home directory that commands see.
        ssh_config: a client config file with the entry ``alias``; ready after the first start.
        known_hosts: the known hosts file that the entry names.
        user_key: the private key that the server lets in.

    Raises:
        OSError: on Windows, which has no shell to run commands with.
    """

    def __init__(  # noqa: PLR0913 - all are by keyword only
        self,
        *,
        home: Path | None = None,
        shell: str = "/bin/sh",
        env: Mapping[str, str] | None = None,
        alias: str = "embedded",
        max_sessions: int = 10,
        allow_tcp: bool = True,
        allow_unix: bool = True,
        allow_sftp: bool = True,
        password: str | None = None,
        questions: Sequence[tuple[str, str]] = (),
        allow_key: bool = True,
    ) -> None:
        """Make the keys; nothing listens before ``start``."""
        if os.name != "posix":
            raise OSError("the embedded SSH server runs its commands through a POSIX shell")
        self.alias = alias
        self.port = 0
        self.directory = Path(tempfile.mkdtemp(prefix="sshpyk-"))
        self.ssh_config = self.directory / "ssh_config"
        self.known_hosts = self.directory / "known_hosts"
        self.user_key = self.directory / "user_key"
        self.home = home or self.directory / "home"
        self.home.mkdir(exist_ok=True)
        sftp_server = next((p for p in SFTP_SERVERS if os.path.exists(p)), None)
        commands = ExecSettings(
            shell=shell,
            env=_environment(self.home, shell) | dict(env or {}),
            home=self.home,
            sftp_server=sftp_server if allow_sftp else None,
        )
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        user_key = asyncssh.generate_private_key("ssh-ed25519")
        write_private(self.user_key, user_key.export_private_key())
        self._listener = Listener(
            ListenerSettings(
                commands,
                max_sessions,
                allow_tcp,
                allow_unix,
                LoginSettings(password, tuple(questions), allow_key),
            ),
            self._host_key,
            asyncssh.import_authorized_keys(user_key.export_public_key().decode()),
        )
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    @property
    def connections_made(self) -> int:
        """How many connections have been authenticated so far."""
        return self._listener.connections_made

    @property
    def sessions_made(self) -> int:
        """How many session channels have been opened so far."""
        return self._listener.sessions_made

    @property
    def connections_seen(self) -> int:
        """How many connections have come so far, authenticated or not."""
        return self._listener.logins.connections

    @property
    def logins_refused(self) -> int:
        """How many wrong passwords and wrong sets of answers have come so far."""
        return self._listener.logins.refused

    def change_password(self, password: str) -> None:
        """Let in with another password from now on."""
        self._listener.logins.change_password(password)

    def start(self) -> None:
        """Listen, and write the client files; harmless when it listens already.

        Raises:
            OSError: the port of an earlier start is taken by now.
        """
        if self._thread is not None:
            return
        ready: Future[int] = Future()
        thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), name="embedded")
        thread.start()
        try:
            self.port = ready.result()
        except BaseException:
            thread.join()
            raise
        self._thread = thread
        self._write_client_files()

    def stop(self, *, remove: bool = False) -> None:
        """Stop listening and cut every connection; returns when nothing is left of it.

        Commands read end of file; one that has not ended two seconds later is killed with its
        process group. Detached processes live on. Harmless when it has stopped already.

        Args:
            remove: also remove ``directory``; the server cannot be started again.
        """
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
            self._thread = None
        if remove:
            shutil.rmtree(self.directory, ignore_errors=True)

    def cut(self) -> None:
        """Drop every live connection without a word to the client, and go on listening."""
        if self._thread is not None and self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._listener.cut(), self._loop).result()

    def __enter__(self) -> EmbeddedServer:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop and remove the directory."""
        self.stop(remove=True)

    async def __aenter__(self) -> EmbeddedServer:
        """Start."""
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop and remove the directory."""
        await asyncio.to_thread(self.stop, remove=True)

    async def _serve(self, ready: Future[int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        try:
            ready.set_result(await self._listener.open(self.port))
        except (OSError, asyncssh.Error) as error:
            ready.set_exception(error)
            return
        await self._stopping.wait()
        await self._listener.close()

    def _write_client_files(self) -> None:
        host_key = self._host_key.export_public_key().decode()
        self.known_hosts.write_text(known_hosts_line(self.port, host_key), encoding="ascii")
        entry = ClientEntry(self.alias, self.port, USER, self.user_key, self.known_hosts)
        self.ssh_config.write_text(str(entry), encoding="utf-8")


def _environment(home: Path, shell: str) -> dict[str, str]:
    """Make what sshd gives a command (sshd(8), LOGIN PROCESS), with this Python findable."""
    python = os.path.dirname(sys.executable)
    return {
        "HOME": str(home),
        "LOGNAME": USER,
        "PATH": f"{python}:/usr/local/bin:/usr/bin:/bin",
        "SHELL": shell,
        "USER": USER,
    }
