"""Forwards of unix-domain sockets, at either end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sshpyk_core.declaration import Capability
from sshpyk_core.errors import ForwardError
from sshpyk_core.testing.conformance.client import exchange, refuses
from sshpyk_core.testing.conformance.needs import needs, where_undeclared, with_unix_sockets
from sshpyk_core.testing.conformance.runner import within
from sshpyk_core.testing.conformance.servers import ServerFeature
from sshpyk_core.testing.conformance.topic import Topic
from sshpyk_core.testing.conformance.trial import SOON_SECONDS, Trial
from sshpyk_core.types import TcpAddress, UnixAddress

__all__ = ["UnixForwards"]

ANY_PORT = TcpAddress("127.0.0.1", 0)
NOBODY = TcpAddress("127.0.0.1", 1)


class UnixForwards(Topic):
    """``sshpyk_forward`` with unix-domain sockets."""

    @with_unix_sockets
    @needs(Capability.FORWARD_UNIX)
    async def test_a_forward_listens_on_a_unix_socket(self, trial: Trial) -> None:
        listen = UnixAddress(str(trial.home / "socket"))
        async with trial.session() as session, trial.echo(session) as destination:
            forward = await trial.transport.forward(session, listen, destination)
            assert forward.address == listen
            assert await exchange(listen, b"x" * 100_000) == b"x" * 100_000 + b"the end"
            await within(SOON_SECONDS, forward.aclose(), "Forward.aclose")
            await within(SOON_SECONDS, forward.aclose(), "a second Forward.aclose")
            assert await refuses(listen)
            assert not os.path.lexists(listen.path)

    @with_unix_sockets
    @needs(Capability.FORWARD_UNIX, ServerFeature.FORWARD_UNIX)
    async def test_a_forward_leads_to_a_unix_socket(self, trial: Trial) -> None:
        async with trial.session() as session, trial.scratch(session) as scratch:
            listens = (ANY_PORT, UnixAddress(str(trial.home / "socket")))
            async with trial.echo(session, f"{scratch}/there") as destination:
                for listen in listens:
                    forward = await trial.transport.forward(session, listen, destination)
                    assert await exchange(forward.address, b"x") == b"xthe end"
                    await forward.aclose()

    @with_unix_sockets
    @needs(Capability.FORWARD_UNIX)
    async def test_a_path_that_is_taken_is_told_and_left_alone(self, trial: Trial) -> None:
        taken = Path(trial.home, "taken")
        taken.write_text("something else")
        async with trial.session() as session:
            with pytest.raises(ForwardError) as told:
                await trial.transport.forward(session, UnixAddress(str(taken)), NOBODY)
            assert told.value.host == trial.target.alias
            assert told.value.fix
        assert taken.read_text() == "something else"
        taken.unlink()

    @with_unix_sockets
    @needs(Capability.FORWARD_UNIX)
    async def test_closing_the_session_removes_its_sockets(self, trial: Trial) -> None:
        listen = UnixAddress(str(trial.home / "socket"))
        session = await trial.connect()
        await trial.transport.forward(session, listen, NOBODY)
        await within(SOON_SECONDS, session.aclose(), "Session.aclose with a forward")
        assert not os.path.lexists(listen.path)

    @where_undeclared(Capability.FORWARD_UNIX)
    async def test_a_transport_without_unix_sockets_says_so(self, trial: Trial) -> None:
        async with trial.session() as session:
            call = trial.transport.forward(session, ANY_PORT, UnixAddress("/nowhere"))
            with pytest.raises(ForwardError) as told:
                await within(SOON_SECONDS, call, "sshpyk_forward to a unix socket")
            assert told.value.host == trial.target.alias
            await trial.works(session)
