"""The checks that are made on the host, over one session."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from sshpyk_core.checks.failure import finding_of, softened
from sshpyk_core.checks.kernel_start import Trial, kernel_starts
from sshpyk_core.checks.kernels import choose_kernel, kernel_spec_there, kernels_there
from sshpyk_core.checks.login_shell import login_shell_runs_commands
from sshpyk_core.checks.pace import round_trips, throughput
from sshpyk_core.checks.permissions import forwarding_allowed, sessions_allowed
from sshpyk_core.checks.python import python_there, room_there
from sshpyk_core.cli.doctor.examination import Examination, StoppedError
from sshpyk_core.config import KernelConfig
from sshpyk_core.declaration import Capability, Declaration
from sshpyk_core.errors import HostError, RemotePythonError, SshpykError
from sshpyk_core.link.bootstrap import open_link
from sshpyk_core.link.link import BridgeHello, Link
from sshpyk_core.survey import Survey, survey
from sshpyk_core.timers import LinkTimers
from sshpyk_core.transport import Transport
from sshpyk_core.transport_kit.deadline import Deadline
from sshpyk_core.types import Finding, Session

__all__ = ["OnHost"]

_BRIDGE_SECONDS = 60.0


@dataclass(frozen=True)
class OnHost:
    """What is on the host, looked at over one session.

    Attributes:
        examination: told what is found.
        transport: that of the session.
        declaration: of that transport.
        session: the connection.
    """

    examination: Examination
    transport: Transport
    declaration: Declaration
    session: Session

    async def run(self, *, start: bool) -> None:
        """Make all checks.

        Args:
            start: whether to start a kernel.

        Raises:
            StoppedError: an error was found.
        """
        check = self.examination.check
        await check("shell", login_shell_runs_commands(self.transport, self.session))
        async with self._link() as (link, hello):
            self.examination.tell("python", [python_there(hello)])
            await check("python", room_there(self.transport, self.session, hello))
            config = await self._find_kernel(link, start=start)
            if start and config is not None:
                await self._start(link, config)
            await check("link", round_trips(link))
            await check("throughput", throughput(self.transport, self.session))
            capabilities = self.declaration.capabilities
            tcp = Capability.FORWARD_TCP in capabilities
            unix = Capability.FORWARD_UNIX in capabilities
            forwarding = forwarding_allowed(self.transport, self.session, hello, tcp=tcp, unix=unix)
            await check("forwarding", forwarding)
            await check("sessions", sessions_allowed(self.transport, self.session))

    @asynccontextmanager
    async def _link(self) -> AsyncIterator[tuple[Link, BridgeHello]]:
        """Start a bridge.

        Raises:
            StoppedError: there can be none.
        """
        places = self.examination.destination.places
        self.examination.begin("python")
        made: list[Link] = []

        async def make() -> BridgeHello:
            link, hello = await open_link(
                self.transport,
                self.session,
                python=places.python,
                directory=places.directory,
                timers=LinkTimers(),
            )
            made.append(link)
            return hello

        try:
            hello = await self._hello(make())
            yield made[0], hello
        finally:
            for link in made:
                await asyncio.shield(link.aclose())

    async def _hello(self, making: Coroutine[Any, Any, BridgeHello]) -> BridgeHello:
        try:
            return await Deadline(_BRIDGE_SECONDS).run(making)
        except asyncio.TimeoutError as error:
            cause = f"the remote package did not start within {_BRIDGE_SECONDS:.0f} s"
            fix = f"Is the host overloaded? See `ssh {self.session.target.alias} uptime`."
            self.examination.tell("python", [Finding("error", cause, fix)])
            raise StoppedError from error
        except HostError as error:
            found = finding_of(error)
            if isinstance(error, RemotePythonError):
                found = replace(found, fix=f"{self._set('remote-python', 'PATH')}\n{found.fix}")
            self.examination.tell("python", [found])
            raise StoppedError from error

    def _set(self, flag: str, value: str) -> str:
        """Give the command that sets a key of the kernel spec."""
        spec = self.examination.destination.spec
        verb = f"edit {spec.name}" if spec is not None else f"add {self.examination.word}"
        return f"`sshpyk {verb} --{flag} {value}`"

    # --- kernels -----------------------------------------------------------------------------

    async def _find_kernel(self, link: Link, *, start: bool) -> KernelConfig | None:
        """Look for the kernel to start; None where it is not known to be there."""
        destination = self.examination.destination
        config, spec = destination.config, destination.spec
        self.examination.begin("kernel spec")
        pythons = (config.named_python,) if config.named_python else ()
        try:
            found = await survey(link, pythons)
        except SshpykError as error:
            # The start of a kernel that is named tells more.
            finding = finding_of(error)
            self.examination.tell("kernel spec", [softened(finding) if spec else finding])
            return config
        self.examination.tell("python", self._named_python(found))
        if spec is None:
            self.examination.tell("kernel spec", kernels_there(found, self.examination.word))
            chosen = choose_kernel(found)
            if chosen is None:
                return None
            return replace(config, remote_kernel_name=chosen.name, remote_python=chosen.python)
        if not start:
            self.examination.tell("kernel spec", kernel_spec_there(found, config, spec.name))
        return config

    def _named_python(self, found: Survey) -> list[Finding]:
        return [
            Finding(
                "error",
                f"remote_python is {each.executable}, which cannot be used: {each.problem}",
                self._set("remote-python", "PATH"),
            )
            for each in found.interpreters
            if each.kind == "named" and each.problem
        ]

    async def _start(self, link: Link, config: KernelConfig) -> None:
        self.examination.begin("kernel")
        began = time.monotonic()
        try:
            trial = await kernel_starts(self.transport, self.session, link, config)
        except SshpykError as error:
            trial = Trial([], [finding_of(error)])
        if self.examination.destination.spec is not None:
            self.examination.tell("kernel spec", trial.spec)
            self.examination.tell("kernel", trial.start, time.monotonic() - began)
            return
        name = config.remote_kernel_name
        findings = [*(each for each in trial.spec if each.level == "error"), *trial.start]
        told = [replace(each, cause=f"{name} {each.cause}") for each in findings]
        self.examination.tell("kernel", told, time.monotonic() - began)
