"""Forwards of TCP ports."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import pytest

from sshpyk_core.declaration import Capability
from sshpyk_core.errors import ForwardError
from sshpyk_core.testing.conformance.client import dial, exchange, refuses
from sshpyk_core.testing.conformance.needs import needs, where_undeclared, with_server
from sshpyk_core.testing.conformance.runner import within
from sshpyk_core.testing.conformance.topic import Topic
from sshpyk_core.testing.conformance.trial import SOON_SECONDS, Trial
from sshpyk_core.types import Forward, Session, TcpAddress

__all__ = ["Forwards"]

ANY_PORT = TcpAddress("127.0.0.1", 0)
NOBODY = TcpAddress("127.0.0.1", 1)
"""TCPMUX, which nobody serves any more."""
SEVERAL = 5


class Forwards(Topic):
    """``sshpyk_forward`` between TCP addresses."""

    @needs(Capability.FORWARD_TCP)
    async def test_a_forward_to_any_port_carries_bytes_both_ways(self, trial: Trial) -> None:
        content = bytes(range(256)) * 10
        async with trial.session() as session, trial.echo(session) as destination:
            forward = await _forward(trial, session, ANY_PORT, destination)
            assert isinstance(forward.address, TcpAddress)
            assert forward.address.host == ANY_PORT.host
            assert forward.address.port > 0
            # The answer behind the end of the input shows that the end was half a close.
            assert await exchange(forward.address, content) == content + b"the end"
            await forward.aclose()

    @needs(Capability.FORWARD_TCP)
    async def test_a_forward_carries_megabytes(self, trial: Trial) -> None:
        content = bytes(range(251)) * 33_000
        async with trial.session() as session, trial.echo(session) as destination:
            forward = await _forward(trial, session, ANY_PORT, destination)
            assert await exchange(forward.address, content) == content + b"the end"
            await forward.aclose()

    @needs(Capability.FORWARD_TCP)
    async def test_several_connections_go_through_one_forward_at_once(self, trial: Trial) -> None:
        async with trial.session() as session, trial.echo(session) as destination:
            forward = await _forward(trial, session, ANY_PORT, destination)
            dialled = [await dial(forward.address) for _ in range(SEVERAL)]
            for number, (reader, writer) in reversed(list(enumerate(dialled))):
                writer.write(b"%d" % number)
                got = await within(SOON_SECONDS, reader.read(10), "an answer through a forward")
                assert got == b"%d" % number
            for _, writer in dialled:
                writer.close()
                await writer.wait_closed()
            await forward.aclose()

    @needs(Capability.FORWARD_TCP)
    async def test_a_forward_listens_where_it_is_told(self, trial: Trial) -> None:
        with socket.create_server(("127.0.0.1", 0)) as chosen:
            port = chosen.getsockname()[1]
        async with trial.session() as session, trial.echo(session) as destination:
            listen = TcpAddress("127.0.0.1", port)
            forward = await _forward(trial, session, listen, destination)
            assert forward.address == listen
            assert await exchange(listen, b"x") == b"xthe end"
            await forward.aclose()

    @needs(Capability.FORWARD_TCP)
    async def test_a_port_that_is_taken_is_told(self, trial: Trial) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            listen = TcpAddress("127.0.0.1", taken.getsockname()[1])
            async with trial.session() as session:
                with pytest.raises(ForwardError) as told:
                    await _forward(trial, session, listen, NOBODY)
                assert told.value.host == trial.target.alias
                assert told.value.answer
                assert told.value.fix
                await trial.works(session)

    @needs(Capability.FORWARD_TCP)
    async def test_a_destination_that_refuses_closes_the_connection_only(
        self, trial: Trial
    ) -> None:
        async with trial.session() as session, trial.echo(session) as destination:
            refusing = await _forward(trial, session, ANY_PORT, NOBODY)
            forward = await _forward(trial, session, ANY_PORT, destination)
            for _ in range(2):
                assert await _closed_at_once(refusing)
            assert await exchange(forward.address, b"x") == b"xthe end"
            await refusing.aclose()
            await forward.aclose()

    @needs(Capability.FORWARD_TCP)
    async def test_closing_a_forward_stops_it_alone(self, trial: Trial) -> None:
        async with trial.session() as session, trial.echo(session) as destination:
            first = await _forward(trial, session, ANY_PORT, destination)
            second = await _forward(trial, session, ANY_PORT, destination)
            await within(SOON_SECONDS, first.aclose(), "Forward.aclose")
            await within(SOON_SECONDS, first.aclose(), "a second Forward.aclose")
            assert await refuses(first.address)
            assert await exchange(second.address, b"x") == b"xthe end"
            await second.aclose()
            await trial.works(session)

    @needs(Capability.FORWARD_TCP)
    async def test_closing_the_session_closes_its_forwards(self, trial: Trial) -> None:
        session = await trial.connect()
        async with trial.echo(session) as destination:
            forward = await _forward(trial, session, ANY_PORT, destination)
            reader, writer = await dial(forward.address)
            writer.write(b"x")
            assert await reader.read(10) == b"x"
            await within(SOON_SECONDS, session.aclose(), "Session.aclose with a forward")
            with suppress(ConnectionError):
                got = await within(SOON_SECONDS, reader.read(), "the end of a connection")
                assert got in (b"", b"the end")
            writer.close()
            assert await refuses(forward.address)
            await within(SOON_SECONDS, forward.aclose(), "Forward.aclose after Session.aclose")

    @needs(Capability.FORWARD_TCP)
    async def test_a_cancelled_forward_leaves_nothing(self, trial: Trial) -> None:
        loop = asyncio.get_running_loop()
        async with trial.session() as session:
            started = loop.time()
            forward = await _forward(trial, session, ANY_PORT, NOBODY)
            took = loop.time() - started
            await forward.aclose()
            async with trial.leaving_nothing():
                for part in (0.0, 0.25, 0.5, 0.75, 0.95):
                    call = trial.transport.forward(session, ANY_PORT, NOBODY)
                    made = await trial.cancelled(call, took * part)
                    if made is not None:
                        await made.aclose()
                await trial.works(session)

    @needs(Capability.FORWARD_TCP)
    async def test_a_forward_after_one_that_was_cancelled_is_heard(self, trial: Trial) -> None:
        # A descriptor that is closed while the event loop watches it makes the next one deaf.
        async with trial.session() as session, trial.echo(session) as destination:
            for turns in range(20):
                call = trial.transport.forward(session, ANY_PORT, NOBODY)
                made = await trial.cancelled_after(call, turns)
                if made is not None:
                    await made.aclose()
                forward = await _forward(trial, session, ANY_PORT, destination)
                assert await exchange(forward.address, b"x") == b"xthe end"
                await forward.aclose()

    @needs(Capability.FORWARD_TCP, Capability.NETWORK)
    async def test_a_cut_connection_ends_what_its_forwards_carry(self, trial: Trial) -> None:
        async with trial.session() as session, trial.echo(session) as destination:
            forward = await _forward(trial, session, ANY_PORT, destination)
            reader, writer = await dial(forward.address)
            writer.write(b"x")
            assert await reader.read(10) == b"x"
            trial.server.relay.cut()
            with suppress(ConnectionError):
                assert await within(SOON_SECONDS, reader.read(), "the end of a connection") == b""
            writer.close()
            await within(SOON_SECONDS, forward.aclose(), "Forward.aclose after a cut")

    @needs(Capability.FORWARD_TCP)
    @with_server(forwards=False)
    async def test_a_server_that_forwards_nothing_is_told_or_closes(self, trial: Trial) -> None:
        async with trial.session() as session:
            with suppress(ForwardError):  # a server may say so at once, or at each connection
                forward = await _forward(trial, session, ANY_PORT, NOBODY)
                assert await _closed_at_once(forward)
                await forward.aclose()
            await trial.works(session)

    @where_undeclared(Capability.FORWARD_TCP)
    async def test_a_transport_without_forwards_says_so(self, trial: Trial) -> None:
        async with trial.session() as session:
            with pytest.raises(ForwardError) as told:
                await _forward(trial, session, ANY_PORT, NOBODY)
            assert told.value.host == trial.target.alias
            await trial.works(session)


async def _forward(
    trial: Trial, session: Session, listen: TcpAddress, destination: object
) -> Forward:
    assert isinstance(destination, TcpAddress)
    work = trial.transport.forward(session, listen, destination)
    return await within(SOON_SECONDS, work, "sshpyk_forward")


async def _closed_at_once(forward: Forward) -> bool:
    """Tell whether a connection through a forward ends without a byte."""
    reader, writer = await dial(forward.address)
    with suppress(ConnectionError):
        got = await within(SOON_SECONDS, reader.read(), "closing a connection that was refused")
        assert got == b""
    writer.close()
    return True
