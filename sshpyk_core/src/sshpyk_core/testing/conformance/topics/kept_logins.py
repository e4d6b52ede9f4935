"""Logins that outlive their session: found, used and ended by whoever comes later."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sshpyk_core.declaration import Capability
from sshpyk_core.errors import AuthenticationError
from sshpyk_core.testing.conformance.needs import needs, with_server
from sshpyk_core.testing.conformance.runner import within
from sshpyk_core.testing.conformance.somebody import Nobody, Somebody
from sshpyk_core.testing.conformance.topic import Topic
from sshpyk_core.testing.conformance.trial import CONNECT_SECONDS, Trial

__all__ = ["KeptLogins"]

SECRET = "open sesame 4711"


class KeptLogins(Topic):
    """What a transport does that declares KEPT_LOGIN."""

    @needs(Capability.KEPT_LOGIN, Capability.LOGIN)
    @with_server(password=SECRET, key=False)
    async def test_a_kept_login_lets_in_who_cannot_answer(self, trial: Trial) -> None:
        before = time.time()
        async with _kept(trial):
            found = await trial.transport.kept_login(trial.target)
            assert found is not None
            assert before <= found.since <= time.time()
            nobody = Nobody()
            async with trial.session() as session, trial.session(nobody) as other:
                await trial.works(session)
                await trial.works(other)
            assert nobody.questions == []
            async with trial.session() as session:  # none of those has ended it
                await trial.works(session)

    @needs(Capability.KEPT_LOGIN, Capability.LOGIN)
    @with_server(password=SECRET, key=False)
    async def test_a_kept_login_that_is_ended_lets_nobody_in(self, trial: Trial) -> None:
        async with _kept(trial):
            assert await trial.transport.end_kept_login(trial.target)
            assert await trial.transport.kept_login(trial.target) is None
            assert not await trial.transport.end_kept_login(trial.target)
            await trial.refused(AuthenticationError)

    @needs(Capability.KEPT_LOGIN)
    async def test_a_session_that_is_not_to_be_kept_leaves_no_login(self, trial: Trial) -> None:
        async with trial.session() as session:
            await trial.works(session)
        assert await trial.transport.kept_login(trial.target) is None

    @needs(Capability.KEPT_LOGIN, Capability.NETWORK)
    async def test_a_kept_login_whose_connection_is_lost_is_not_found(self, trial: Trial) -> None:
        async with _kept(trial):
            trial.server.relay.cut()
            async with trial.session() as session:
                await trial.works(session)
            assert await trial.transport.kept_login(trial.target) is None

    @needs(Capability.KEPT_LOGIN)
    async def test_a_login_that_appears_is_noticed(self, trial: Trial) -> None:
        appearing = asyncio.ensure_future(trial.transport.login_appears(trial.target))
        try:
            async with _kept(trial):
                await within(CONNECT_SECONDS, asyncio.wait([appearing]), "noticing a login")
                appearing.result()
        finally:
            appearing.cancel()
            await asyncio.wait([appearing])


@asynccontextmanager
async def _kept(trial: Trial) -> AsyncIterator[None]:
    """Keep a login for the time of a test, with a session that is closed before."""
    target = trial.transport.keeping(trial.target)
    session = await trial.connect(Somebody(lambda question, before: SECRET), target)
    await session.aclose()
    try:
        yield
    finally:
        await trial.transport.end_kept_login(trial.target)
