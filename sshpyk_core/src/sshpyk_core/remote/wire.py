"""The wire format: frames between the link here, the bridge and the supervisors there.

A frame is a header of 21 bytes and a payload, all integers in network byte order::

    u32 size        bytes of payload, at most MAX_PAYLOAD
    u32 supervisor  the handle that the link gave to the supervisor; 0 is the bridge itself
    u8  kind        one of the kinds below
    u32 stream      the stream it belongs to, 0 for none
    u64 seq         position in this direction of this attachment, from 1; 0 is not sequenced

Sequenced frames arrive exactly once and in order, over however many connections: see
:mod:`.courier`. The others belong to one connection and die with it.

====== ========== ========= ================================================================
kind   name       direction payload
====== ========== ========= ================================================================
1      HELLO      to link   JSON: protocol, version, host name, boot id, pid of the bridge
2, 3   PING, PONG both      any bytes, returned as they came
4      REQUEST    to bridge JSON: id, do ("spawn", "attach", an errand), what that takes
5      ANSWER     to link   JSON: id, and "ok" or "error"
6      ATTACH     to super. JSON: token, attachment, epoch, received (last seq taken)
7      ATTACHED   to link   JSON: epoch, received, waiting (bytes), status of the kernel, in which
                            a new attachment is told what it has missed
8      ACK        both      u64: all up to this seq has been taken
9      FAREWELL   to link   JSON: kind, message: this attachment's connection is over
16     OPEN       to super. u8 port index (see PORTS), u8 priority of what comes back
17     DATA       both      bytes of the stream
18     CLOSE      both      the sender's end of the stream is closed; to super. u64: so many bytes
                            of it were given to the client, or none: those acknowledged
19     CREDIT     both      u32: so many more bytes may be sent on the stream
20     COMMAND    to super. JSON: id, do, what that takes; token where it is the first frame
21     RESULT     to link   JSON: id, and "ok" or "error"
22     EVENT      to link   JSON: event, and what that tells
====== ========== ========= ================================================================

Each direction of a stream starts with WINDOW bytes of credit. What is URGENT goes before what is
BULK whenever both wait; a frame once numbered keeps its place.
"""

import json
import struct
from typing import Any, Dict, List, NamedTuple, Union

PROTOCOL = 1

HEADER = struct.Struct("!IIBIQ")
U32 = struct.Struct("!I")
U64 = struct.Struct("!Q")

CHUNK = 64 * 1024
"""Most bytes of a stream in one frame: small enough that an urgent one never waits long."""

MAX_PAYLOAD = 4 * 1024 * 1024
"""A larger payload is a broken or hostile peer."""

WINDOW = 4 * 1024 * 1024
"""Bytes of credit that each direction of a stream starts with."""

HELLO = 1
PING = 2
PONG = 3
REQUEST = 4
ANSWER = 5
ATTACH = 6
ATTACHED = 7
ACK = 8
FAREWELL = 9
OPEN = 16
DATA = 17
CLOSE = 18
CREDIT = 19
COMMAND = 20
RESULT = 21
EVENT = 22

KINDS = frozenset([*range(HELLO, FAREWELL + 1), *range(OPEN, EVENT + 1)])

PORTS = ("shell", "iopub", "stdin", "control", "hb")
"""A kernel's five ports, in the order of the index in OPEN."""

URGENT = 0
BULK = 1


class WireError(Exception):
    """The peer sent what the format does not allow; the connection is of no more use."""


class Frame(NamedTuple):
    """One frame; see the module's docstring for the fields."""

    supervisor: int
    kind: int
    stream: int
    seq: int
    payload: bytes

    def encode(self) -> bytes:
        """Give the frame's bytes."""
        return self.header() + self.payload

    def header(self) -> bytes:
        """Give the bytes that go before the payload."""
        return HEADER.pack(len(self.payload), self.supervisor, self.kind, self.stream, self.seq)

    def json(self) -> Dict[str, Any]:
        """Give the payload of a JSON frame; anything but an object is a WireError."""
        try:
            value = json.loads(self.payload.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise WireError("frame of kind %d holds no JSON: %s" % (self.kind, error)) from error
        if not isinstance(value, dict):
            raise WireError("frame of kind %d holds no JSON object" % self.kind)
        return value

    def number(self, form: struct.Struct) -> int:
        """Give the payload of a frame that holds one integer."""
        if len(self.payload) != form.size:
            raise WireError("frame of kind %d holds %d bytes" % (self.kind, len(self.payload)))
        value = form.unpack(self.payload)[0]
        assert isinstance(value, int)
        return value


def dumps(value: Dict[str, Any]) -> bytes:
    """Give the payload of a JSON frame."""
    return json.dumps(value, separators=(",", ":")).encode("utf-8")


def json_frame(supervisor: int, kind: int, value: Dict[str, Any]) -> Frame:
    """Give an unsequenced JSON frame."""
    return Frame(supervisor, kind, 0, 0, dumps(value))


class Splitter:
    """Cuts a byte stream into frames."""

    def __init__(self) -> None:
        """Start before the first byte of a frame."""
        self._rest = bytearray()

    def feed(self, data: bytes) -> List[Frame]:
        """Take the next bytes and give all frames that are whole now.

        Raises:
            WireError: the bytes are not of this format; the splitter is of no more use.
        """
        frames = []
        for run in self.whole(data):
            start = 0
            while start < len(run):
                size, supervisor, kind, stream, seq = HEADER.unpack_from(run, start)
                start += HEADER.size + size
                payload = bytes(run[start - size : start])
                frames.append(Frame(supervisor, kind, stream, seq, payload))
        return frames

    def whole(self, data: bytes) -> List[memoryview]:
        """Take the next bytes and give those of all frames that are whole now, in order, uncut.

        Raises:
            WireError: see :meth:`feed`.
        """
        view = memoryview(data)
        runs = []
        if self._rest:
            # Only the frame that came in pieces is put together; the others are not copied.
            view = self._fill(view, HEADER.size)
            if len(self._rest) >= HEADER.size:
                size = _frame_size(self._rest, 0)
                view = self._fill(view, size)
                if len(self._rest) == size:
                    runs.append(memoryview(bytes(self._rest)))
                    self._rest.clear()
        stop = 0
        while len(view) - stop >= HEADER.size:
            size = _frame_size(view, stop)
            if size > len(view) - stop:
                break
            stop += size
        if stop:
            runs.append(view[:stop])
        self._rest += view[stop:]
        return runs

    def _fill(self, view: memoryview, size: int) -> memoryview:
        """Let what is kept grow to ``size`` bytes where possible; give what is left over."""
        missing = max(0, size - len(self._rest))
        self._rest += view[:missing]
        return view[missing:]


def _frame_size(data: Union[bytearray, memoryview], start: int) -> int:
    size, _supervisor, kind, _stream, _seq = HEADER.unpack_from(data, start)
    if size > MAX_PAYLOAD or kind not in KINDS:
        raise WireError("no frame starts with %s" % bytes(data[start : start + 32]).hex())
    return HEADER.size + int(size)
