"""What a supervisor does with iopub, in the test's process, between real ZeroMQ sockets."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import zmq
from sshpyk_core.remote import wire
from sshpyk_core.remote.attachment import Attachment
from sshpyk_core.remote.publications import KernelDoor, Publications
from sshpyk_core.remote.reactor import Conduit, Reactor
from sshpyk_core.remote.spool import SpoolBudget

from support.reactors import run_until

__all__ = ["Bench", "Program"]

HANDLE = 7

OPEN = bytes([wire.PORTS.index("iopub"), wire.BULK])


class Bench:
    """The half of a supervisor that carries iopub, and a kernel's port."""

    def __init__(self, folder: str, *, memory: int = 2**24, disk: int = 2**24) -> None:
        """Have a kernel that is a socket of this process; spools take so many bytes."""
        self.reactor = Reactor()
        self.budget = SpoolBudget(folder, limit=disk, memory=memory)
        self.context = zmq.Context()
        self.kernel = self._socket()
        self.port = self.kernel.bind_to_random_port("tcp://127.0.0.1")
        self.programs: list[Program] = []
        self._awaited = True
        self.publications = Publications(
            self.reactor,
            self.budget,
            KernelDoor(lambda: dict.fromkeys(wire.PORTS, self.port), lambda: self._awaited),
        )

    def _socket(self) -> zmq.Socket[bytes]:
        made = self.context.socket(zmq.XPUB)
        made.setsockopt(zmq.XPUB_VERBOSE, 1)
        made.setsockopt(zmq.SNDHWM, 0)
        made.setsockopt(zmq.LINGER, 0)
        return made

    def program(self) -> Program:
        """Have a program attach."""
        self.programs.append(Program(self))
        return self.programs[-1]

    def until(self, happened: Callable[[], bool]) -> None:
        """Let all go on until something has happened."""
        run_until(self.reactor, happened)

    def subscribed(self) -> None:
        """Wait until the kernel has heard of a subscriber more."""
        heard: list[bytes] = []

        def asked() -> bool:
            for each in self.programs:
                each.hear()  # a socket subscribes anew when its owner looks after it
            while self.kernel.poll(0):
                heard.append(self.kernel.recv())
            return b"\x01" in heard

        self.until(asked)

    def publish(self, *texts: str) -> None:
        """Have the kernel say something."""
        for text in texts:
            self.kernel.send_multipart([b"topic", text.encode()])

    def restart(self) -> None:
        """End the kernel's process and have another one listen at the same port."""
        address = self.kernel.getsockopt(zmq.LAST_ENDPOINT)
        self.kernel.close()
        self.kernel = self._socket()

        bound: list[bool] = []

        def bind() -> bool:
            with suppress(zmq.ZMQError):
                self.kernel.bind(address)
                bound.append(True)
            return bool(bound)

        self.until(lambda: bool(bound) or bind())

    def close(self) -> None:
        """End everything; nothing may be left of it."""
        for each in self.programs:
            each.close()
        self.publications.close()
        self.kernel.close()
        self.context.term()
        held = self.budget.in_memory, self.budget.on_disk
        watched = list(self.reactor._callbacks)
        self.reactor.close()
        assert (held, watched) == ((0, 0), [])


class Program:
    """One program that is attached: its hold, its connection, the client of its iopub port."""

    def __init__(self, bench: Bench) -> None:
        """Attach."""
        self._bench = bench
        self.attachment = Attachment(
            bench.reactor,
            bench.budget,
            bench.publications,
            lambda _one, _command: None,
            lambda: None,
        )
        self.acknowledges = True
        self.holds_back = False
        """Whether what comes is neither given to the client nor acknowledged."""
        self.held = 0
        self.events: list[Any] = []
        self.heard: list[str] = []
        """What its client has got, in order."""
        self.opened = 0
        """Streams so far."""
        self.closed = 0
        """Of those, how many the supervisor has closed."""
        self._sent = itertools.count(1)
        self.received = 0
        """The last frame that has come."""
        self._epoch = 0
        self._wire: Conduit | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        bench.reactor.watch(self._listener.fileno(), self._accept)
        self._clients: dict[int, Conduit] = {}
        self._given: dict[int, int] = {}
        self._socket: zmq.Socket[bytes] | None = None
        self.attach()

    # --- the wire ----------------------------------------------------------------------------

    def attach(self) -> None:
        """Connect, for the first time or again."""
        near, far = (each.detach() for each in socket.socketpair())
        splitter = wire.Splitter()

        def on_data(data: bytes) -> None:
            for frame in splitter.feed(data):
                self._take(frame)

        def lost() -> None:
            self.attachment.lost(conduit)

        self._wire = Conduit(self._bench.reactor, near, near, on_data, lambda: None)
        conduit = Conduit(self._bench.reactor, far, far, lambda _data: None, lost)
        self._epoch += 1
        request = {"epoch": self._epoch, "received": self.received}
        self.attachment.connect(conduit, HANDLE, request, {})

    def vanish(self) -> None:
        """End without a word: a kill, or a network that is gone."""
        assert self._wire is not None
        self._wire.close()
        self._bench.until(lambda: not self.attachment.connected)

    def leave(self) -> None:
        """Have the supervisor know that it will not come back."""
        self.attachment.leave()
        self._bench.until(lambda: not self.attachment.connected)

    def _take(self, frame: wire.Frame) -> None:
        if frame.seq <= self.received:
            return
        self.received = frame.seq
        if frame.kind == wire.DATA and self.holds_back:
            self.held += len(frame.payload)
        elif frame.kind == wire.DATA and frame.stream in self._clients:
            self._clients[frame.stream].write(frame.payload)
            self._given[frame.stream] = self._given.get(frame.stream, 0) + len(frame.payload)
        elif frame.kind == wire.EVENT:
            self.events.append(frame.json()["event"])
        elif frame.kind == wire.CLOSE and frame.stream in self._clients:
            self.closed += 1
            self._clients.pop(frame.stream).close_when_written()
        if self.acknowledges and not self.holds_back:
            self.acknowledge()

    def acknowledge(self, *, but: int = 0) -> None:
        """Say what has been taken: all frames but the last few."""
        payload = wire.U64.pack(self.received - but)
        self.attachment.take(wire.Frame(HANDLE, wire.ACK, 0, 0, payload))

    def _say(self, kind: int, stream: int, payload: bytes = b"") -> None:
        self.attachment.take(wire.Frame(HANDLE, kind, stream, next(self._sent), payload))

    # --- the client --------------------------------------------------------------------------

    def _accept(self) -> None:
        self.opened += 1
        number = self.opened
        fd = self._listener.accept()[0].detach()

        def gone() -> None:
            if self._clients.pop(number, None) is not None:
                self._say(wire.CLOSE, number, wire.U64.pack(self._given.get(number, 0)))

        def on_data(data: bytes) -> None:
            self._say(wire.DATA, number, data)

        self._clients[number] = Conduit(self._bench.reactor, fd, fd, on_data, gone)
        self._say(wire.OPEN, number, OPEN)

    def listen(self, *, server_key: bytes | None = None) -> None:
        """Have a client connect and subscribe to all; with a key, it encrypts."""
        self._socket = self._bench.context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVHWM, 0)
        self._socket.setsockopt(zmq.SUBSCRIBE, b"")
        if server_key is not None:
            self._socket.curve_serverkey = server_key
            self._socket.curve_publickey, self._socket.curve_secretkey = zmq.curve_keypair()
        self._socket.connect(f"tcp://127.0.0.1:{self._listener.getsockname()[1]}")

    def raw(self, said: bytes) -> socket.socket:
        """Have a client connect that speaks as a test likes; give its end."""
        client = socket.create_connection(self._listener.getsockname())
        client.sendall(said)
        return client

    def hear(self) -> list[str]:
        """Give all that the client has got."""
        while self._socket is not None and self._socket.poll(0):
            self.heard.append(self._socket.recv_multipart()[-1].decode())
        return self.heard

    def until_heard(self, wanted: list[str]) -> None:
        """Wait for what the client gets: exactly this."""
        self._bench.until(lambda: len(self.hear()) >= len(wanted))
        assert self.heard == wanted

    def stop_listening(self) -> None:
        """Have the client close its connection, and the program tell of it."""
        assert self._socket is not None
        self._socket.close()
        self._socket = None
        self._bench.until(lambda: not self._clients)

    def close(self) -> None:
        """Let go of everything."""
        if self._socket is not None:
            self._socket.close()
        for each in [*self._clients.values(), self._wire]:
            assert each is not None
            each.close()
        self._clients.clear()
        self._bench.reactor.watch(self._listener.fileno(), None)
        self._listener.close()
        self.attachment.end()
