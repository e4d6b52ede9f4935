"""A session without a control master: each command is an ``ssh`` and a connection of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from sshpyk_core.errors import ConnectError, ForwardError, HostUnreachableError, LaunchError
from sshpyk_core.types import Address, Target

from sshpyk_openssh.askpass import Askpass
from sshpyk_openssh.command import SshCommand
from sshpyk_openssh.failures import connect_error, spoken, try_it
from sshpyk_openssh.forward import FORWARD_TRIES, SingleForward, claim, refuses, specification
from sshpyk_openssh.process import SingleProcess

__all__ = ["SingleSession", "connect"]

_log = logging.getLogger(__name__)

_LOG_IN_LIMIT_SECONDS = 120.0
_SSH_FAILED = 255
# What `ssh -v` says after the login, once each forward listens or was refused.
_FORWARDS_ARE_SET_UP = "debug1: Entering interactive session"


class SingleSession:
    """Credentials that worked once; there is no lasting connection that could be lost."""

    def __init__(self, command: SshCommand, askpass: Askpass) -> None:
        """Start with nothing open; ``askpass`` is closed with the session."""
        self._command = command
        self._askpass = askpass
        self._processes: list[SingleProcess] = []
        self._forwards: list[SingleForward] = []
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def target(self) -> Target:
        """What it connects to."""
        return self._command.target

    async def launch(self, command: str) -> SingleProcess:
        """Run a command over a new connection; a refusal shows as its exit status 255.

        Raises:
            LaunchError: the session was closed, or ssh cannot be started.
        """
        try:
            process = await self._start(self._command.single(command))
        except OSError as error:
            fix = try_it(self._command)
            raise LaunchError(self.target.alias, "run a command", str(error), fix) from error
        self._processes = [*(one for one in self._processes if one.running), process]
        return process

    async def forward(self, listen: Address, destination: Address) -> SingleForward:
        """Listen here and connect there, over a new connection.

        ssh sets up the forwards of the user's own configuration along with this one; that those
        fail does no harm.

        Raises:
            ForwardError: the address cannot be bound, or there is no connection.
        """
        said = ""
        for _ in range(FORWARD_TRIES):
            found = await claim(self.target.alias, listen)
            line = specification(found, destination)
            try:
                process = await self._start(self._command.single_forward(line))
            except OSError as error:
                said = str(error)
                break
            try:
                said = await _listening(process, found)
            except BaseException:
                await process.terminate()
                raise
            if not said:
                forward = SingleForward(process, found)
                self._forwards.append(forward)
                return forward
            await process.terminate()
            if found == listen:
                break
        fix = try_it(self._command, "-N", "-L", line)
        raise ForwardError(self.target.alias, f"forward {listen} to {destination}", said, fix)

    async def aclose(self) -> None:
        """End every ssh of this session."""
        if not self.closed.done():
            self.closed.set_result("it was closed here")
        for forward in self._forwards:
            await forward.aclose()
        for process in self._processes:
            await process.terminate()
        await self._askpass.aclose()

    async def _start(self, arguments: list[str]) -> SingleProcess:
        if self.closed.done():
            raise ConnectionResetError("the session was closed")
        process = await SingleProcess.start(arguments, self._askpass.environment)
        self._askpass.started(process.pid, lambda: process.running)
        return process


async def connect(command: SshCommand, askpass: Askpass) -> SingleSession:
    """Log in once to see whether that works.

    Args:
        command: for whom.
        askpass: answers what ssh asks, here and at every connection of the session.

    Raises:
        ConnectError: the subclass that fits what ssh said.
    """
    arguments = command.single("exit 0", probing=True)
    try:
        probe = await SingleProcess.start(arguments, askpass.environment)
    except OSError as error:
        raise ConnectError(command.target.alias, "start ssh", str(error)) from error
    askpass.started(probe.pid, lambda: probe.running)
    try:
        probe.stdin.close()
        limit = _LOG_IN_LIMIT_SECONDS if command.unattended else None
        said = await asyncio.wait_for(askpass.while_logging_in(_all_said(probe)), limit)
        if command.options.verbose:
            _log.debug("%s: ssh says:\n%s", command.target.alias, said)
        if await probe.wait() == _SSH_FAILED:
            raise connect_error(command, said)
    except asyncio.TimeoutError as error:
        words = f"no login within {_LOG_IN_LIMIT_SECONDS:.0f} s"
        raise HostUnreachableError(
            command.target.alias, "connect", words, try_it(command)
        ) from error
    finally:
        await probe.terminate()
    return SingleSession(command, askpass)


async def _all_said(process: SingleProcess) -> str:
    _, errors = await asyncio.gather(process.stdout.read(), process.stderr.read())
    return errors.decode(errors="replace")


async def _listening(process: SingleProcess, listen: Address) -> str:
    """Wait until ssh listens; return what it said instead where it does not."""
    said: list[str] = []
    with contextlib.suppress(ValueError):  # a line beyond all bounds is not the one we wait for
        while line := (await process.stderr.readline()).decode(errors="replace"):
            if _FORWARDS_ARE_SET_UP in line:
                return ""
            said.append(line)
            if refuses(line, listen):
                break
    return spoken("".join(said)) or "ssh ended without a word"
