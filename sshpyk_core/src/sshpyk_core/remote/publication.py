"""What a kernel publishes on one connection, and those who get it.

Usually that is the stream for which the connection was made. A program that comes when nobody
listens joins a connection that an earlier one has left, so that nothing is missed between the two:
see :mod:`.publications`.
"""

from collections import deque
from itertools import chain
from typing import Callable, Deque, Iterator, List, Optional, Tuple

from .outlet import Outlet
from .reactor import Reactor
from .spool import DISK_PIECE, SpoolBudget
from .stream import KernelStream, StreamCallbacks
from .tail import Tail
from .zmtp import Boundaries, ForeignError, Opening


class Sink:
    """Somebody who gets what is published: a stream of a program, or what keeps it for the next."""

    def __init__(
        self, publication: "Publication", outlet: Outlet, opening: Optional[int] = None
    ) -> None:
        """Belong to a publication, without getting anything yet.

        Args:
            publication: the connection to the kernel.
            outlet: where its bytes go.
            opening: how many bytes go before the first message, if they are not the kernel's own.
        """
        self.publication = publication
        self.outlet = outlet
        self.eligible = True
        """Whether nobody else was given what waits here."""
        self.tail = Tail()
        self._opening = opening
        self._taken = 0
        self._ahead = 0
        self._missing: Optional[Boundaries] = None
        outlet.watch(self.taken)

    def receive(self, data: bytes) -> bool:
        """Take what was published; say whether no more may be read for now."""
        if self._missing is not None:
            data = self._whole(data)
        return self.outlet.send(data) if data else self.outlet.must_wait

    def _whole(self, data: bytes) -> bytes:
        """Give what comes behind a message whose beginning is lost."""
        if self._missing is None:
            return data
        first = self._missing.first(data)
        if first < 0:
            return b""
        self._missing = None
        return data[first:]

    # --- what was taken, and what was not ----------------------------------------------------

    def _opening_size(self) -> Optional[int]:
        if self._opening is None and self.publication.opening.done:
            self._opening = len(self.publication.opening.data)
        return self._opening

    def taken(self, data: bytes) -> None:
        """Take note that these bytes have arrived."""
        size, before = self._opening_size(), self._taken
        self._taken += len(data)
        self.eligible = True
        if size is None or self.publication.opaque:
            return
        try:
            self.tail.feed(data[size - before :] if before < size else data)
        except ForeignError:
            self.publication.opaque = True

    @property
    def opened(self) -> bool:
        """Whether the opening has been sent, so that what waits is messages."""
        size = self._opening_size()
        return size is not None and size <= self._taken + sum(map(len, self.outlet.kept()))

    def _kept(self) -> Iterator[bytes]:
        """Give what was sent and not taken of messages."""
        size = self._opening_size() or 0
        over = max(0, size - self._taken) + self._ahead
        for data in self.outlet.kept():
            yield data[over:]
            over = max(0, over - len(data))

    @property
    def untaken(self) -> int:
        """Count the bytes of messages that have not been taken as a whole."""
        kept = sum(map(len, self._kept()))
        waits = kept + self.outlet.spool.size
        return waits + self.tail.size if waits else 0

    def settle(self, delivered: int) -> None:
        """Count so many bytes as taken, of those that were sent."""
        for data in self.outlet.kept():
            rest = delivered - self._taken
            if rest <= 0:
                break
            self.taken(data[:rest])
            self._ahead += len(data[:rest])

    # --- from one to the next ----------------------------------------------------------------

    def copy_from(self, other: "Sink") -> None:
        """Get what another one has not taken; it keeps that too."""
        self._begin_with(other)
        for data in chain(other.tail.pieces, other._kept(), other.outlet.spool.pieces()):
            self.receive(data)

    def take_from(self, other: "Sink") -> None:
        """Get what another one has not taken; it has that no more."""
        self._begin_with(other)
        spool = other.outlet.spool
        first = [self._whole(data) for data in chain(other.tail.pieces, other._kept())]
        while self._missing is not None and spool.size:
            first.append(self._whole(spool.pop(DISK_PIECE)))
        self.outlet.spool.adopt([data for data in first if data], spool)
        self.outlet.filled()

    def _begin_with(self, other: "Sink") -> None:
        if other.tail.cut:
            self._missing = other.tail.boundaries.copy()
        elif other._missing is not None:
            self._missing = other._missing.copy()


class Publication:
    """One connection to the port on which a kernel publishes."""

    def __init__(
        self,
        reactor: Reactor,
        port: int,
        budget: SpoolBudget,
        awaited: Callable[[], bool],
        on_full: Callable[["Publication"], bool],
    ) -> None:
        """Begin to connect.

        Args:
            reactor: the process's.
            port: the kernel's.
            budget: of the supervisor's spools.
            awaited: says whether the kernel may still come to listen.
            on_full: makes room; says whether no more may be read all the same.
        """
        self.opening = Opening()
        self.opaque = False
        """Whether nothing can be told of the bytes that pass."""
        self.subscribed = False
        """Whether the kernel was asked for what it publishes."""
        self.half_said = False
        """Whether the kernel was told something in part, and nobody else may say anything."""
        self.ended = False
        """Whether the kernel has closed it."""
        self.cut_short = False
        """Whether something is missing in what waits."""
        self.swallows_opening = False
        self.sinks: List[Sink] = []
        self._owed: Deque[Tuple[Optional[Sink], int]] = deque()
        self._on_full = on_full
        callbacks = StreamCallbacks(self._said, self._end, self._written, awaited)
        self.stream = KernelStream(reactor, port, budget, callbacks)

    @property
    def replayable(self) -> bool:
        """Whether somebody else can go on with it."""
        known = self.opening.done and not self.opaque
        return known and self.subscribed and not self.half_said

    def _said(self, data: bytes) -> bool:
        if not self.opening.done and not self.opaque:
            data = self._opens(data)
        sinks = self.sinks
        if len(sinks) == 1:
            must_wait = sinks[0].receive(data)
        else:
            full = [each for each in list(sinks) if each.receive(data)]
            must_wait = bool(full)
        if not must_wait or not self._on_full(self):
            return False
        for each in [slow for slow in self.sinks if slow.outlet.must_wait]:
            each.outlet.note_full()
        return True

    def _opens(self, data: bytes) -> bytes:
        try:
            rest = self.opening.feed(data)
        except ForeignError:
            self.opaque = True
            for each in self.sinks:
                each.outlet.watch(None)
                if self.swallows_opening:
                    each.outlet.end()
            return data
        return rest if self.swallows_opening else data

    def _end(self) -> None:
        self.ended = True
        for each in list(self.sinks):
            each.outlet.end()

    def hear(self, data: bytes, sink: Optional[Sink] = None) -> None:
        """Tell the kernel something; a sink is told when the kernel has taken it."""
        if data:
            owed = self._owed.pop()[1] if self._owed and self._owed[-1][0] is sink else 0
            self._owed.append((sink, owed + len(data)))
            self.stream.write(data)

    def _written(self, size: int) -> None:
        while size and self._owed:
            sink, owed = self._owed.popleft()
            if owed > size:
                self._owed.appendleft((sink, owed - size))
            size, owed = max(0, size - owed), min(size, owed)
            if sink is not None:
                sink.outlet.granted(owed)

    def read_on(self) -> None:
        """Read again, if a full spool had stopped that and nobody has to wait any more."""
        if not any(each.outlet.must_wait for each in self.sinks):
            self.stream.read_on()
