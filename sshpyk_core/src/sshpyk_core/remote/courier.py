"""Each frame once, in order, over however many connections: the same code at both ends.

A frame gets its number when it is handed to a connection, not before: until then what is urgent
may overtake what is bulk. It is kept until the other end acknowledges it, and a new connection
begins with what the other end has not got. What may be sent of a stream is bounded by the credit
that its receiver gave, so what is kept is bounded too.
"""

import time
from collections import deque
from typing import Callable, Deque, Dict, List, Optional, Tuple

from .outflow import ByteQueue, Outflow
from .pacing import LEAST_BYTES, Pacing
from .wire import (
    BULK,
    CHUNK,
    CLOSE,
    CREDIT,
    DATA,
    OPEN,
    U32,
    URGENT,
    WINDOW,
    Frame,
    WireError,
)

ACK_BYTES = LEAST_BYTES // 2
"""Bytes taken after which an acknowledgement does not wait any longer."""

GREETING = 64
"""Bytes that ZeroMQ's clients say before they are answered."""

ACK_DELAY = 0.05
"""Seconds after which it does not wait any longer either, for both ends to keep."""


class Courier:
    """One attachment's frames, as one of its two ends sees them."""

    def __init__(self, supervisor: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with nothing sent and nothing received.

        Args:
            supervisor: goes into the frames.
            clock: gives seconds that never go back.
        """
        self.supervisor = supervisor
        self.received = 0
        self._next_seq = 1
        self._posted: Deque[Tuple[int, int, bytes]] = deque()
        self._turns: Tuple[Deque[Outflow], Deque[Outflow]] = (deque(), deque())
        self._outflows: Dict[int, Outflow] = {}
        self._allowed: Dict[int, int] = {}
        self._on_taken: Dict[int, Callable[[bytes], None]] = {}
        self._kept: Deque[Frame] = deque()
        self._resend: Deque[Frame] = deque()
        self._unacknowledged_bytes = 0
        self._acknowledged = 0
        self._pacing = Pacing(clock)

    # --- sending -----------------------------------------------------------------------------

    def post(self, kind: int, stream: int = 0, payload: bytes = b"") -> None:
        """Queue a frame that goes before all data."""
        self._posted.append((kind, stream, payload))

    @property
    def last_posted(self) -> int:
        """The number that the last frame has, or will have, of those sent and posted up to now."""
        return self._next_seq - 1 + len(self._posted)

    def open(self, stream: int, priority: int, queue: Optional[ByteQueue] = None) -> None:
        """Begin to send on a stream; ``queue`` holds what waits (in memory where not given)."""
        if stream in self._outflows:
            raise WireError("stream %d is open already" % stream)
        if priority not in (URGENT, BULK):
            raise WireError("there is no priority %d" % priority)
        self._outflows[stream] = Outflow(stream, priority, queue or ByteQueue())
        self._allowed[stream] = WINDOW

    def send(self, stream: int, data: bytes) -> None:
        """Queue bytes on an open stream; on one that is closed they are dropped."""
        outflow = self._outflows.get(stream)
        if outflow is not None and not outflow.closing and data:
            outflow.queue.append(data)
            self._schedule(outflow)

    def close(self, stream: int, last: bytes = b"") -> None:
        """Tell the other end that no more will come, after what is queued.

        Args:
            stream: its number.
            last: goes with the CLOSE.
        """
        self._allowed.pop(stream, None)
        outflow = self._outflows.get(stream)
        if outflow is None:
            return
        if outflow.queue.size:
            outflow.closing = True
            outflow.last = last
            self._schedule(outflow)
        else:
            # It need not wait for its turn, and what is posted after it must not overtake it.
            self.abandon(stream)
            self.post(CLOSE, stream, last)

    def abandon(self, stream: int) -> None:
        """Forget what is queued on a stream that the other end has closed."""
        self._allowed.pop(stream, None)
        outflow = self._outflows.pop(stream, None)
        if outflow is not None:
            outflow.closing = True
            outflow.queue.discard()

    def abandon_all(self) -> None:
        """Forget what is queued on all streams, also on those that are closed already."""
        for stream in list(self._outflows):
            self.abandon(stream)

    def watch(self, stream: int, on_taken: Optional[Callable[[bytes], None]]) -> None:
        """Have each piece that the other end has acknowledged given to somebody, or to nobody."""
        if on_taken is None:
            self._on_taken.pop(stream, None)
        else:
            self._on_taken[stream] = on_taken

    def kept(self, stream: int) -> List[bytes]:
        """Give what was sent on a stream and is not acknowledged yet."""
        return [each.payload for each in self._kept if each.stream == stream and each.kind == DATA]

    @property
    def all_taken(self) -> bool:
        """Whether the other end has acknowledged all that it was sent."""
        return not self._kept

    def wake(self, stream: int) -> None:
        """Look again at a stream whose queue was filled by somebody else."""
        if stream in self._outflows:
            self._schedule(self._outflows[stream])

    def take_back(self, stream: int) -> bool:
        """Forget a stream that the other end was not told of yet; say whether it is so.

        A client that looks for a sign of life comes and goes once a second, in a long outage too.
        Until it is answered it says its greeting. One that has said more is not forgotten.
        """
        opens = (number for kind, number, _ in self._posted if kind == OPEN)
        if self.pending(stream) > GREETING or stream not in opens:
            return False
        self._posted = deque(each for each in self._posted if each[1] != stream)
        self.abandon(stream)
        return True

    def pending(self, stream: int) -> int:
        """Count the bytes that wait on a stream."""
        outflow = self._outflows.get(stream)
        return outflow.queue.size if outflow is not None else 0

    def grant(self, stream: int, size: int) -> None:
        """Let the other end send so many more bytes on a stream."""
        if stream not in self._allowed:
            return
        self._allowed[stream] += size
        self.post(CREDIT, stream, U32.pack(size))

    def next_frame(self) -> Optional[Frame]:
        """Give the next frame to hand to the connection, or None when nothing may be sent."""
        if self._resend:
            return self._resend.popleft()
        if self._posted:
            return self._number(*self._posted.popleft())
        for priority, turns in enumerate(self._turns):
            while turns and self._pacing.room(priority):
                frame = self._from_stream(turns.popleft())
                if frame is not None:
                    return frame
        return None

    def _from_stream(self, outflow: Outflow) -> Optional[Frame]:
        outflow.scheduled = False
        if outflow.queue.size and outflow.credit > 0:
            data = outflow.queue.pop(min(CHUNK, outflow.credit))
            outflow.credit -= len(data)
            self._schedule(outflow)
            return self._number(DATA, outflow.stream, data)
        if outflow.closing and not outflow.queue.size and outflow.stream in self._outflows:
            del self._outflows[outflow.stream]
            outflow.queue.discard()
            return self._number(CLOSE, outflow.stream, outflow.last)
        return None

    def _schedule(self, outflow: Outflow) -> None:
        if not outflow.scheduled and outflow.ready():
            outflow.scheduled = True
            self._turns[outflow.priority].append(outflow)

    def _number(self, kind: int, stream: int, payload: bytes) -> Frame:
        frame = Frame(self.supervisor, kind, stream, self._next_seq, payload)
        self._next_seq += 1
        self._kept.append(frame)
        if kind == DATA:
            self._pacing.sent(frame.seq, len(payload))
        return frame

    # --- receiving ---------------------------------------------------------------------------

    def accept(self, frame: Frame) -> bool:
        """Take a sequenced frame; False means that it has been taken before.

        Raises:
            WireError: a frame is missing before this one, or it exceeds the stream's credit.
        """
        if frame.seq <= self.received:
            return False
        if frame.seq != self.received + 1:
            raise WireError("frame %d came after frame %d" % (frame.seq, self.received))
        self.received = frame.seq
        self._unacknowledged_bytes += len(frame.payload)
        if frame.kind == DATA:
            self._debit(frame.stream, len(frame.payload))
        elif frame.kind == CREDIT:
            self._credit(frame.stream, frame.number(U32))
        return True

    def _debit(self, stream: int, size: int) -> None:
        """Hold the other end to the credit that it was given: memory here depends on it."""
        if stream not in self._allowed:
            return
        self._allowed[stream] -= size
        if self._allowed[stream] < 0:
            raise WireError("stream %d was sent more than it may hold" % stream)

    def _credit(self, stream: int, size: int) -> None:
        outflow = self._outflows.get(stream)
        if outflow is not None:
            outflow.credit += size
            if outflow.credit > WINDOW:
                raise WireError("stream %d may be sent more than was ever taken" % stream)
            self._schedule(outflow)

    def acknowledgement(self, *, hurry: bool) -> Optional[int]:
        """Give the number to acknowledge now, if there is one to tell.

        Without ``hurry`` only when so many bytes have come that the other end keeps much.
        """
        if self.received == self._acknowledged:
            return None
        if not hurry and self._unacknowledged_bytes < ACK_BYTES:
            return None
        self._acknowledged = self.received
        self._unacknowledged_bytes = 0
        return self.received

    @property
    def owes_acknowledgement(self) -> bool:
        """Whether something has been taken that the other end still keeps."""
        return self.received != self._acknowledged

    def acknowledged(self, seq: int) -> None:
        """Forget what the other end has taken."""
        if seq >= self._next_seq:
            raise WireError("frame %d was acknowledged before it was sent" % seq)
        while self._kept and self._kept[0].seq <= seq:
            frame = self._kept.popleft()
            if frame.kind == DATA and frame.stream in self._on_taken:
                self._on_taken[frame.stream](frame.payload)
        self._pacing.acknowledged(seq)

    # --- connections -------------------------------------------------------------------------

    def tell_received(self) -> int:
        """Give the last number taken, for the other end to hear at the start of a connection."""
        self._acknowledged = self.received
        self._unacknowledged_bytes = 0
        return self.received

    def resume(self, peer_received: int) -> None:
        """Begin a new connection to a peer that has all up to ``peer_received``."""
        self.acknowledged(peer_received)
        self._pacing.new_connection()
        self._resend = deque(frame._replace(supervisor=self.supervisor) for frame in self._kept)

    @property
    def waiting(self) -> int:
        """Count the bytes that are queued or to be sent again, credit or not."""
        queued = sum(outflow.queue.size for outflow in self._outflows.values())
        return queued + sum(len(frame.payload) for frame in self._resend)
