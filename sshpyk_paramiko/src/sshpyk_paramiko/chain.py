"""The connections that lead to a host: one to each jump host, through it the next."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sshpyk_core.errors import ConnectError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.deadline import Deadline, PatientPrompter
from sshpyk_core.transport_kit.host_keys.host_key import HostKey
from sshpyk_core.transport_kit.host_keys.trust import known_algorithms, read_known_hosts
from sshpyk_core.transport_kit.login.failure import at_hop, login_unanswered
from sshpyk_core.transport_kit.login.questions import LoginQuestions
from sshpyk_core.transport_kit.route.proxy_command import ProxyConnection, start_proxy_command
from sshpyk_core.transport_kit.route.tcp import connect_socket, unreachable
from sshpyk_core.transport_kit.settings.algorithms import Algorithms
from sshpyk_core.types import Prompter, Target

from sshpyk_paramiko.algorithms import choose, host_key_order, unwanted_keys
from sshpyk_paramiko.connection import Connection
from sshpyk_paramiko.failures import connecting, jumping
from sshpyk_paramiko.gone import GONE, close
from sshpyk_paramiko.login import AnswerLimit, Login
from sshpyk_paramiko.prompter import AttentivePrompter
from sshpyk_paramiko.wire import Below, Wire
from sshpyk_paramiko.workers import Workers

__all__ = ["Chain", "CheckHostKey", "Hop"]

log = logging.getLogger(__name__)

CheckHostKey = Callable[[HostSettings, HostKey, Prompter | None], Awaitable[None]]
"""Returns when a host's key may be trusted, as `check_host_key` of the kit."""

_USUAL_TIMEOUT_SECONDS = 30.0
_END_LIMIT_SECONDS = 2.0


@dataclass(frozen=True)
class Hop:
    """One connection of a chain.

    Attributes:
        settings: of its host.
        connection: logged in, or about to.
    """

    settings: HostSettings
    connection: Connection


class Chain:
    """Connections that are opened one through the other, and are closed together.

    Attributes:
        target: where it leads in the end.
        workers: the threads of all of them.
        hops: the connections that there are, nearest first.
    """

    def __init__(self, target: Target) -> None:
        """Begin without any."""
        self.target = target
        self.workers = Workers()
        self.hops: list[Hop] = []
        self._questions: LoginQuestions | None = None
        self._proxy: ProxyConnection | None = None
        self._closing: asyncio.Task[None] | None = None

    async def extend(
        self, settings: HostSettings, prompter: Prompter | None, check: CheckHostKey
    ) -> None:
        """Connect to the next host, check its key, and log in.

        Args:
            settings: of that host.
            prompter: whom to ask; time that a person takes does not count.
            check: what decides about the host's key.

        Raises:
            ConnectError: the subclass that fits, naming the host.
        """
        seconds = float(settings.connect_timeout or _USUAL_TIMEOUT_SECONDS)
        limit = AnswerLimit(Deadline(seconds), seconds)
        asked = PatientPrompter(prompter, limit.deadline) if prompter else None
        if settings.flag("batchmode"):
            asked = None
        self._questions = None
        with at_hop(self.target, settings):
            try:
                await limit.deadline.run(self._extend(settings, asked, check, limit))
            except asyncio.TimeoutError as error:
                if self._questions is not None and self._questions.asked:
                    raise login_unanswered(settings, seconds) from error
                said = await self._with_proxy(f"no answer within {seconds:g} s")
                raise unreachable(settings, said) from error
            except ConnectError as error:
                if type(error) is not ConnectError or self._proxy is None:
                    raise
                said = await self._with_proxy(error.answer)
                raise ConnectError(error.host, error.tried, said, error.fix) from error

    async def aclose(self) -> None:
        """Close all, at once and without waiting for any server; may be called twice."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _extend(
        self,
        settings: HostSettings,
        prompter: Prompter | None,
        check: CheckHostKey,
        limit: AnswerLimit,
    ) -> None:
        algorithms = choose(settings)
        known = known_algorithms(settings, await read_known_hosts(settings))
        wire = Wire(await self._below(settings, limit.seconds))
        connection = _prepared(wire, settings, algorithms, known)
        self.hops.append(Hop(settings, connection))
        with connecting(settings, connection, algorithms):
            await connection.begin()
            if not connection.is_active():
                raise await connection.ended or EOFError("the server closed the connection")
            key = HostKey.from_blob(bytes(connection.get_remote_server_key().asbytes()))
            limit.anew()
            if prompter is not None:
                prompter = AttentivePrompter(prompter, connection.ended)
            await check(settings, key, prompter)
            self._questions = questions = LoginQuestions(settings, prompter)
            attended = prompter is not None
            login = Login(settings, connection, self.workers, questions, limit, attended)
            await login.run()
        log.debug("%s: connected with %s", settings.alias, connection.remote_cipher)

    async def _below(self, settings: HostSettings, seconds: float) -> Below:
        """Open what the next connection runs over."""
        if self.hops:
            return await self._channel(settings)
        if settings.proxy_command:
            self._proxy = await start_proxy_command(settings)
            self._proxy.socket.setblocking(True)
            return self._proxy.socket
        sock = await connect_socket(settings, seconds)
        sock.setblocking(True)
        return sock

    async def _channel(self, settings: HostSettings) -> Below:
        last = self.hops[-1]
        place = (settings.hostname, settings.port)
        with jumping(settings, last.settings.alias):
            channel: Below = await self.workers.run(
                "jump",
                lambda: last.connection.open_channel("direct-tcpip", place, ("127.0.0.1", 0)),
                close,
            )
        return channel

    async def _with_proxy(self, said: str) -> str:
        """Add what the ProxyCommand says, where it is what the connection failed over."""
        if self._proxy is None or len(self.hops) > 1:
            return said
        return f"{said}; {await self._proxy.failure()}"

    async def _close(self) -> None:
        """End the first connection below all others: then nobody waits for a frozen server."""
        for hop in self.hops:
            hop.connection.wire.cut()
        for hop in reversed(self.hops):
            # Where no thread can be started, Python is ending: that they are cut must do.
            with contextlib.suppress(*GONE, RuntimeError):
                await self.workers.run("close", hop.connection.close)
        if self._proxy is not None:
            await self._proxy.aclose()
        none_left = asyncio.create_task(self.workers.none_left())
        waiting: list[asyncio.Future[Any]] = [none_left]
        waiting += [hop.connection.ended for hop in self.hops]
        _, late = await asyncio.wait(waiting, timeout=_END_LIMIT_SECONDS)
        none_left.cancel()
        if late:
            log.warning("%s: threads that do not end: %s", self.target.alias, self.workers)


def _prepared(
    wire: Wire, settings: HostSettings, algorithms: Algorithms, known: Sequence[str]
) -> Connection:
    connection = Connection(wire, unwanted_keys(settings))
    options = connection.get_security_options()
    options.ciphers = algorithms.ciphers.offered
    options.digests = algorithms.macs.offered
    options.kex = algorithms.kex.offered
    options.key_types = host_key_order(algorithms.host_keys.offered, known)
    connection.use_compression(settings.compression)
    return connection
