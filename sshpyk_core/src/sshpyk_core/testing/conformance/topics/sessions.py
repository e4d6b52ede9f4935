"""Connecting, being connected, and ending it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from sshpyk_core.declaration import Capability
from sshpyk_core.errors import ConfigError, ForwardError, LaunchError, SessionError
from sshpyk_core.testing.conformance.needs import needs, where_undeclared
from sshpyk_core.testing.conformance.remote import sh
from sshpyk_core.testing.conformance.runner import within
from sshpyk_core.testing.conformance.somebody import Nobody
from sshpyk_core.testing.conformance.topic import Topic
from sshpyk_core.testing.conformance.trial import SOON_SECONDS, Trial
from sshpyk_core.types import Session, TcpAddress

__all__ = ["Sessions"]

TEN = 10


class Sessions(Topic):
    """What ``sshpyk_connect`` gives."""

    async def test_a_session_knows_its_target_and_is_open_until_it_is_closed(
        self, trial: Trial
    ) -> None:
        session = await trial.connect()
        assert session.target == trial.target
        assert not session.closed.done()
        await trial.works(session)
        await within(SOON_SECONDS, session.aclose(), "Session.aclose")
        assert session.closed.done()
        reason = session.closed.result()
        assert isinstance(reason, str)
        assert reason

    async def test_a_connection_that_needs_no_answer_asks_no_question(self, trial: Trial) -> None:
        nobody = Nobody()
        async with trial.session(nobody) as session:
            await trial.works(session)
        assert nobody.questions == []

    async def test_closing_twice_and_from_several_places_is_harmless(self, trial: Trial) -> None:
        session = await trial.connect()
        closing = asyncio.gather(*(session.aclose() for _ in range(3)))
        await within(SOON_SECONDS, closing, "Session.aclose, three times at once")
        await within(SOON_SECONDS, session.aclose(), "a second Session.aclose")

    async def test_closing_ends_the_processes_of_the_session(self, trial: Trial) -> None:
        session = await trial.connect()
        running = [await trial.launch(session, "exec cat") for _ in range(3)]
        reading = asyncio.ensure_future(running[0].stdout.read(10))
        waiting = asyncio.ensure_future(running[1].wait())
        await within(SOON_SECONDS, session.aclose(), "Session.aclose with processes that run")
        assert await within(SOON_SECONDS, reading, "the end of an output") == b""
        await within(SOON_SECONDS, waiting, "RemoteProcess.wait")
        for process in running:
            await within(SOON_SECONDS, process.wait(), "RemoteProcess.wait")
            await within(SOON_SECONDS, process.terminate(), "RemoteProcess.terminate")

    async def test_closing_while_commands_are_launched_leaves_none(self, trial: Trial) -> None:
        session = await trial.connect()
        launching = [
            asyncio.ensure_future(trial.transport.launch(session, "exec cat")) for _ in range(4)
        ]
        await asyncio.wait(launching, timeout=0.01)
        await within(SOON_SECONDS, session.aclose(), "Session.aclose with launches under way")
        await within(SOON_SECONDS, asyncio.wait(launching), "sshpyk_launch on a closed session")
        for one in launching:
            if (error := one.exception()) is None:
                await within(SOON_SECONDS, one.result().wait(), "RemoteProcess.wait")
                await one.result().terminate()
            else:
                assert isinstance(error, LaunchError), repr(error)

    async def test_a_closed_session_refuses_everything(self, trial: Trial) -> None:
        session = await trial.connect()
        await session.aclose()
        await refuses_everything(trial, session)

    async def test_sessions_to_one_target_are_independent(self, trial: Trial) -> None:
        async with trial.session() as first:
            async with trial.session() as second:
                await trial.works(first)
                await trial.works(second)
            assert not first.closed.done()
            await trial.works(first)

    async def test_ten_sessions_at_once(self, trial: Trial) -> None:
        at_once = asyncio.Semaphore(
            trial.server.real.logins_at_once if Capability.NETWORK in trial.capabilities else TEN
        )

        async def open_one() -> Session:
            async with at_once:
                return await trial.connect()

        sessions = await asyncio.gather(*(open_one() for _ in range(TEN)))
        said = await asyncio.gather(
            *(trial.says(one, f"echo {number}") for number, one in enumerate(sessions))
        )
        assert said == [str(number) for number in range(TEN)]
        closing = asyncio.gather(*(one.aclose() for one in sessions))
        await within(SOON_SECONDS, closing, "Session.aclose of ten at once")

    async def test_a_connection_that_is_cancelled_leaves_nothing(self, trial: Trial) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        async with trial.session():
            took = loop.time() - started
        for part in (0.0, 0.2, 0.4, 0.6, 0.8, 0.95):
            async with trial.leaving_nothing():
                call = trial.transport.connect(trial.target, None)
                session = await trial.cancelled(call, took * part)
                if session is not None:
                    await session.aclose()
        async with trial.session() as session:
            await trial.works(session)

    async def test_a_session_leaves_nothing_while_others_go_on(self, trial: Trial) -> None:
        async with trial.session() as first:
            await trial.works(first)
            async with trial.leaving_nothing(), trial.session() as second:
                await trial.works(second)
            await trial.works(first)

    async def test_an_option_that_there_is_not_is_refused_by_name(self, trial: Trial) -> None:
        target = trial.with_options(no_such_option=1)
        with pytest.raises(ConfigError, match="no_such_option"):
            await trial.connect(target=target)

    @needs(Capability.SSH_CONFIG)
    async def test_an_alias_that_looks_like_an_option_is_refused(self, trial: Trial) -> None:
        for alias in ("-oProxyCommand=id", "", "a b", "a;id"):
            with pytest.raises(ConfigError):
                await trial.connect(target=replace(trial.target, alias=alias))

    @where_undeclared(Capability.NETWORK)
    async def test_a_session_without_a_network_starts_what_the_shell_can(
        self, trial: Trial
    ) -> None:
        async with trial.session() as session:
            assert await trial.says(session, sh('echo "$((1 + 1))"')) == "2"


async def refuses_everything(trial: Trial, session: Session) -> None:
    """Make sure that a session which has ended says so, with the errors that are due."""
    anywhere = TcpAddress("127.0.0.1", 0)
    transport = trial.transport
    with pytest.raises(LaunchError) as refused:
        await within(SOON_SECONDS, transport.launch(session, "true"), "sshpyk_launch")
    assert refused.value.host == trial.target.alias
    with pytest.raises(ForwardError):
        await within(SOON_SECONDS, transport.forward(session, anywhere, anywhere), "sshpyk_forward")
    with pytest.raises(SessionError):
        await within(SOON_SECONDS, transport.upload(session, b"", "/x", 0o600), "sshpyk_upload")
    with pytest.raises(SessionError):
        await within(SOON_SECONDS, transport.signal(session, 1, 0), "sshpyk_signal")
