"""A session: what runs by one kernel spec's local command, ended together."""

from __future__ import annotations

import asyncio
import shlex

from sshpyk_core.errors import ConnectError, HostUnreachableError, LaunchError
from sshpyk_core.ssh_config import validate_alias
from sshpyk_core.transport_kit import remote_command
from sshpyk_core.transport_kit.options import parse
from sshpyk_core.types import Target

from sshpyk_command.options import Options
from sshpyk_command.process import CommandProcess


class CommandSession:
    """The processes of one target; there is no lasting connection that could be lost."""

    def __init__(self, target: Target) -> None:
        """Take a kernel spec at its word; nothing runs yet.

        Raises:
            ConfigError: its options or its alias make no sense.
        """
        validate_alias(target.alias)
        self.target = target
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._options = parse(Options, target.options, "command")
        self._processes: set[CommandProcess] = set()

    async def check(self) -> str:
        """Run a command that does nothing; return the local command line that ran it.

        Raises:
            ConnectError: the local program is not there, or says no.
        """
        line = shlex.join(self._options.fill(self.target.alias, "exit 0"))
        tried = f"run `{line}`"
        try:
            result = await remote_command.run(self.launch, "exit 0")
        except LaunchError as error:
            raise ConnectError(self.target.alias, tried, error.answer, error.fix) from error
        if result.status != 0:
            said = result.errors or f"it ended with status {result.status}"
            fix = "Try the same in a terminal."
            raise HostUnreachableError(self.target.alias, tried, said, fix)
        return line

    async def launch(self, command: str) -> CommandProcess:
        """Run a command on the host.

        Raises:
            LaunchError: the local program cannot be started, or the session is closed.
        """
        alias = self.target.alias
        if self.closed.done():
            raise LaunchError(alias, "run a command", self.closed.result(), "Connect again.")
        words = self._options.fill(alias, command)
        try:
            process = await CommandProcess.start(words)
        except OSError as error:
            fix = f"Install {words[0]}, or correct the option 'command' of the kernel spec."
            raise LaunchError(alias, f"run {words[0]}", str(error), fix) from error
        self._processes = {one for one in self._processes if not one.freed} | {process}
        if self.closed.done():
            await self.aclose()
        return process

    async def aclose(self) -> None:
        """End every process; harmless when called again."""
        if not self.closed.done():
            self.closed.set_result("the session was closed here")
        await asyncio.gather(*(process.terminate() for process in self._processes))
