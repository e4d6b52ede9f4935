"""What a kernel published while nobody listened goes to the next program that does.

What no program has taken goes, once and in order, to the first stream to the kernel's iopub port
that is opened when nobody listens. That stream gets no connection of its own to the kernel, but
joins the one that was left: first how the kernel opened it, then, once its client has subscribed,
the messages that wait, then what comes. The program that was there before keeps what it has not
taken, and gets it if it comes back.

A program that closes its last such stream leaves a keeper behind, which spools what is published
until somebody comes. Nothing of all this is possible where bytes cannot be understood, as with
CURVE: they pass as they are.
"""

from typing import Any, Callable, Dict, List, NamedTuple, Optional

from .outlet import Outlet
from .publication import Publication, Sink
from .reactor import Reactor
from .spool import Spool, SpoolBudget
from .subscriber import Subscriber

MOST_COPIED = 128 * 1024 * 1024
"""Bytes that are copied for somebody new; of more than that, the absent program keeps nothing."""


class KernelDoor(NamedTuple):
    """Where the kernel listens, and whether it may still come to listen there."""

    ports: Callable[[], Dict[str, int]]
    awaited: Callable[[], bool]


class Publications:
    """A kernel's connections that publish, and who gets what comes there."""

    def __init__(self, reactor: Reactor, budget: SpoolBudget, door: KernelDoor) -> None:
        """Start with none."""
        self._reactor = reactor
        self._budget = budget
        self.door = door
        self._all: List[Publication] = []
        self._arriving: List[Subscriber] = []
        self._plain_next = False

    def open(self, outlet: Outlet) -> Subscriber:
        """Carry a program's new stream: to the kernel, or to what was left of another stream."""
        self._prune()
        source = None if self._plain_next or self._listened() else self._latest()
        self._plain_next = False
        if source is None:
            sink = Sink(self._connect(), outlet)
            sink.publication.sinks.append(sink)
            return Subscriber(self._begin, self._left, self._refuse, sink)
        opening = source.publication.opening.data
        sink = Sink(source.publication, outlet, len(opening))
        subscriber = Subscriber(self._begin, self._left, self._refuse, sink, source)
        self._arriving.append(subscriber)
        outlet.send(opening)
        return subscriber

    def missed(self) -> Dict[str, Any]:
        """Say what a program that comes now would be given: bytes, full, since."""
        self._prune()
        source = None if self._listened() else self._latest()
        size = source.untaken if source is not None else 0
        if source is None or not size:
            return {"bytes": 0, "full": False, "since": None}
        full = source.publication.cut_short or source.tail.cut
        return {"bytes": size, "full": full, "since": source.outlet.gone_since}

    def close(self) -> None:
        """End all connections."""
        for each in self._all:
            each.stream.close()
            for sink in each.sinks:
                sink.outlet.spool.discard()
        self._all.clear()

    # --- who is there ------------------------------------------------------------------------

    def _connect(self) -> Publication:
        port = self.door.ports()["iopub"]
        made = Publication(self._reactor, port, self._budget, self.door.awaited, self._make_room)
        self._all.append(made)
        return made

    def _sinks(self) -> List[Sink]:
        return [sink for each in self._all for sink in each.sinks]

    def _listened(self) -> bool:
        """Say whether somebody takes what the kernel publishes, or is about to."""
        if any(each.sink.outlet.listens for each in self._arriving):
            return True
        live = [each for each in self._all if not each.ended]
        return any(sink.outlet.listens for each in live for sink in each.sinks)

    def _latest(self) -> Optional[Sink]:
        """Give who has taken the most of those who do not listen: the last that was there."""
        left = [
            sink
            for each in self._all
            if each.replayable
            for sink in each.sinks
            if sink.eligible and sink.opened and not sink.outlet.listens
        ]
        return min(left, key=lambda sink: sink.untaken, default=None)

    def _is_latest(self, left: Sink) -> bool:
        """Say whether nobody listens, and one who has gone has taken more than all others."""
        if self._listened() or not left.eligible:
            return False
        other = self._latest()
        return other is None or left.untaken < other.untaken

    def _prune(self) -> None:
        """Forget connections that have ended and of which nothing waits for others."""
        for each in [one for one in self._all if one.ended]:
            waits = [sink for sink in each.sinks if sink.eligible and sink.untaken]
            needed = any(one.source in each.sinks for one in self._arriving)
            if not (each.replayable and waits) and not needed:
                self._all.remove(each)
                for sink in each.sinks:
                    sink.outlet.watch(None)

    # --- from one to the next ----------------------------------------------------------------

    def _begin(self, subscriber: Subscriber, said: bytes) -> None:
        """Give what waits to somebody who has subscribed just now, and then what comes."""
        self._arriving.remove(subscriber)
        sink, source, subscriber.source = subscriber.sink, subscriber.source, None
        assert source is not None
        if source in source.publication.sinks and source.eligible:
            self._hand_on(source, sink)
        for each in self._sinks():
            each.eligible = each.outlet.listens
        if sink.publication.ended:
            # Another process of the kernel, if there is one, has to hear all of it.
            sink.publication = self._connect()
            sink.publication.swallows_opening = True
            sink.publication.subscribed = True
            said = subscriber.client.opening.data + said
        sink.publication.sinks.append(sink)
        sink.publication.cut_short = False
        sink.publication.hear(said)
        sink.publication.read_on()

    def _hand_on(self, source: Sink, sink: Sink) -> None:
        budget, size = self._budget, source.untaken
        room = budget.memory + budget.limit - budget.in_memory - budget.on_disk
        if not source.outlet.is_keeper and size <= min(room, MOST_COPIED):
            sink.copy_from(source)
        elif not source.outlet.listens:
            sink.take_from(source)
            self._drop(source)

    def _drop(self, sink: Sink) -> None:
        """Give up what waits for somebody who is not there."""
        sink.publication.sinks.remove(sink)
        sink.outlet.watch(None)
        sink.outlet.overrun()

    def _left(self, subscriber: Subscriber, delivered: Optional[int]) -> None:
        """Let a stream go that a program has closed; keep what waits if nobody else is there."""
        sink = subscriber.sink
        publication = sink.publication
        if subscriber in self._arriving:
            self._arriving.remove(subscriber)
        elif sink in publication.sinks:
            if delivered is not None:
                sink.settle(delivered)
            publication.sinks.remove(sink)
            heirs = [each for each in self._arriving if each.source is sink]
            if heirs or self._is_latest(sink):
                self._keep(sink, heirs)
        sink.outlet.watch(None)
        self._close(publication)

    def _keep(self, sink: Sink, heirs: List[Subscriber]) -> None:
        """Leave a keeper in a sink's place, the only one that there is."""
        publication = sink.publication
        if publication.ended or not publication.replayable or not sink.opened:
            return
        for older in [each for each in self._sinks() if each.outlet.is_keeper]:
            self._drop(older)
            self._close(older.publication)
        keeper = Sink(publication, Outlet(Spool(self._budget), self._budget), opening=0)
        keeper.take_from(sink)
        publication.sinks.append(keeper)
        for each in heirs:
            each.source = keeper

    def drop_keeper(self) -> None:
        """Give up what is kept for whoever comes: one who gets all of it is back."""
        sources = [each.source for each in self._arriving]
        for each in self._sinks():
            if each.outlet.is_keeper and each not in sources:
                self._drop(each)
                self._close(each.publication)

    def _close(self, publication: Publication) -> None:
        """Close a connection that nobody needs any more, when the kernel has heard all."""
        awaited = any(each.sink.publication is publication for each in self._arriving)
        if not publication.sinks and not awaited and publication in self._all:
            self._all.remove(publication)
            publication.stream.close_when_written()

    def _refuse(self, subscriber: Subscriber) -> None:
        """End a stream that cannot go on with what was left; the next one goes to the kernel."""
        self._left(subscriber, None)
        self._plain_next = True
        subscriber.sink.outlet.end()

    # --- a full spool ------------------------------------------------------------------------

    def _make_room(self, publication: Publication) -> bool:
        """Give up what waits for absent programs where others need the room.

        Returns:
            Whether no more may be read from this connection all the same.
        """
        sinks = publication.sinks
        listening = [each for each in sinks if each.outlet.listens]
        if listening:
            absent = [each for each in self._sinks() if not each.outlet.listens]
        else:
            latest = min(sinks, key=lambda each: (not each.eligible, each.untaken))
            absent = [each for each in sinks if each is not latest]
        for each in sorted(absent, key=lambda each: each.outlet.spool.size, reverse=True):
            if self._budget.full:
                self._drop(each)
                self._close(each.publication)
        if any(not each.outlet.must_wait for each in listening):
            # Somebody takes it all: who is slow can come back by a connection of its own.
            for each in [slow for slow in sinks if slow.outlet.must_wait]:
                self._drop(each)
        waits = any(each.outlet.must_wait for each in sinks)
        publication.cut_short = publication.cut_short or waits
        return waits
