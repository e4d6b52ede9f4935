"""What a standard test works with: one transport, and a host that it can reach."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sshpyk_core.declaration import Capability
from sshpyk_core.errors import ConnectError
from sshpyk_core.shell import quote
from sshpyk_core.testing.conformance import remote
from sshpyk_core.testing.conformance.front import ConformanceServer
from sshpyk_core.testing.conformance.leaks import Watch
from sshpyk_core.testing.conformance.patience import patiently
from sshpyk_core.testing.conformance.runner import within
from sshpyk_core.transport import Transport
from sshpyk_core.types import (
    Address,
    Prompter,
    RemoteProcess,
    Session,
    Target,
    TcpAddress,
    UnixAddress,
)

__all__ = ["CONNECT_SECONDS", "SOON_SECONDS", "Outcome", "Trial", "feed"]

T = TypeVar("T")
E = TypeVar("E", bound=ConnectError)

CONNECT_SECONDS = 30.0
"""How long anything may take that goes over a network that works."""

SOON_SECONDS = 10.0
"""How long anything may take that waits for nobody, on a machine that is busy."""


@dataclass(frozen=True)
class Outcome:
    """How a remote command ended."""

    status: int
    output: bytes
    errors: bytes


class Trial:
    """One transport on trial.

    Args:
        transport: the transport as the rest of sshpyk sees it, with all checks.
        capabilities: what it declares.
        target: the host.
        server: the server there; None where the transport has no network.
        home: HOME of this test on this side.

    Attributes:
        transport: as given.
        capabilities: as given.
        target: as given; tests make others from it.
    """

    def __init__(
        self,
        transport: Transport,
        capabilities: frozenset[Capability],
        target: Target,
        server: ConformanceServer | None,
        home: Path,
    ) -> None:
        """Keep the parts."""
        self.transport = transport
        self.capabilities = capabilities
        self.target = target
        self._server = server
        self.home = home

    @property
    def server(self) -> ConformanceServer:
        """The server; only tests that need the capability NETWORK have one."""
        assert self._server is not None, "this test is to be marked with @needs(Capability.NETWORK)"
        return self._server

    @property
    def interpreter(self) -> str:
        """The command of a Python on the host."""
        return self._server.real.python if self._server else "python3"

    def python(self, program: str, *arguments: str) -> str:
        """Make a command that runs a program in the host's Python."""
        return remote.python(self.interpreter, program, *arguments)

    async def connect(
        self, prompter: Prompter | None = None, target: Target | None = None
    ) -> Session:
        """Connect; the test closes the session."""
        work = self.transport.connect(target or self.target, prompter)
        return await within(CONNECT_SECONDS, work, "sshpyk_connect")

    @asynccontextmanager
    async def session(
        self, prompter: Prompter | None = None, target: Target | None = None
    ) -> AsyncIterator[Session]:
        """Connect, and close when the block is left."""
        session = await self.connect(prompter, target)
        try:
            yield session
        finally:
            await within(SOON_SECONDS, session.aclose(), "Session.aclose")

    async def refused(
        self, kind: type[E], prompter: Prompter | None = None, target: Target | None = None
    ) -> E:
        """Connect where it must fail with this very class of error, which must help the user."""
        wanted = target or self.target
        with pytest.raises(ConnectError) as caught:
            await (await self.connect(prompter, wanted)).aclose()
        error = caught.value
        assert type(error) is kind, f"{kind.__name__} is due, not {error!r}"
        assert error.host == wanted.alias, f"the error names another host: {error!r}"
        assert error.answer, f"the error does not say what came back: {error!r}"
        assert error.fix, f"the error does not say what to do: {error!r}"
        return error

    async def launch(self, session: Session, command: str) -> RemoteProcess:
        """Launch; the test ends the process."""
        work = self.transport.launch(session, command)
        return await within(CONNECT_SECONDS, work, "sshpyk_launch")

    async def run(self, session: Session, command: str, content: bytes = b"") -> Outcome:
        """Run a command to its end."""
        process = await self.launch(session, command)
        try:
            return await within(CONNECT_SECONDS, self.outcome(process, content), "a short command")
        finally:
            await within(SOON_SECONDS, process.terminate(), "RemoteProcess.terminate")

    async def outcome(self, process: RemoteProcess, content: bytes = b"") -> Outcome:
        """Feed a process and read it to its end."""
        _, output, errors = await asyncio.gather(
            feed(process, content), process.stdout.read(), process.stderr.read()
        )
        return Outcome(await process.wait(), output, errors)

    async def says(self, session: Session, command: str) -> str:
        """Run a command that has to succeed, and give its output without the last newline."""
        outcome = await self.run(session, command)
        assert outcome.status == 0, f"{command} failed: {outcome}"
        return outcome.output.decode().rstrip("\n")

    async def works(self, session: Session) -> None:
        """Make sure that commands run."""
        assert await self.says(session, "echo fine") == "fine", "the session works no longer"

    @asynccontextmanager
    async def scratch(self, session: Session) -> AsyncIterator[str]:
        """Make a directory on the host, and remove it when the block is left."""
        path = await self.says(session, remote.sh('mktemp -d "$HOME/sshpyk-XXXXXX"'))
        try:
            yield path
        finally:
            if not session.closed.done():
                await self.run(session, remote.sh(f"rm -rf {quote(path)}"))

    @asynccontextmanager
    async def echo(self, session: Session, path: str = "") -> AsyncIterator[Address]:
        """Run a server on the host that gives back what comes, then ``the end``.

        Args:
            session: a session to that host.
            path: of a unix-domain socket; empty stands for a TCP port.
        """
        arguments = (path,) if path else ()
        process = await self.launch(session, self.python(remote.ECHO_SERVER, *arguments))
        try:
            line = await within(SOON_SECONDS, process.stdout.read(100), "the first output")
            yield UnixAddress(path) if path else TcpAddress("127.0.0.1", int(line))
            process.stdin.close()
            await within(SOON_SECONDS, process.wait(), "the end of a command")
        finally:
            await process.terminate()

    def watch(self) -> Watch:
        """Begin to look for what is left on this side."""
        return Watch(self.home, self._settle)

    def leaving_nothing(self) -> AbstractAsyncContextManager[None]:
        """Fail when what is done in the block leaves something on this side."""
        return self.watch().leaving_nothing()

    def _settle(self) -> frozenset[int]:
        """Let go of what only a fault of the relay still holds."""
        if self._server is None:
            return frozenset()
        self._server.relay.settle()
        return self._server.relay.descriptors

    async def cancelled(self, call: Awaitable[T], seconds: float) -> T | None:
        """Cancel a call after some time; give its result if it was quicker.

        Args:
            call: what to cancel.
            seconds: when; 0 lets it take its first step.
        """
        task = asyncio.ensure_future(call)
        await asyncio.wait([task], timeout=seconds)
        return await _cancel(task)

    async def cancelled_after(self, call: Awaitable[T], turns: int) -> T | None:
        """Cancel a call after so many turns of the loop; give its result if it was quicker."""
        task = asyncio.ensure_future(call)
        for _ in range(turns):
            await asyncio.sleep(0)
        return await _cancel(task)

    def with_options(self, **options: Any) -> Target:
        """Give the target with more options."""
        return replace(self.target, options={**self.target.options, **options})


async def _cancel(task: asyncio.Future[T]) -> T | None:
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=patiently(SOON_SECONDS))
    assert done, "a call that is cancelled does not end"
    return None if task.cancelled() else task.result()


async def feed(process: RemoteProcess, content: bytes, chunk: int = 1 << 16) -> None:
    """Write all of the input and its end; a process that stops reading is left alone."""
    with suppress(OSError):
        for start in range(0, len(content), chunk):
            process.stdin.write(content[start : start + chunk])
            await process.stdin.drain()
    process.stdin.close()
