"""What a supervisor holds for one program: all of it is sent again, and read on when it fits."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sshpyk_core.remote import wire
from sshpyk_core.remote.attachment import Attachment
from sshpyk_core.remote.publications import KernelDoor, Publications
from sshpyk_core.remote.reactor import Conduit, Reactor
from sshpyk_core.remote.spool import SpoolBudget
from support.reactors import run_until

KIB = 1024
HANDLE = 7
FIRST, SECOND = 1, 2
IOPUB = wire.PORTS.index("iopub")


class Bench:
    """An attachment, a kernel that is only a port, and the programs that attach."""

    def __init__(self, budget: SpoolBudget) -> None:
        self.reactor = Reactor()
        self.budget = budget
        self.kernel = socket.create_server(("127.0.0.1", 0))
        ports = dict.fromkeys(wire.PORTS, self.kernel.getsockname()[1])
        self.attachment = Attachment(
            self.reactor,
            budget,
            Publications(self.reactor, budget, KernelDoor(lambda: ports, lambda: True)),
            lambda _one, _command: None,
            lambda: None,
        )
        self._conduits: list[Conduit] = []
        self._streams: list[int] = []
        self._sent = 0

    def take(self, kind: int, stream: int, payload: bytes = b"") -> None:
        """Have the attachment take the next frame of the program."""
        self._sent += 1
        self.attachment.take(wire.Frame(HANDLE, kind, stream, self._sent, payload))

    def opened(self, stream: int) -> Conduit:
        """Open a stream; give the kernel's end of its connection."""
        self.take(wire.OPEN, stream, bytes([IOPUB, wire.BULK]))
        self._streams.append(stream)
        connection = self.kernel.accept()[0]
        return self._conduit(connection, lambda _data: None)

    def attached(
        self, epoch: int, received: int = 0, *, acknowledging: bool = False
    ) -> list[wire.Frame]:
        """Attach over a new connection; give the list that its frames will be in."""
        near, far = socket.socketpair()
        frames: list[wire.Frame] = []
        splitter = wire.Splitter()

        def on_data(data: bytes) -> None:
            new = splitter.feed(data)
            frames.extend(new)
            if acknowledging and new and new[-1].seq:
                number = wire.U64.pack(new[-1].seq)
                self.attachment.take(wire.Frame(HANDLE, wire.ACK, 0, 0, number))

        self._conduit(near, on_data)
        request: dict[str, Any] = {"epoch": epoch, "received": received}
        self.attachment.connect(self._conduit(far, lambda _data: None), HANDLE, request, {})
        return frames

    def _conduit(self, connection: socket.socket, on_data: Callable[[bytes], None]) -> Conduit:
        fd = connection.detach()
        self._conduits.append(Conduit(self.reactor, fd, fd, on_data, lambda: None))
        return self._conduits[-1]

    def until(self, happened: Callable[[], bool]) -> None:
        run_until(self.reactor, happened)

    def close(self) -> None:
        self.attachment.end()
        for stream in self._streams:
            self.take(wire.CLOSE, stream)
        for conduit in self._conduits:
            conduit.close()
        self.kernel.close()
        self.reactor.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Give one whose spools hold 64 KiB in memory and 64 KiB on disk."""
    made = Bench(SpoolBudget(str(tmp_path), limit=64 * KIB, memory=64 * KIB))
    yield made
    made.close()


def said(frames: list[wire.Frame], stream: int) -> bytes:
    """Give what came on a stream."""
    data = [each for each in frames if each.kind == wire.DATA]
    return b"".join(each.payload for each in data if each.stream == stream)


def held(budget: SpoolBudget) -> tuple[int, int]:
    """Give how many bytes the spools hold, and how many streams those have stopped."""
    return budget.in_memory + budget.on_disk, budget.stopped


def test_thousands_of_small_frames_that_nobody_acknowledged_are_sent_again(bench: Bench) -> None:
    many = 3000
    first = bench.attached(epoch=1)
    for number in range(many):
        bench.attachment.post(wire.EVENT, {"event": number})
    bench.until(lambda: len(first) == 1 + many)
    second = bench.attached(epoch=2, received=100)
    bench.until(lambda: len(second) == 1 + many - 100)
    assert [frame.seq for frame in second[1:]] == list(range(101, many + 1))
    assert [frame.json()["event"] for frame in second[1:]] == list(range(100, many))


def test_who_waits_for_an_acknowledgement_is_called_once_when_all_before_it_has_come(
    bench: Bench,
) -> None:
    called: list[str] = []

    def acknowledge(number: int) -> list[str]:
        payload = wire.U64.pack(number)
        bench.attachment.take(wire.Frame(HANDLE, wire.ACK, 0, 0, payload))
        return called

    first = bench.attached(epoch=1)
    for name in ("one", "two", "three"):
        bench.attachment.post(wire.EVENT, {"event": name})
        bench.attachment.when_acknowledged(lambda name=name: called.append(name))  # type: ignore[misc]
    bench.attachment.post(wire.EVENT, {"event": "after them"})
    bench.until(lambda: len(first) == 5)
    assert acknowledge(0) == []
    assert acknowledge(2) == ["one", "two"]
    assert acknowledge(2) == ["one", "two"]
    bench.attached(epoch=2, received=3)  # which acknowledges too
    assert called == ["one", "two", "three"]
    assert acknowledge(4) == ["one", "two", "three"]


def test_a_stream_that_a_full_spool_has_stopped_reads_on_when_there_is_room(bench: Bench) -> None:
    noted: list[bool] = []
    bench.budget.on_full = lambda: noted.append(bench.budget.was_full)
    kernel = bench.opened(FIRST)
    wanted = random.Random(1).randbytes(2 * KIB * KIB)
    kernel.write(wanted)
    bench.until(lambda: bench.budget.stopped == 1)
    assert bench.budget.full
    frames = bench.attached(epoch=1, acknowledging=True)
    bench.until(lambda: len(said(frames, FIRST)) >= len(wanted))
    assert said(frames, FIRST) == wanted
    assert held(bench.budget) == (0, 0)
    events = [frame.json()["event"] for frame in frames if frame.kind == wire.EVENT]
    assert events == ["spool-full"]
    assert noted == [True]


def test_a_full_spool_holds_up_only_the_streams_that_filled_it(bench: Bench) -> None:
    greedy, modest = bench.opened(FIRST), bench.opened(SECOND)
    greedy.write(bytes(KIB * KIB))
    bench.until(lambda: bench.budget.stopped == 1)
    full = held(bench.budget)[0]
    for count in (1, 2, 3):
        modest.write(b"m" * 100)
        bench.until(lambda wanted=full + 100 * count: held(bench.budget)[0] == wanted)
        assert (bench.budget.full, bench.budget.stopped) == (True, 1)
    # Its share in the memory is bounded too.
    modest.write(bytes(KIB * KIB))
    bench.until(lambda: bench.budget.stopped == 2)


def test_a_stream_reads_on_when_another_one_that_filled_the_spool_is_closed(bench: Bench) -> None:
    greedy, other = bench.opened(FIRST), bench.opened(SECOND)
    greedy.write(bytes(KIB * KIB))
    bench.until(lambda: bench.budget.stopped == 1)
    other.write(bytes(100 * KIB))
    bench.until(lambda: bench.budget.stopped == 2)
    bench.take(wire.CLOSE, FIRST)
    bench.until(lambda: bench.budget.stopped == 1)
    frames = bench.attached(epoch=1, acknowledging=True)
    bench.until(lambda: len(said(frames, SECOND)) == 100 * KIB)
    assert said(frames, FIRST) == b""
    assert held(bench.budget) == (0, 0)


def test_closing_a_stream_frees_its_spool_though_the_kernel_has_closed_it_before(
    bench: Bench,
) -> None:
    kernel = bench.opened(FIRST)
    kernel.write(bytes(100 * KIB))
    bench.until(lambda: held(bench.budget)[0] == 100 * KIB)
    kernel.close()
    other = bench.opened(SECOND)
    other.write(b"o")
    bench.until(lambda: held(bench.budget)[0] == 100 * KIB + 1)
    bench.take(wire.CLOSE, FIRST)
    bench.take(wire.CLOSE, SECOND)
    assert held(bench.budget) == (0, 0)
