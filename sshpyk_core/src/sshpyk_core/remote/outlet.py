"""Where a stream's bytes go: to the program that opened it, or into a spool for whoever comes."""

import time
from typing import Any, Callable, Dict, List, Optional

from . import wire
from .courier import Courier
from .spool import Spool, SpoolBudget

SMALL = 64 * 1024
"""Bytes that a stream may always have waiting, also when the spool is full."""


class Program:
    """What an outlet needs of the attachment that it belongs to."""

    def pump(self) -> None:
        """Hand frames to the connection while it takes them."""
        raise NotImplementedError

    def post(self, kind: int, value: Dict[str, Any]) -> None:
        """Send a RESULT or an EVENT."""
        raise NotImplementedError

    def note_full(self) -> None:
        """Tell, once, that the spool is full."""
        raise NotImplementedError

    def stream_ended(self, number: int) -> None:
        """Take note that nothing more will come on a stream, and read on where that helps."""
        raise NotImplementedError

    @property
    def listens(self) -> bool:
        """Whether it takes what it is sent."""
        raise NotImplementedError

    @property
    def gone_since(self) -> Optional[float]:
        """When it went, in seconds since the epoch; None while it is connected."""
        raise NotImplementedError


class Outlet:
    """Takes the bytes that come from a port of the kernel; itself one that keeps them for later."""

    is_keeper = True
    """Whether it belongs to no program."""

    def __init__(self, spool: Spool, budget: SpoolBudget) -> None:
        """Start with what the spool holds."""
        self.spool = spool
        self._budget = budget
        self._since = time.time()

    def send(self, data: bytes) -> bool:
        """Take bytes; say whether no more may be read for now."""
        self.spool.append(data)
        return self.must_wait

    def note_full(self) -> None:
        """Remember that more was published than there is room for."""
        self._budget.note_full()

    @property
    def must_wait(self) -> bool:
        """Whether the spool is full, and this stream has its share in that.

        The others go on: a flood of output must hold up no interrupt and no heartbeat, and one
        client that takes nothing no other client.
        """
        return self._budget.full and self.spool.size > SMALL

    @property
    def listens(self) -> bool:
        """Whether somebody takes these bytes now."""
        return False

    @property
    def gone_since(self) -> Optional[float]:
        """When the last who took them went, in seconds since the epoch."""
        return self._since

    def kept(self) -> List[bytes]:
        """Give what was sent and may not have arrived."""
        return []

    def filled(self) -> None:
        """Take note that the spool was filled."""

    def end(self) -> None:
        """Take note that nothing more will come."""

    def granted(self, size: int) -> None:
        """Take note that the kernel has taken so many bytes."""

    def watch(self, on_taken: Optional[Callable[[bytes], None]]) -> None:
        """Have each piece that has arrived given to somebody, or to nobody any more."""

    def overrun(self) -> None:
        """Give up what waits here: there is no room for it."""
        self.spool.discard()


class StreamOutlet(Outlet):
    """One stream of an attachment."""

    is_keeper = False

    def __init__(
        self, program: Program, number: int, courier: Courier, budget: SpoolBudget
    ) -> None:
        """Belong to a stream that is not open yet."""
        super().__init__(Spool(budget), budget)
        self._program = program
        self._number = number
        self._courier = courier

    def open(self, priority: int) -> None:
        """Open it.

        Raises:
            WireError: it cannot be.
        """
        self._courier.open(self._number, priority, self.spool)

    def send(self, data: bytes) -> bool:
        """Send bytes to the program, now or later."""
        self._courier.send(self._number, data)
        self._program.pump()
        return self.must_wait

    def note_full(self) -> None:
        """Tell the program, once, that more comes than there is room for."""
        self._program.note_full()

    @property
    def listens(self) -> bool:
        """Whether the program takes what it is sent."""
        return self._program.listens

    @property
    def gone_since(self) -> Optional[float]:
        """When the program went."""
        return self._program.gone_since

    def kept(self) -> List[bytes]:
        """Give what the program has not acknowledged."""
        return self._courier.kept(self._number)

    def filled(self) -> None:
        """Send what somebody has put into the spool."""
        self._courier.wake(self._number)
        self._program.pump()

    def end(self) -> None:
        """Close the stream behind what waits."""
        self._program.stream_ended(self._number)
        self._courier.close(self._number)
        self._program.pump()

    def granted(self, size: int) -> None:
        """Let the program send more."""
        self._courier.grant(self._number, size)
        self._program.pump()

    def watch(self, on_taken: Optional[Callable[[bytes], None]]) -> None:
        """Have each piece given to somebody when the program has acknowledged it."""
        self._courier.watch(self._number, on_taken)

    def overrun(self) -> None:
        """Drop what waits, close the stream, and tell the program why."""
        self._program.post(wire.EVENT, self._budget.fullness())
        self.spool.discard()
        self.end()
