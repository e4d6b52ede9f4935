"""Hosts behind other hosts: ProxyJump and ProxyCommand of ssh_config(5)."""

from __future__ import annotations

import asyncio
import shlex
import sys
from dataclasses import replace

import pytest

from sshpyk_core.declaration import Capability
from sshpyk_core.errors import (
    AuthenticationError,
    ChangedHostKeyError,
    ConnectError,
    HostUnreachableError,
    UnknownHostKeyError,
)
from sshpyk_core.testing.conformance.needs import needs
from sshpyk_core.testing.conformance.runner import within
from sshpyk_core.testing.conformance.topic import Topic
from sshpyk_core.testing.conformance.trial import SOON_SECONDS, Trial
from sshpyk_core.types import Target

__all__ = ["JumpHosts"]

PROXY = """
import socket, sys, threading
there = socket.create_connection(("127.0.0.1", int(sys.argv[1])))

def upwards():
    while data := sys.stdin.buffer.raw.read(65536):
        there.sendall(data)
    there.shutdown(socket.SHUT_WR)

threading.Thread(target=upwards, daemon=True).start()
while data := there.recv(65536):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
"""

on_jump_hosts = needs(Capability.JUMP_HOSTS, Capability.NETWORK, Capability.SSH_CONFIG)


class JumpHosts(Topic):
    """The way over other hosts."""

    @on_jump_hosts
    async def test_a_host_is_reached_through_a_jump_host(self, trial: Trial) -> None:
        with trial.server.behind() as beyond:
            async with trial.session(target=_beyond(trial)) as session:
                await trial.works(session)
                assert trial.server.relay.connections_made == 1
                assert beyond.connections_made == 1

    @on_jump_hosts
    async def test_a_host_is_reached_through_several_jump_hosts(self, trial: Trial) -> None:
        with (
            trial.server.behind() as beyond,
            trial.server.behind(alias="further", lines=["ProxyJump beyond"]) as further,
            trial.server.behind(alias="listed", lines=["ProxyJump there,beyond"]) as listed,
        ):
            for alias, last in (("further", further), ("listed", listed)):
                made = beyond.connections_made, trial.server.relay.connections_made
                async with trial.session(target=replace(trial.target, alias=alias)) as session:
                    await trial.works(session)
                    assert last.connections_made == 1
                    assert beyond.connections_made == made[0] + 1
                    assert trial.server.relay.connections_made == made[1] + 1

    @on_jump_hosts
    @pytest.mark.parametrize(
        ("spoil", "kind"),
        [
            ("forget_host_key", UnknownHostKeyError),
            ("change_host_key", ChangedHostKeyError),
            ("offer_wrong_key", AuthenticationError),
        ],
    )
    async def test_what_is_wrong_at_a_jump_host_is_told(
        self, trial: Trial, spoil: str, kind: type[ConnectError]
    ) -> None:
        getattr(trial.server.files, spoil)()
        with trial.server.behind() as beyond:
            await trial.refused(kind, target=_beyond(trial))
            assert beyond.connections_made == 0

    @on_jump_hosts
    async def test_a_jump_host_that_cannot_be_reached_is_told(self, trial: Trial) -> None:
        with trial.server.behind():
            trial.server.relay.refuse()
            await trial.refused(HostUnreachableError, target=_beyond(trial))

    @on_jump_hosts
    async def test_a_host_that_its_jump_host_cannot_reach_is_told(self, trial: Trial) -> None:
        with trial.server.behind() as beyond:
            beyond.refuse()
            await trial.refused(HostUnreachableError, target=_beyond(trial))

    @on_jump_hosts
    async def test_a_host_key_is_checked_behind_a_jump_host_too(self, trial: Trial) -> None:
        with trial.server.behind():
            known_hosts = trial.server.directory / "known_hosts_beyond"
            known_hosts.write_text("", encoding="ascii")
            await trial.refused(UnknownHostKeyError, target=_beyond(trial))

    @on_jump_hosts
    async def test_a_jump_host_that_vanishes_ends_the_session(self, trial: Trial) -> None:
        with trial.server.behind():
            async with trial.session(target=_beyond(trial)) as session:
                trial.server.relay.cut()
                await within(SOON_SECONDS, asyncio.shield(session.closed), "Session.closed")

    @on_jump_hosts
    async def test_a_cancelled_connection_leaves_nothing_at_any_hop(self, trial: Trial) -> None:
        loop = asyncio.get_running_loop()
        with trial.server.behind():
            started = loop.time()
            async with trial.session(target=_beyond(trial)):
                took = loop.time() - started
            for part in (0.1, 0.3, 0.5, 0.7, 0.9):
                async with trial.leaving_nothing():
                    call = trial.transport.connect(_beyond(trial), None)
                    session = await trial.cancelled(call, took * part)
                    if session is not None:
                        await session.aclose()

    @on_jump_hosts
    async def test_a_proxy_command_carries_the_connection(self, trial: Trial) -> None:
        program = trial.server.directory / "proxy.py"
        program.write_text(PROXY)
        command = shlex.join([sys.executable, str(program)])
        trial.server.configure(
            "HostName nowhere.invalid", "HostKeyAlias proxied", f"ProxyCommand {command} %p"
        )
        trial.server.files.trust_host_key(name="proxied")
        async with trial.session() as session:
            await trial.works(session)
            async with trial.leaving_nothing(), trial.session() as second:
                await trial.works(second)


def _beyond(trial: Trial) -> Target:
    return replace(trial.target, alias="beyond")
