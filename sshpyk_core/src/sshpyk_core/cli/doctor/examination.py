"""The checks over the chosen transport, in order of cause; the first error ends them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable
from contextlib import AsyncExitStack
from dataclasses import replace

from sshpyk_core.checks.failure import finding_of, has_error, softened
from sshpyk_core.checks.first_hop import FirstHop, find_first_hop
from sshpyk_core.checks.network import name_resolves, port_answers
from sshpyk_core.cli.destinations import Destination
from sshpyk_core.cli.doctor.report import Checked, Observer
from sshpyk_core.declaration import Capability, Declaration
from sshpyk_core.errors import PluginError, SshpykError
from sshpyk_core.prompting.login import Shared
from sshpyk_core.registry import default_registry
from sshpyk_core.transport import Transport, transport_for
from sshpyk_core.transport_kit.deadline import Deadline
from sshpyk_core.types import Finding, Prompter, Session, Target
from sshpyk_core.visiting import session_to

__all__ = ["DIAGNOSE_SECONDS", "Examination", "StoppedError"]

DIAGNOSE_SECONDS = 90.0
"""How long a transport may look at a host that lies behind others."""


class StoppedError(Exception):
    """An error was found: what comes after it cannot be told."""


class Examination:
    """One run of the checks.

    Attributes:
        destination: where to.
        word: what the user called it, with the flags that lead there, for further commands.
        checked: what was found so far.
        shared: what the person has answered.
    """

    def __init__(
        self, word: str, destination: Destination, observer: Observer, person: Prompter | None
    ) -> None:
        """Check nothing yet; ``person`` is asked where a login needs one."""
        self.word = word
        self.destination = destination
        self.checked: list[Checked] = []
        self._observer = observer
        self._person = person
        self.shared = Shared()

    @property
    def target(self) -> Target:
        """The host, over the chosen transport."""
        return self.destination.target

    # --- telling -----------------------------------------------------------------------------

    def begin(self, name: str) -> None:
        """Say that a check begins."""
        self._observer.begin(name)

    async def check(self, name: str, work: Awaitable[list[Finding]]) -> None:
        """Await a check and tell what it has found.

        Raises:
            StoppedError: that is an error.
        """
        self._observer.begin(name)
        began = time.monotonic()
        try:
            findings = await work
        except SshpykError as error:
            findings = [finding_of(error)]
        except OSError as error:
            cause = f"the connection broke meanwhile: {error.strerror or error}"
            findings = [Finding("error", cause, "Is the network steady? Try again.")]
        self.tell(name, findings, time.monotonic() - began)

    def tell(self, name: str, findings: Iterable[Finding], seconds: float | None = None) -> None:
        """Tell findings, up to the first error.

        Raises:
            StoppedError: there is one.
        """
        for finding in findings:
            checked = Checked(finding.step or name, finding, seconds)
            self.checked.append(checked)
            self._observer.tell(checked)
            if finding.level == "error":
                raise StoppedError

    # --- the way to a session ----------------------------------------------------------------

    async def reach(self) -> tuple[Transport, Declaration]:
        """Check the network, and what the transport says of the way.

        Raises:
            StoppedError: an error was found.
        """
        self._observer.begin("settings")
        try:
            declaration = default_registry().declaration(self.target.transport)
            transport = transport_for(self.target)
        except PluginError as error:
            self.tell("transport", [finding_of(error)])
            raise StoppedError from error
        if missing := declaration.missing_programs():
            cause = f"the transport {transport.name} needs what is not on PATH: {missing}"
            self.tell("transport", [Finding("error", cause, "Install it.")])
        if {Capability.NETWORK, Capability.SSH_CONFIG} <= declaration.capabilities:
            await self._check_network()
        return transport, declaration

    async def _check_network(self) -> None:
        try:
            hop = await find_first_hop(self.target)
        except SshpykError as error:
            self.tell("settings", [replace(finding_of(error), step="settings")])
            raise StoppedError from error
        if hop.settings.proxy_command:
            cause = f"{hop.words} is reached by a ProxyCommand: {hop.settings.proxy_command}"
            fix = "Nothing before the login can be told then; the command itself must work."
            self.tell("port", [Finding("info", cause, fix)])
            return
        self._observer.begin("name")
        resolved = await name_resolves(hop)
        self.tell("name", self._weighed(hop, resolved.findings))
        if resolved.addresses:
            self._observer.begin("port")
            found = await port_answers(hop, resolved.addresses)
            self.tell("port", self._weighed(hop, found))

    def _weighed(self, hop: FirstHop, findings: list[Finding]) -> list[Finding]:
        return [softened(each) for each in findings] if hop.has_control_socket else findings

    async def log_in(self, transport: Transport, stack: AsyncExitStack) -> Session:
        """Check host key and login: unattended first, then with whoever can be asked.

        Raises:
            StoppedError: there is no session.
        """
        self._observer.begin("login")
        findings = await self._diagnosed(transport)
        refused = findings[-1:] if has_error(findings) else []
        asks = bool(refused) and refused[0].step in ("host key", "login")
        if refused and (self._person is None or not asks):
            findings[-1:] = [self._with_login(refused[0])]
            self.tell("transport", findings)
        self.tell("transport", findings[:-1] if refused else findings)
        began = time.monotonic()
        person = self._person if asks else None
        coming = session_to(self.target, person=person, shared=self.shared)
        try:
            session = (await stack.enter_async_context(coming)).session
        except SshpykError as error:
            found = replace(finding_of(error), level="error")
            self.tell("login", [self._with_login(found)])
            raise StoppedError from error
        took = time.monotonic() - began
        if refused:
            self.tell("login", [self._asked(refused[0])], took)
        self.tell("login", [Finding("ok", f"logged in within {took:.2f} s")], took)
        return session

    async def _diagnosed(self, transport: Transport) -> list[Finding]:
        try:
            found = await Deadline(DIAGNOSE_SECONDS).run(transport.diagnose(self.target))
        except asyncio.TimeoutError:
            cause = f"{transport.name} found out nothing within {DIAGNOSE_SECONDS:.0f} s"
            return [Finding("error", cause, f"Try it: `ssh {self.target.alias}`", "login")]
        except SshpykError as error:
            return [finding_of(error)]
        first = next((n for n, each in enumerate(found) if each.level == "error"), None)
        return found if first is None else found[: first + 1]

    def _with_login(self, finding: Finding) -> Finding:
        """Name the command that logs in, where that is what is needed."""
        if finding.step != "login":
            return finding
        return replace(finding, fix=f"`sshpyk login {self.word}`\n{finding.fix}".strip())

    def _asked(self, refused: Finding) -> Finding:
        cause = "without somebody to answer, " + refused.cause
        return Finding("warning", cause, f"`sshpyk login {self.word}` keeps a login open.")
