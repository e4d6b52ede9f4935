"""Servers that cannot be reached, that go away, and that fall silent."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from sshpyk_core.declaration import Capability
from sshpyk_core.errors import ConnectError, HostNotFoundError, HostUnreachableError
from sshpyk_core.testing.conformance.needs import needs
from sshpyk_core.testing.conformance.patience import patiently
from sshpyk_core.testing.conformance.runner import within
from sshpyk_core.testing.conformance.servers import ServerFeature
from sshpyk_core.testing.conformance.topic import Topic
from sshpyk_core.testing.conformance.topics.sessions import refuses_everything
from sshpyk_core.testing.conformance.trial import SOON_SECONDS, Trial
from sshpyk_core.types import NO_EXIT_STATUS

__all__ = ["Vanishing"]


class Vanishing(Topic):
    """What a network does to sessions, and to those who want one."""

    @needs(Capability.NETWORK)
    async def test_a_closed_port_is_told_at_once(self, trial: Trial) -> None:
        trial.server.relay.refuse()
        refusal = trial.refused(HostUnreachableError)
        await within(SOON_SECONDS, refusal, "a connection to a closed port")
        trial.server.relay.accept()
        async with trial.session() as session:
            await trial.works(session)

    @needs(Capability.NETWORK, Capability.SSH_CONFIG)
    async def test_a_name_that_does_not_resolve_is_told(self, trial: Trial) -> None:
        trial.server.configure("HostName nowhere.invalid")
        await trial.refused(HostNotFoundError)

    @needs(Capability.NETWORK, Capability.SSH_CONFIG)
    async def test_a_silent_port_is_given_up_after_the_connect_timeout(self, trial: Trial) -> None:
        trial.server.configure("ConnectTimeout 1")
        trial.server.relay.silence()
        async with trial.leaving_nothing():
            refusal = trial.refused(HostUnreachableError)
            await within(SOON_SECONDS, refusal, "a connection to a silent port")

    @needs(Capability.NETWORK)
    async def test_a_server_that_vanishes_during_the_login_is_told(self, trial: Trial) -> None:
        login_bytes = await _login_bytes(trial)
        for part in (0.01, 0.3, 0.6, 0.9):
            silence = trial.server.relay.silence(after_bytes=int(login_bytes * part))
            connecting = asyncio.ensure_future(trial.transport.connect(trial.target, None))
            await within(SOON_SECONDS, asyncio.wrap_future(silence), "the bytes of a login")
            trial.server.relay.cut()
            await within(SOON_SECONDS, asyncio.wait([connecting]), "a login that was cut")
            trial.server.relay.resume()
            error = connecting.exception()
            assert isinstance(error, ConnectError), repr(error)
            assert error.host == trial.target.alias
            assert error.answer
            assert error.fix

    @needs(Capability.NETWORK)
    async def test_a_session_is_closed_when_its_connection_is_cut(self, trial: Trial) -> None:
        async with trial.session() as session:
            process = await trial.launch(session, "exec cat")
            reading = asyncio.ensure_future(process.stdout.read(10))
            waiting = asyncio.ensure_future(process.wait())
            trial.server.relay.cut()
            reason = await within(SOON_SECONDS, asyncio.shield(session.closed), "Session.closed")
            assert isinstance(reason, str)
            assert reason
            assert await within(SOON_SECONDS, reading, "the end of an output") == b""
            assert await within(SOON_SECONDS, process.stderr.read(), "the end of errors") == b""
            assert await within(SOON_SECONDS, waiting, "RemoteProcess.wait") == NO_EXIT_STATUS
            await refuses_everything(trial, session)
        async with trial.session() as session:
            await trial.works(session)

    @needs(Capability.NETWORK, Capability.SSH_CONFIG)
    async def test_one_session_that_is_cut_takes_no_other_with_it(self, trial: Trial) -> None:
        with trial.server.another_way(alias="elsewhere") as elsewhere:
            target = replace(trial.target, alias="elsewhere")
            async with trial.session() as first, trial.session(target=target) as second:
                elsewhere.cut()
                await within(SOON_SECONDS, asyncio.shield(second.closed), "Session.closed")
                await trial.works(first)
                assert not first.closed.done()

    @needs(Capability.NETWORK)
    async def test_a_session_with_a_silent_server_can_be_closed(self, trial: Trial) -> None:
        session = await trial.connect()
        process = await trial.launch(session, "exec cat")
        async with trial.leaving_nothing():
            waiting = asyncio.ensure_future(process.wait())
            trial.server.relay.silence()
            process.stdin.write(b"into the void")
            await within(SOON_SECONDS, session.aclose(), "Session.aclose on a silent server")
            assert session.closed.done()
            assert await within(SOON_SECONDS, waiting, "RemoteProcess.wait") == NO_EXIT_STATUS
            await within(SOON_SECONDS, process.terminate(), "RemoteProcess.terminate")

    @needs(Capability.NETWORK, ServerFeature.QUICK_CHANNELS)
    async def test_a_process_of_a_silent_server_can_be_terminated(self, trial: Trial) -> None:
        async with trial.session() as session:
            process = await trial.launch(session, "exec cat")
            trial.server.relay.silence()
            await within(SOON_SECONDS, process.terminate(), "RemoteProcess.terminate")
            trial.server.relay.resume()
            await trial.works(session)

    @needs(Capability.NETWORK, ServerFeature.QUICK_CHANNELS)
    async def test_calls_that_a_silent_server_holds_up_can_be_cancelled(self, trial: Trial) -> None:
        async with trial.session() as session:
            await trial.works(session)
            transport = trial.transport
            trial.server.relay.silence()
            launching = transport.launch(session, "exec cat")
            assert await trial.cancelled(launching, 0.2) is None
            uploading = transport.upload(session, b"x" * 100_000, "/nowhere/at/all", 0o600)
            await trial.cancelled(uploading, 0.2)
            assert await trial.cancelled(transport.signal(session, 1, 0), 0.2) is None
            assert not session.closed.done()
            trial.server.relay.resume()
            await trial.works(session)

    @needs(Capability.NETWORK, Capability.SSH_CONFIG)
    async def test_a_silent_server_ends_the_session_where_the_config_asks_for_it(
        self, trial: Trial
    ) -> None:
        trial.server.configure("ServerAliveInterval 1", "ServerAliveCountMax 2")
        async with trial.session() as session:
            await trial.works(session)
            trial.server.relay.silence()
            await within(SOON_SECONDS, asyncio.shield(session.closed), "ServerAliveInterval")

    @needs(Capability.NETWORK)
    async def test_a_connection_that_is_cancelled_on_a_silent_server_ends(
        self, trial: Trial
    ) -> None:
        login_bytes = await _login_bytes(trial)
        for part in (0.01, 0.5, 0.9):
            silence = trial.server.relay.silence(after_bytes=int(login_bytes * part))
            async with trial.leaving_nothing():
                connecting = asyncio.ensure_future(trial.transport.connect(trial.target, None))
                await within(SOON_SECONDS, asyncio.wrap_future(silence), "the bytes of a login")
                connecting.cancel()
                done, _ = await asyncio.wait([connecting], timeout=patiently(SOON_SECONDS))
                assert done, "a login that is cancelled does not end"
            trial.server.relay.resume()


async def _login_bytes(trial: Trial) -> int:
    """Count what a client sends to log in."""
    before = trial.server.relay.bytes_sent
    async with trial.session():
        return trial.server.relay.bytes_sent - before
