"""A session over a control master."""

from __future__ import annotations

import asyncio
from functools import partial

from sshpyk_core.errors import ForwardError, LaunchError
from sshpyk_core.transport_kit.session_limit import EndedSessions
from sshpyk_core.transport_kit.settings.environment import sent_environment
from sshpyk_core.types import Address, Target

from sshpyk_openssh.command import SshCommand
from sshpyk_openssh.failures import try_it
from sshpyk_openssh.forward import FORWARD_TRIES, MuxForward, claim, specification
from sshpyk_openssh.master import Master
from sshpyk_openssh.mux import (
    MuxConnection,
    MuxRefusedError,
    MuxTimeoutError,
    forward_body,
    session_body,
)
from sshpyk_openssh.pipes import Pipes

__all__ = ["MuxProcess", "MuxSession"]

_END_LIMIT_SECONDS = 1.0


class MuxProcess:
    """A remote command that a control master runs for us."""

    def __init__(self, connection: MuxConnection, pipes: Pipes) -> None:
        """Wrap an open session."""
        self._connection = connection
        self._pipes = pipes
        self.stdin = pipes.stdin
        self.stdout = pipes.stdout
        self.stderr = pipes.stderr

    @property
    def ended(self) -> asyncio.Future[None]:
        """Done when the channel has been closed."""
        return self._connection.ended

    async def wait(self) -> int:
        """Return the exit status.

        It is 255 when a signal ended the command, or when the connection went away: the protocol of
        the control socket carries nothing of either.
        """
        status = await asyncio.shield(self._connection.exit_status)
        return 255 if status is None else status

    async def terminate(self) -> None:
        """Close the channel and the pipes; harmless when the command has ended."""
        try:
            if self._connection.exit_status.done():
                # Its channel is closing by itself; the server counts it until it has.
                await asyncio.wait([self.ended], timeout=_END_LIMIT_SECONDS)
        finally:
            self._pipes.abort()
            await self._connection.aclose()


class MuxSession:
    """One live connection, held by a control master."""

    def __init__(self, command: SshCommand, master: Master) -> None:
        """Watch over a master that answers."""
        self._command = command
        self._master = master
        self._processes: set[MuxProcess] = set()
        self._forwards: set[MuxForward] = set()
        self._ended_sessions = EndedSessions()
        self._ended_sessions.one_ended()  # perhaps the user's master was tried just now
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        master.keeper.ended.add_done_callback(lambda _: self._close("ssh's control master ended"))

    @property
    def target(self) -> Target:
        """What it is connected to."""
        return self._command.target

    async def launch(self, command: str) -> MuxProcess:
        """Run a command; returns when the server has opened the channel.

        Raises:
            LaunchError: the server refuses the channel, or the session is gone.
        """
        settings = self._command.settings
        agent = (settings.get("forwardagent") or "no").lower() != "no"
        environment = [f"{name}={value}" for name, value in sent_environment(settings).items()]
        try:
            body = session_body(command, environment, agent=agent)
            process = await self._ended_sessions.open(
                partial(self._open, body), MuxRefusedError, self.closed
            )
        except MuxRefusedError as error:
            fix = "The server may allow no further session on a connection (sshd's MaxSessions)."
            raise LaunchError(self.target.alias, "run a command", str(error), fix) from error
        except OSError as error:
            fix = try_it(self._command)
            raise LaunchError(self.target.alias, "run a command", str(error), fix) from error
        self._processes.add(process)
        process.ended.add_done_callback(lambda _: self._forget(process))
        return process

    async def forward(self, listen: Address, destination: Address) -> MuxForward:
        """Listen here and connect there.

        That the server refuses a destination shows only when a connection is made: it is closed.

        Raises:
            ForwardError: the address cannot be bound, or the session is gone.
        """
        said = ""
        for _ in range(FORWARD_TRIES):
            found = await claim(self.target.alias, listen)
            body = forward_body(found, destination)
            forward = MuxForward(self._master.keeper, found, body)
            try:
                await self._master.keeper.open_forward(body)
            except MuxTimeoutError as error:
                said = str(error)
                await forward.aclose()  # so that a master that wakes up does not keep it open
                break
            except (OSError, MuxRefusedError) as error:
                said = str(error)
            else:
                self._forwards.add(forward)
                return forward
            if found == listen or self.closed.done():
                break
        fix = try_it(self._command, "-N", "-L", specification(found, destination))
        raise ForwardError(self.target.alias, f"forward {listen} to {destination}", said, fix)

    async def aclose(self) -> None:
        """End what runs over it; end the master too if it is ours."""
        self._close("it was closed here")
        try:
            await self._close_forwards()
        finally:
            await self._master.release()
            for process in list(self._processes):
                await process.terminate()

    async def _close_forwards(self) -> None:
        failures: list[BaseException] = []
        while self._forwards:  # one that was being opened may come along meanwhile
            closing, self._forwards = self._forwards, set()
            ends = (forward.aclose() for forward in closing)
            results = await asyncio.gather(*ends, return_exceptions=True)
            failures += [result for result in results if result is not None]
        if failures:
            raise failures[0]

    def _forget(self, process: MuxProcess) -> None:
        self._processes.discard(process)
        self._ended_sessions.one_ended()

    async def _open(self, body: bytes) -> MuxProcess:
        connection = await MuxConnection.open(self._master.path)
        try:
            pipes, far = await Pipes.open()
            try:
                await connection.open_session(body, [end.fileno() for end in far])
            except BaseException:
                pipes.abort()
                raise
            finally:
                for end in far:
                    end.close()
        except BaseException:
            await connection.aclose()
            raise
        return MuxProcess(connection, pipes)

    def _close(self, reason: str) -> None:
        if not self.closed.done():
            self.closed.set_result(reason)
