"""One program's hold on a supervisor: its frames, its streams, and the connection it has now."""

import time
from typing import Any, Callable, Dict, List, Optional, Set, Tuple, Union

from . import wire
from .courier import ACK_DELAY, Courier
from .outlet import SMALL, Program, StreamOutlet
from .publications import Publications
from .reactor import Conduit, Reactor, Timer
from .spool import SpoolBudget
from .stream import KernelStream, StreamCallbacks
from .subscriber import Subscriber

HIGH_WATER = 256 * 1024
"""Bytes waiting for the bridge at which no more is handed to it: what waits can be overtaken."""

UNHEARD = 32
"""Closed streams that may still wait to be let in: a kernel that hangs must not collect them.

A client that tests by heartbeats makes a new connection every second to a kernel that is stopped.
"""

SILENCE = 5.0
"""Seconds that something may wait to be acknowledged before a silent program does not listen."""


class Attachment(Program):
    """Keeps what one program has not yet got, over however many connections."""

    def __init__(
        self,
        reactor: Reactor,
        budget: SpoolBudget,
        publications: Publications,
        on_command: Callable[["Attachment", Dict[str, Any]], None],
        on_lost: Callable[[], None],
    ) -> None:
        """Start without a connection; the callbacks are the supervisor's."""
        self._reactor = reactor
        self._budget = budget
        self._publications = publications
        self._on_command = on_command
        self._on_lost = on_lost
        self.on_stream_ended: Callable[[], None] = lambda: None
        self._courier = Courier(0, reactor.clock)
        self._streams: Dict[int, Union[KernelStream, Subscriber]] = {}
        self._unheard: List[Union[KernelStream, Subscriber]] = []
        self._conduit: Optional[Conduit] = None
        self._ack_timer: Optional[Timer] = None
        self._pumping = False
        self._told_full = False
        self._awaited: List[Tuple[int, Callable[[], None]]] = []
        self._heard_at = 0.0
        self._gone_since: Optional[float] = None
        self.epoch = 0

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._conduit is not None

    @property
    def speaking(self) -> Set[KernelStream]:
        """The streams on which a client may speak to the kernel: all open ones but iopub's."""
        streams = (each for each in self._streams.values() if isinstance(each, KernelStream))
        return {each for each in streams if each.connected}

    @property
    def listens(self) -> bool:
        """Whether the program takes what it is sent."""
        taken = self._courier.all_taken or self._reactor.clock() - self._heard_at < SILENCE
        return self._conduit is not None and taken

    @property
    def gone_since(self) -> Optional[float]:
        """When its connection ended, in seconds since the epoch; None while there is one."""
        return self._gone_since

    # --- connections -------------------------------------------------------------------------

    def connect(
        self, conduit: Conduit, handle: int, request: Dict[str, Any], status: Dict[str, Any]
    ) -> None:
        """Go on over a new connection, after fencing the older one.

        Raises:
            WireError: the request claims what cannot be.
        """
        epoch, received = int(request["epoch"]), int(request["received"])
        # Before the older connection is given up: one that claims nonsense does not replace it.
        self._courier.acknowledged(received)
        if self._conduit is not None:
            self._farewell("fenced", "a newer connection has taken over")
        self.epoch = epoch
        self._courier.supervisor = handle
        self._courier.resume(received)
        answer = {
            "epoch": self.epoch,
            "received": self._courier.tell_received(),
            "waiting": self._courier.waiting,
            "status": status,
        }
        self._conduit = conduit
        self._gone_since = None
        self._heard_at = self._reactor.clock()
        if any(isinstance(each, Subscriber) and each.gets_all for each in self._streams.values()):
            self._publications.drop_keeper()
        conduit.on_written = self._written
        conduit.write(wire.json_frame(handle, wire.ATTACHED, answer).encode())
        self.pump()
        self._call_awaited(received)

    def _farewell(self, kind: str, message: str) -> None:
        conduit, self._conduit = self._conduit, None
        if conduit is not None:
            answer = {"kind": kind, "message": message}
            frame = wire.json_frame(self._courier.supervisor, wire.FAREWELL, answer)
            conduit.write(frame.encode())
            conduit.close_when_written()

    def lost(self, conduit: Conduit) -> None:
        """Take note that a connection has ended."""
        if self._conduit is conduit:
            self._conduit = None
            self._gone_since = time.time()
            self._on_lost()

    def pump(self) -> None:
        """Hand frames to the connection while it takes them."""
        if self._pumping:
            # Writing calls back when bytes have left: the loop below goes on by itself.
            return
        self._pumping = True
        try:
            while self._conduit is not None and self._hand_over(self._conduit):
                pass
        finally:
            self._pumping = False

    def _hand_over(self, conduit: Conduit) -> bool:
        if conduit.closed or conduit.buffered >= HIGH_WATER:
            return False
        if self._courier.all_taken:
            # From now on an acknowledgement is due.
            self._heard_at = self._reactor.clock()
        frame = self._courier.next_frame()
        if frame is None:
            return False
        conduit.write(frame.header(), frame.payload)
        if frame.kind == wire.DATA:
            self._read_on()
        return True

    def _read_on(self) -> None:
        """Let streams that a full spool has stopped read on when there is room again."""
        if self._budget.stopped:
            for number, each in self._streams.items():
                if not self._must_wait(number):
                    each.read_on()

    def _must_wait(self, number: int) -> bool:
        return self._budget.full and self._courier.pending(number) > SMALL

    def _written(self, _size: int) -> None:
        self.pump()

    # --- frames ------------------------------------------------------------------------------

    def take(self, frame: wire.Frame) -> None:
        """Act on one frame from the link.

        Raises:
            WireError: the frame makes no sense; the connection is of no more use.
        """
        self._heard_at = self._reactor.clock()
        if frame.kind == wire.ACK:
            self._courier.acknowledged(frame.number(wire.U64))
            self.pump()
            self._call_awaited(frame.number(wire.U64))
            return
        if not frame.seq:
            raise wire.WireError("a supervisor takes no frame of kind %d" % frame.kind)
        if self._courier.accept(frame):
            self._act(frame)
        self._acknowledge(hurry=False)
        self.pump()

    def _act(self, frame: wire.Frame) -> None:
        stream = self._streams.get(frame.stream)
        if frame.kind == wire.COMMAND:
            self._on_command(self, frame.json())
        elif frame.kind == wire.OPEN:
            self._open(frame)
        elif frame.kind == wire.DATA and stream is not None:
            stream.write(frame.payload)
        elif frame.kind == wire.CLOSE:
            self._let_go(frame.stream, frame.number(wire.U64) if frame.payload else None)

    def _acknowledge(self, hurry: bool) -> None:
        number = self._courier.acknowledgement(hurry=hurry)
        if number is not None and self._conduit is not None:
            payload = wire.U64.pack(number)
            frame = wire.Frame(self._courier.supervisor, wire.ACK, 0, 0, payload)
            self._conduit.write(frame.encode())
        elif self._courier.owes_acknowledgement and self._ack_timer is None:
            self._ack_timer = self._reactor.call_later(ACK_DELAY, self._acknowledge_now)

    def _acknowledge_now(self) -> None:
        self._ack_timer = None
        if self._conduit is not None:
            self._acknowledge(hurry=True)

    # --- streams -----------------------------------------------------------------------------

    def _open(self, frame: wire.Frame) -> None:
        if len(frame.payload) != 2 or frame.payload[0] >= len(wire.PORTS):
            raise wire.WireError("stream %d is opened to no port" % frame.stream)
        name = wire.PORTS[frame.payload[0]]
        outlet = StreamOutlet(self, frame.stream, self._courier, self._budget)
        outlet.open(frame.payload[1])
        if name == "iopub":
            self._streams[frame.stream] = self._publications.open(outlet)
            return

        def on_data(data: bytes) -> bool:
            must_wait = outlet.send(data)
            if self._budget.full:
                self.note_full()
            return must_wait

        port = self._publications.door.ports()[name]
        callbacks = StreamCallbacks(
            on_data, outlet.end, outlet.granted, self._publications.door.awaited
        )
        self._streams[frame.stream] = KernelStream(self._reactor, port, self._budget, callbacks)

    def note_full(self) -> None:
        """Tell, once, that the spool is full."""
        if not self._told_full:
            self._told_full = True
            self.post(wire.EVENT, self._budget.note_full())

    def stream_ended(self, number: int) -> None:
        """Take note that nothing more will come on a stream."""
        self._streams.pop(number, None)
        self._read_on()
        self.on_stream_ended()

    def _let_go(self, number: int, delivered: Optional[int]) -> None:
        """Let go of a stream that the program has closed, after so many bytes for its client."""
        stream = self._streams.pop(number, None)
        if isinstance(stream, Subscriber):
            stream.leave(delivered)
        # Also where the kernel's end has closed already: nobody will take what waits.
        self._courier.abandon(number)
        self.stream_ended(number)
        if stream is not None:
            self._close(stream)

    def _close(self, stream: Union[KernelStream, Subscriber]) -> None:
        """Let a stream tell the kernel what it has to, now or when the kernel lets it in."""
        stream.close_when_written()
        self._unheard = [each for each in [*self._unheard, stream] if each.unheard]
        if len(self._unheard) > UNHEARD:
            self._unheard.pop(0).close()

    # --- the supervisor's words --------------------------------------------------------------

    def post(self, kind: int, value: Dict[str, Any]) -> None:
        """Send a RESULT or an EVENT."""
        self._courier.post(kind, 0, wire.dumps(value))
        self.pump()

    def when_acknowledged(self, callback: Callable[[], None]) -> None:
        """Call back once, when the program has everything that was posted up to now."""
        self._awaited.append((self._courier.last_posted, callback))

    def _call_awaited(self, received: int) -> None:
        due = [callback for number, callback in self._awaited if number <= received]
        self._awaited = [each for each in self._awaited if each[0] > received]
        for callback in due:
            callback()

    def leave(self) -> None:
        """End for a program that will not come back: what it has not taken is for the next."""
        for number in list(self._streams):
            self._let_go(number, None)
        self.end()

    def end(self) -> None:
        """Close the streams and the connection; nothing is kept any more."""
        for stream in [*self._streams.values(), *self._unheard]:
            stream.close()
        self._streams.clear()
        self._courier.abandon_all()
        self._farewell("ended", "the supervisor has ended")
