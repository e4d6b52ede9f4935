"""Streams that are opened before the kernel takes connections: what clients said is not lost."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from sshpyk_core.remote import wire
from sshpyk_core.remote.attachment import UNHEARD, Attachment
from sshpyk_core.remote.publications import KernelDoor, Publications
from sshpyk_core.remote.reactor import Reactor
from sshpyk_core.remote.spool import SpoolBudget
from support.reactors import run_until

SHELL = wire.PORTS.index("shell")


class LateKernel:
    """An attachment to a kernel that has its port but does not listen on it yet."""

    def __init__(self, folder: str) -> None:
        self.reactor = Reactor()
        self.alive = True
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        ports = dict.fromkeys(wire.PORTS, self._socket.getsockname()[1])
        budget = SpoolBudget(folder, limit=0, memory=2**20)
        self.attachment = Attachment(
            self.reactor,
            budget,
            Publications(self.reactor, budget, KernelDoor(lambda: ports, lambda: self.alive)),
            lambda _one, _command: None,
            lambda: None,
        )
        self._taken = 0
        self._opened = 0

    def _take(self, kind: int, stream: int, payload: bytes = b"") -> None:
        self._taken += 1
        self.attachment.take(wire.Frame(1, kind, stream, self._taken, payload))

    def visited(self, said: bytes) -> None:
        """Have a client connect, say something and leave."""
        self._opened += 1
        self._take(wire.OPEN, self._opened, bytes([SHELL, wire.URGENT]))
        if said:
            self._take(wire.DATA, self._opened, said)
        self._take(wire.CLOSE, self._opened)

    def work_for(self, seconds: float) -> None:
        """Let time pass."""
        over: list[bool] = []
        self.reactor.call_later(seconds, lambda: over.append(True))
        run_until(self.reactor, lambda: bool(over))

    def listen(self, backlog: int = 100) -> None:
        self._socket.listen(backlog)
        self._socket.setblocking(False)

    def join_queue(self) -> socket.socket:
        """Connect, or begin to: which of the two depends on the room in the queue."""
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex(self._socket.getsockname())
        return connection

    def hear(self) -> bytes:
        """Take the next connection and all that is said on it."""
        arrived: list[socket.socket] = []

        def accept() -> None:
            self.reactor.watch(self._socket.fileno(), None)
            arrived.append(self._socket.accept()[0])

        self.reactor.watch(self._socket.fileno(), accept)
        run_until(self.reactor, lambda: bool(arrived))
        heard = [b"?"]
        connection = arrived[0]
        connection.setblocking(False)
        self.reactor.watch(connection.fileno(), lambda: heard.append(connection.recv(65536)))
        run_until(self.reactor, lambda: not heard[-1])
        self.reactor.watch(connection.fileno(), None)
        connection.close()
        return b"".join(heard[1:])

    def close(self) -> None:
        self.attachment.end()
        self._socket.close()
        self.reactor.close()


@pytest.fixture
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LateKernel]:
    made = LateKernel(str(tmp_path_factory.mktemp("spool")))
    yield made
    made.close()


def test_what_a_client_said_before_it_left_waits_for_the_kernel_to_listen(
    kernel: LateKernel,
) -> None:
    large = bytes(range(256)) * 4096
    kernel.visited(large)
    kernel.work_for(0.05)
    kernel.listen()
    assert kernel.hear() == large


def test_what_a_client_said_before_it_left_waits_for_room_in_the_kernels_queue(
    kernel: LateKernel,
) -> None:
    kernel.listen(backlog=0)
    queue = [kernel.join_queue() for _ in range(2)]
    kernel.visited(b"late")
    for connection in queue:
        connection.close()
    heard = [kernel.hear()]
    while heard[-1] != b"late":
        heard.append(kernel.hear())
    assert set(heard) == {b"", b"late"}


def test_a_client_that_said_nothing_leaves_nothing_behind(kernel: LateKernel) -> None:
    kernel.visited(b"")
    kernel.visited(b"something")
    kernel.listen()
    assert kernel.hear() == b"something"


def test_nobody_waits_for_a_kernel_that_has_ended(kernel: LateKernel) -> None:
    kernel.visited(b"to the first")
    kernel.alive = False
    kernel.work_for(0.3)
    kernel.alive = True
    kernel.visited(b"to the second")
    kernel.listen()
    assert kernel.hear() == b"to the second"


def test_only_so_many_wait_for_a_kernel_that_hangs_and_the_oldest_give_way(
    kernel: LateKernel,
) -> None:
    said = [b"%d" % number for number in range(UNHEARD + 3)]
    for each in said:
        kernel.visited(each)
    kernel.listen()
    heard = [kernel.hear() for _ in range(UNHEARD)]
    assert sorted(heard) == sorted(said[3:])


def test_the_end_of_the_attachment_is_the_end_of_the_wait(kernel: LateKernel) -> None:
    kernel.visited(b"in vain")
    kernel.attachment.end()
    kernel.visited(b"to the next")
    kernel.listen()
    assert kernel.hear() == b"to the next"
