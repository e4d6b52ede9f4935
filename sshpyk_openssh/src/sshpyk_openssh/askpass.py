"""Lets ssh ask a prompter, by way of SSH_ASKPASS (ssh(1)).

ssh runs a small program in a private directory, which talks to this process over a unix socket
beside it. An ssh that ssh itself starts for a jump host inherits all that. Nothing secret is in an
argument list, an environment or a file.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from sshpyk_core.errors import ConnectError
from sshpyk_core.ssh_config import read_settings
from sshpyk_core.transport_kit.route.route import route
from sshpyk_core.types import Prompter, Question

from sshpyk_openssh import askpass_program, private_directory
from sshpyk_openssh.askpass_questions import account_in, to_question
from sshpyk_openssh.command import SshCommand
from sshpyk_openssh.failures import unanswered

__all__ = ["Askpass", "open_askpass"]

T = TypeVar("T")

_log = logging.getLogger(__name__)

_SOCKET = "asks"
_PROGRAM = "askpass"


class Askpass:
    """Answers what the ssh of one session asks.

    Attributes:
        environment: what every ssh of the session is started with.
    """

    def __init__(self, command: SshCommand, prompter: Prompter | None) -> None:
        """Make one that answers nothing yet; :func:`open_askpass` does the rest."""
        self.environment: Mapping[str, str] = {**os.environ, **_NOBODY}
        self._command = command
        self._prompter = prompter
        self._ours: dict[int, Callable[[], bool]] = {}
        self._answered: set[tuple[int, str]] = set()
        self._logged_in = False
        self._declined: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._directory: Path | None = None
        self._server: asyncio.Server | None = None
        self._answering: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Put the program and its socket into a private directory.

        Raises:
            ConnectError: no place allows programs.
        """
        self._directory = _install(self._command.target.alias)
        path = str(self._directory / _SOCKET)
        if sys.platform != "win32":
            # In two steps: cancelled in one, the server would be lost, and serve for ever.
            self._server = await asyncio.start_unix_server(
                self._connected, path, start_serving=False
            )
            await self._server.start_serving()
        # An ssh before 8.4 knows no SSH_ASKPASS_REQUIRE, and asks so only where there is a display.
        display = {} if _has_display() else {"DISPLAY": ":sshpyk"}
        program = str(self._directory / _PROGRAM)
        ours = {"SSH_ASKPASS": program, "SSH_ASKPASS_REQUIRE": "force"}
        self.environment = {**os.environ, **ours, **display}

    def started(self, pid: int, runs: Callable[[], bool]) -> None:
        """Take note of an ssh to the target itself; others are those to its jump hosts.

        Args:
            pid: its process id.
            runs: whether it is still that one's: the system gives a free number to another.
        """
        self._ours[pid] = runs

    async def while_logging_in(self, work: Coroutine[Any, Any, T]) -> T:
        """Await what ssh does until it is logged in.

        Raises:
            AuthenticationError: nobody answered; the work has been cancelled. ssh itself would go
                on with an empty password.
        """
        task = asyncio.create_task(work)
        try:
            either: list[asyncio.Future[Any]] = [task, self._declined]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._declined.done():
                raise unanswered(self._command, self._declined.result())
            result = task.result()
            self._logged_in = True
            return result
        finally:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # what nobody answered is the better reason

    async def aclose(self) -> None:
        """Take back what is being asked, and remove the directory; may be called twice."""
        if self._server is not None:
            self._server.close()
        for task in self._answering:
            task.cancel()
        if self._answering:
            await asyncio.wait(self._answering)
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
        self._declined.cancel()
        if not self._declined.cancelled():
            self._declined.exception()  # a late one, of which nobody wants to hear

    # --- questions ---------------------------------------------------------------------------

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        try:
            line = await reader.readline()
            if not line:  # the program was ended before it had asked
                return
            told = json.loads(line)
            answering = asyncio.create_task(self._answer(told["pid"], told["text"], told["hint"]))
            gone = asyncio.create_task(reader.read())
            try:
                await asyncio.wait([answering, gone], return_when=asyncio.FIRST_COMPLETED)
            finally:
                answering.cancel()
                gone.cancel()
                await asyncio.wait([answering, gone])
            if not answering.cancelled():
                writer.write(json.dumps(answering.result()).encode() + b"\n")
                await writer.drain()
        except OSError as error:
            _log.debug("ssh no longer wants its answer: %s", error)
        finally:
            self._answering.discard(task)
            writer.close()

    async def _answer(self, pid: int, text: str, hint: str) -> str | None:
        """Return what comes of a question; never return where the login is to end.

        As soon as the program ends, even without an answer, ssh goes on with an empty password. So
        the program is kept waiting until ssh has been ended.
        """
        answer = None
        try:
            answer = await self._ask(pid, text, hint)
        except Exception as error:
            # A prompter that fails must fail the login, not only this task that nobody awaits.
            if not self._declined.done():
                self._declined.set_exception(error)
        if self._declined.done() and not self._logged_in:
            await asyncio.get_running_loop().create_future()
        return answer

    async def _ask(self, pid: int, text: str, hint: str) -> str | None:
        alias = self._command.target.alias
        if hint == "none":  # ssh only tells something, such as to touch a security key
            _log.warning("%s: ssh says: %s", alias, text)
            return None
        marks = self._marks_servers_words(pid)
        account = await self._account(pid, text, marks)
        question = to_question(text, hint, account, marks_servers_words=marks)
        if self._logged_in and (pid, text) in self._answered:
            return None  # it was wrong; with a further connection nobody is there to correct it
        self._answered.add((pid, text))
        assert self._prompter is not None
        answer = await self._prompter.ask(question)
        if answer is None and self._ends_login(question) and not self._declined.done():
            self._declined.set_result(text)
        return answer

    def _ends_login(self, question: Question) -> bool:
        # Without a passphrase ssh tries the next key, and a host key that is not trusted ends it.
        return question.kind in ("password", "code") and not self._logged_in

    def _is_ours(self, pid: int) -> bool:
        return pid in self._ours and self._ours[pid]()

    def _marks_servers_words(self, pid: int) -> bool:
        settings = self._command.settings
        # What a ProxyCommand runs may be another ssh, and an older one.
        known = self._is_ours(pid) or settings.proxy_command is None
        return known and settings.supports("hostbasedacceptedalgorithms")  # 8.5

    async def _account(self, pid: int, text: str, marks: bool) -> str:
        """Return whose password is asked for; empty where that is not certain."""
        settings = self._command.settings
        if self._is_ours(pid):
            # By the name that the host key is checked for, as for jump hosts: behind two of these,
            # one address may be two hosts.
            return f"{settings.user}@{settings.host_key_alias or settings.hostname}:{settings.port}"
        named = account_in(text)
        # Without marks, a jump host may ask in the words of ssh for the password of another.
        if named is None or not marks or not self._command.proxied:
            return ""
        try:
            *jumps, _ = await route(self._command.target, read_settings)
        except ConnectError as error:
            _log.debug("%s: its jump hosts are not known: %s", settings.alias, error)
            return ""
        # ssh names no port, so hosts that differ in nothing else cannot be told apart.
        fits = [hop for hop in jumps if named == f"{hop.user}@{hop.host_key_alias or hop.hostname}"]
        return f"{named}:{fits[0].port}" if len(fits) == 1 else ""


_NOBODY = {
    # For the ssh of jump hosts, to which BatchMode is not passed on.
    "SSH_ASKPASS_REQUIRE": "never",
    "SSH_ASKPASS": "/bin/false",
}


async def open_askpass(command: SshCommand, prompter: Prompter | None) -> Askpass:
    """Have the ssh of a session ask a prompter; without one, it asks nobody.

    On Windows ssh asks by itself where a person is there.

    Raises:
        ConnectError: there is no place for the program.
    """
    askpass = Askpass(command, prompter)
    if command.unattended:
        return askpass
    if sys.platform == "win32":
        askpass.environment = dict(os.environ)
        return askpass
    try:
        await askpass.listen()
    except BaseException:
        await askpass.aclose()
        raise
    return askpass


def _has_display() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _install(alias: str) -> Path:
    """Write the program into a private directory that allows running it."""
    for directory in private_directory.candidates():
        program = directory / _PROGRAM
        python = [sys.executable, "-I", "-S", askpass_program.__file__]
        words = shlex.join([*python, str(directory / _SOCKET)])
        program.write_text(f'#!/bin/sh\nexec {words} "$1"\n', encoding="utf-8")
        program.chmod(0o700)
        if os.access(program, os.X_OK):
            return directory
        shutil.rmtree(directory, ignore_errors=True)  # mounted with noexec
    raise ConnectError(
        alias,
        "let ssh ask for a password",
        "neither XDG_RUNTIME_DIR nor TMPDIR nor /tmp allows running programs",
        "Set TMPDIR to a directory of yours that does.",
    )
