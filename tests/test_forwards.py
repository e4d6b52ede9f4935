"""Several forwards: where each listens, at first and later."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sshpyk_core.errors import ForwardError
from sshpyk_core.link.forwards import Forwards, Wanted
from sshpyk_core.port_forward import PortForward, not_here
from sshpyk_core.transport_kit.streams.local_forward import LocalForward
from sshpyk_core.types import Address, TcpAddress
from support.sshd_files import free_port

ANY = TcpAddress("127.0.0.1", 0)
THERE = TcpAddress("localhost", 1)


async def forward(listen: Address, _destination: Address) -> LocalForward:
    """Listen as a transport does; connections are of no interest."""
    made = LocalForward(listen)

    async def make_server(sock: socket.socket) -> asyncio.Server:
        return await asyncio.start_server(lambda *_: None, sock=sock, start_serving=False)

    await made.listen("box", make_server)
    return made


def at(port: int) -> TcpAddress:
    return TcpAddress("127.0.0.1", port)


@contextmanager
def taken(port: int) -> Iterator[None]:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        yield


async def test_the_first_address_that_can_be_had_is_kept() -> None:
    port = free_port()
    forwards = Forwards([Wanted((at(port), ANY), THERE)])
    await forwards.open(forward)
    assert forwards.ports == [port]
    await forwards.aclose()
    with taken(port):
        others = Forwards([Wanted((at(port), ANY), THERE)])
        await others.open(forward)
        (kept,) = others.ports
        assert kept not in (0, port)
    await others.open(forward)
    assert others.ports == [kept]
    await others.aclose()


async def test_who_must_have_a_port_comes_before_who_would_like_it() -> None:
    port = free_port()
    forwards = Forwards([Wanted((at(port), ANY), THERE), Wanted((at(port),), THERE)])
    await forwards.open(forward)
    assert forwards.ports[1] == port != forwards.ports[0]
    await forwards.aclose()


async def test_all_are_open_or_none() -> None:
    first, second = free_port(), free_port()
    forwards = Forwards([Wanted((at(first),), THERE), Wanted((at(second),), THERE)])
    with taken(second), pytest.raises(ForwardError, match=str(second)):
        await forwards.open(forward)
    with taken(first):
        pass


async def test_a_port_that_was_taken_meanwhile_is_told_of_and_the_others_are_back() -> None:
    forwards = Forwards([Wanted((ANY,), THERE), Wanted((ANY,), THERE)])
    await forwards.open(forward)
    first, second = forwards.ports
    await forwards.aclose()
    told: dict[int, object] = {}
    both = asyncio.Event()

    def tell(number: int, outcome: object) -> None:
        told[number] = outcome
        if len(told) == 2:
            both.set()

    with taken(first):
        forwards.begin(forward, tell)
        await asyncio.wait_for(both.wait(), 30)
    assert isinstance(told[0], ForwardError)
    assert told[1] == at(second)
    await forwards.aclose()


async def test_what_is_begun_anew_and_closed_at_once_leaves_nothing_open() -> None:
    port = free_port()
    under_way, may_go_on = asyncio.Event(), asyncio.Event()

    async def slow(listen: Address, destination: Address) -> LocalForward:
        under_way.set()
        await may_go_on.wait()
        return await forward(listen, destination)

    forwards = Forwards([Wanted((at(port),), THERE)])
    forwards.begin(slow, lambda *_: None)
    await under_way.wait()
    forwards.begin(slow, lambda *_: None)
    await forwards.aclose()
    may_go_on.set()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert others == set()
    with taken(port):
        pass


def test_a_taken_port_is_named_with_the_way_out() -> None:
    port = free_port()
    wish = PortForward.parse(f"{port}:8787")
    of_transport = ForwardError("box", "forward", "some reason")
    assert not_here(of_transport, "box", wish) is of_transport
    with taken(port):
        assert str(not_here(of_transport, "box", wish)) == (
            f"box: could not listen on 127.0.0.1:{port} of this machine for box port 8787: "
            "Address already in use\nLeave LOCAL out, and a free port is used."
        )
