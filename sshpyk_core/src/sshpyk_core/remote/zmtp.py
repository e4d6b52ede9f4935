"""What can be told of a ZeroMQ connection from its bytes: how it opens, where messages end.

ZMTP 3.x (https://rfc.zeromq.org/spec/23/ and /37/) with the mechanism NULL: each end sends a
greeting of 64 bytes, then the command READY, then frames: flags, a length of one byte or of eight,
the body. Of older versions and of what is encrypted nothing can be told.
"""

from typing import List, NamedTuple, Optional

GREETING = 64
MECHANISM = slice(12, 32)
NULL = b"NULL".ljust(20, b"\0")
READY = b"\x05READY"

MORE = 1
LONG = 2
COMMAND = 4

SHORT_HEADER = 2
LONG_HEADER = 9

MOST_READY = 64 * 1024
"""Bytes of the command READY and of a client's frame: a longer one is not meant for a kernel."""


class ForeignError(Exception):
    """The bytes are not of a connection that can be understood."""


class Opening:
    """How one end of a connection begins: its greeting and its READY."""

    def __init__(self) -> None:
        """Start before the first byte."""
        self.data = b""
        """The bytes of it that have come."""
        self.done = False
        """Whether all of them have."""

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes and give those that come after the opening.

        Raises:
            ForeignError: it is none.
        """
        if self.done:
            return data
        before = len(self.data)
        self.data += data[: GREETING + LONG_HEADER + MOST_READY - before]
        size = self._size()
        if size is None or size > len(self.data):
            return b""
        self.done = True
        self.data = self.data[:size]
        return data[size - before :]

    def _size(self) -> Optional[int]:
        """Give how many bytes it has, None while that cannot be told."""
        data = self.data
        if data[:1] not in (b"", b"\xff") or data[9:10] not in (b"", b"\x7f"):
            raise ForeignError("no greeting of ZMTP")
        if data[10:11] not in (b"", b"\x03"):
            raise ForeignError("version %d of ZMTP" % data[10])
        if len(data) < GREETING:
            return None
        if data[MECHANISM] != NULL:
            raise ForeignError("the mechanism %r" % data[MECHANISM].rstrip(b"\0"))
        frame = frame_at(data, GREETING)
        if frame is None:
            return None
        begins = data[frame.body : frame.body + len(READY)]
        a_command = frame.flags & ~LONG == COMMAND and len(READY) <= frame.size <= MOST_READY
        if not (a_command and READY.startswith(begins)):
            raise ForeignError("no READY after the greeting")
        return frame.body + frame.size


class FrameAt(NamedTuple):
    """What the header of a frame tells: its flags, where its body begins and how long that is."""

    flags: int
    body: int
    size: int


def frame_at(data: bytes, start: int) -> Optional[FrameAt]:
    """Read the header of the frame that begins there; None when not all of it has come.

    Raises:
        ForeignError: no frame begins so.
    """
    if start >= len(data):
        return None
    flags = data[start]
    if flags > 7 or flags & (COMMAND | MORE) == COMMAND | MORE:
        raise ForeignError("a frame with the flags %d" % flags)
    if not flags & LONG:
        if start + SHORT_HEADER > len(data):
            return None
        return FrameAt(flags, start + SHORT_HEADER, data[start + 1])
    if start + LONG_HEADER > len(data):
        return None
    if data[start + 1] > 127:
        raise ForeignError("a frame of more than 2^63 bytes")
    size = int.from_bytes(data[start + 1 : start + LONG_HEADER], "big")
    return FrameAt(flags, start + LONG_HEADER, size)


class Boundaries:
    """Finds where messages end, in bytes that come in any pieces; bodies are not looked at."""

    def __init__(self) -> None:
        """Start before the first byte of a message."""
        self._left = 0
        self._more = 0
        self._header = b""

    @property
    def between(self) -> bool:
        """Whether what has come so far ends with the end of a message."""
        return not (self._left or self._more or self._header)

    def copy(self) -> "Boundaries":
        """Give another one that stands at the same place."""
        other = Boundaries()
        other._left, other._more, other._header = self._left, self._more, self._header
        return other

    def feed(self, data: bytes) -> int:
        """Take the next bytes and give the last place in them where no message is under way.

        Returns:
            0 to the length of ``data``, or -1 where there is no such place.

        Raises:
            ForeignError: this is no ZMTP.
        """
        before = len(self._header)
        if before:
            data = self._header + data
            self._header = b""
        end, more, size = self._left, self._more, len(data)
        last = -1
        while end <= size:
            if not more:
                last = end
            if end == size:
                break
            # As frame_at does it, without its tuple: this is done for each frame of a flood.
            flags = data[end]
            if flags > 1 or end + SHORT_HEADER > size:
                frame = frame_at(data, end)
                if frame is None:
                    self._header = data[end:]
                    break
                end = frame.body + frame.size
            else:
                end += SHORT_HEADER + data[end + 1]
            more = flags & MORE
        self._left = max(0, end - size)
        self._more = more
        return max(-1, last - before)

    def first(self, data: bytes) -> int:
        """Take bytes up to the first place where no message is under way; give that place or -1.

        Raises:
            ForeignError: this is no ZMTP.
        """
        at = 0
        while at < len(data):
            step = max(1, min(self._left, len(data) - at))
            self.feed(data[at : at + step])
            at += step
            if self.between:
                return at
        return -1


class Said(NamedTuple):
    """One frame of a client: its bytes, and whether it subscribes or takes that back."""

    data: bytes
    subscribes: bool
    cancels: bool


class Client:
    """Reads what a client says to a kernel that publishes."""

    def __init__(self) -> None:
        """Start before the first byte."""
        self.opening = Opening()
        self.subscribed = False
        """Whether the client has asked for something."""
        self._rest = b""

    @property
    def unfinished(self) -> bool:
        """Whether it is in the middle of saying something."""
        return bool(self._rest)

    def feed(self, data: bytes) -> List[Said]:
        """Take the next bytes and give the frames behind the opening that are whole now.

        Raises:
            ForeignError: this is no ZMTP, or more than a client has to say.
        """
        data = self._rest + self.opening.feed(data)
        start = 0
        said = []
        while True:
            frame = frame_at(data, start)
            if frame is not None and frame.size > MOST_READY:
                raise ForeignError("a client's frame of %d bytes" % frame.size)
            if frame is None or frame.body + frame.size > len(data):
                break
            end = frame.body + frame.size
            said.append(self._understand(frame, data[start:end], data[frame.body : end]))
            start = end
        self._rest = data[start:]
        return said

    def _understand(self, frame: FrameAt, whole: bytes, body: bytes) -> Said:
        if frame.flags & COMMAND:
            subscribes, cancels = body.startswith(b"\x09SUBSCRIBE"), body.startswith(b"\x06CANCEL")
        else:
            subscribes, cancels = body.startswith(b"\x01"), body.startswith(b"\x00")
        self.subscribed = self.subscribed or subscribes
        return Said(whole, subscribes, cancels)
