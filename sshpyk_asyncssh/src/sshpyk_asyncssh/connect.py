"""Connect to a target: host by host along its route, checking each one's key, logging in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import asyncssh
from sshpyk_core.errors import AuthenticationError, ConnectError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.deadline import Deadline, PatientPrompter
from sshpyk_core.transport_kit.host_keys.check import check_host_key
from sshpyk_core.transport_kit.host_keys.host_key import HostKey
from sshpyk_core.transport_kit.login.agent import agent_path
from sshpyk_core.transport_kit.login.failure import at_hop
from sshpyk_core.transport_kit.login.questions import LoginQuestions
from sshpyk_core.transport_kit.route.proxy_command import ProxyConnection, start_proxy_command
from sshpyk_core.transport_kit.route.tcp import connect_socket
from sshpyk_core.types import Prompter, Step, Target

from sshpyk_asyncssh.agreement import disagreement
from sshpyk_asyncssh.client import Client
from sshpyk_asyncssh.connection_options import connection_options
from sshpyk_asyncssh.failures import FAILURES, connect_error, no_answer
from sshpyk_asyncssh.identities import Agent, Identities
from sshpyk_asyncssh.session import Route
from sshpyk_asyncssh.trust import Trust

__all__ = ["CheckHostKey", "Connector"]

_CONNECT_SECONDS = 30.0
_LOGIN_SECONDS = 60.0
# Each is with other host key algorithms, or with a key that somebody accepted.
_MOST_ATTEMPTS = 4

CheckHostKey = Callable[[HostSettings, HostKey, Prompter | None], Awaitable[None]]
"""Returns when an unknown key may be trusted, as `check_host_key` of the kit."""


@dataclass(frozen=True)
class Connector:
    """Makes the connections of one session.

    Attributes:
        target: where to.
        prompter: whom to ask.
        check: decides about host keys that are not known.
        report: told what has been achieved, as a phrase, and which part of the way that is.
    """

    target: Target
    prompter: Prompter | None
    check: CheckHostKey = check_host_key
    report: Callable[[str, Step], None] = lambda phrase, step: None

    async def connect(self, hosts: tuple[HostSettings, ...]) -> tuple[Route, asyncio.Future[str]]:
        """Connect to each host through the one before.

        Args:
            hosts: the settings of the hosts of the route, nearest first.

        Returns:
            The connections, and a future that is done with the reason when the target's is lost.

        Raises:
            ConnectError: the subclass that fits; nothing is left behind then.
        """
        route = Route()
        try:
            for settings in hosts:
                with at_hop(self.target, settings):
                    client = await self._connect_host(route, settings)
        except BaseException:
            await asyncio.shield(route.aclose())
            raise
        return route, client.lost

    async def _connect_host(self, route: Route, settings: HostSettings) -> Client:
        seconds = float(settings.connect_timeout or _CONNECT_SECONDS)
        deadline = Deadline(seconds)
        attempt = _Attempt(self, route, settings, deadline, seconds)
        try:
            return await deadline.run(attempt.connect())
        except asyncio.TimeoutError as error:  # an OSError too, on Python >= 3.11
            if attempt.client is not None and attempt.client.login_began:
                seconds = max(seconds, _LOGIN_SECONDS)
            raise no_answer(settings, seconds, attempt.client) from error


class _Attempt:
    """The connection to one host of the route."""

    def __init__(
        self,
        connector: Connector,
        route: Route,
        settings: HostSettings,
        deadline: Deadline,
        seconds: float,
    ) -> None:
        self.client: Client | None = None
        self._connector = connector
        self._route = route
        self._settings = settings
        self._deadline = deadline
        self._seconds = seconds
        prompter = None if settings.flag("batchmode") else connector.prompter
        self._prompter = prompter and PatientPrompter(prompter, deadline)

    async def connect(self) -> Client:
        """Connect, again where a host key had to be asked about, and log in."""
        trust = await Trust.read(self._settings)
        for _ in range(_MOST_ATTEMPTS):
            try:
                return await self._once(trust)
            except asyncssh.HostKeyNotVerifiable as error:
                if trust.unknown is not None:
                    await self._connector.check(self._settings, trust.unknown, self._prompter)
                    trust.accept(trust.unknown)
                elif trust.certificates:
                    trust.certificates = False  # as ssh does, look at the plain keys instead
                else:
                    raise connect_error(self._settings, self.client, error) from error
        raise ConnectError(self._settings.alias, "connect", "it shows another key each time")

    async def _once(self, trust: Trust) -> Client:
        settings = self._settings
        questions = LoginQuestions(settings, self._prompter)
        async with Agent(agent_path(settings)) as agent:
            identities = Identities(settings, agent, questions.key_passphrase)
            self.client = Client(trust, questions, identities, self._login_begins)
            options = connection_options(settings, trust, self.client)
            if self._route.connections:
                await self._log_in({**options, "tunnel": self._route.connections[-1]})
            elif settings.proxy_command:
                await self._through_proxy(options)
            else:
                await self._direct(options)
        self._connector.report(f"{settings.user}@{settings.hostname} lets in", "login")
        return self.client

    async def _direct(self, options: dict[str, Any]) -> None:
        settings = self._settings
        sock = await connect_socket(settings, self._seconds)
        self._connector.report(f"{settings.hostname} port {settings.port} answers", "port")
        try:
            await self._log_in({**options, "sock": sock})
        except BaseException:
            sock.close()
            raise

    async def _through_proxy(self, options: dict[str, Any]) -> None:
        proxy = await start_proxy_command(self._settings)
        try:
            await self._log_in({**options, "sock": proxy.socket}, proxy)
        except BaseException:
            await asyncio.shield(proxy.aclose())
            raise
        self._route.proxy = proxy

    async def _log_in(self, options: dict[str, Any], proxy: ProxyConnection | None = None) -> None:
        settings = self._settings
        try:
            connection = await asyncssh.connect(settings.hostname, settings.port, **options)
        except asyncssh.HostKeyNotVerifiable:
            raise
        except FAILURES as error:
            failure = connect_error(settings, self.client, self._cause(error))
            if proxy is None or isinstance(failure, AuthenticationError):
                raise failure from error
            answer = f"{failure.answer}; {await proxy.failure()}"
            raise type(failure)(failure.host, failure.tried, answer, failure.fix) from error
        self._route.connections.append(connection)

    def _cause(self, error: Exception) -> Exception:
        """Give what asyncssh would have said if the server had not hung up first."""
        if isinstance(error, asyncssh.ConnectionLost) and self.client is not None:
            return disagreement(self.client.connection) or error
        return error

    def _login_begins(self) -> None:
        self._connector.report(
            f"{self._settings.known_hosts_name} has shown a known host key", "host key"
        )
        self._deadline.restart(max(self._seconds, _LOGIN_SECONDS))
