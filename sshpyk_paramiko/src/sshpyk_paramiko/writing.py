"""The input of a channel, sent by a thread of its own.

Nothing but a thread can wait for the room that the server gives in a channel.
"""

from __future__ import annotations

import asyncio
import contextlib
from queue import Empty, SimpleQueue
from typing import Any

from sshpyk_paramiko.gone import GONE
from sshpyk_paramiko.workers import Workers, tell

__all__ = ["ChannelWriter"]

_QUEUE_BYTES = 1024 * 1024
# Of a packet, RFC 4253 allows 35000 bytes in all, and servers offer 32768 for the data.
_PIECE_BYTES = 32768 - 64


class ChannelWriter:
    """The input of a channel: a ByteWriter.

    Args:
        channel: of paramiko; must not block when it is asked to send.
        workers: for the thread that sends; it starts with the first bytes.
    """

    def __init__(self, channel: Any, workers: Workers) -> None:
        """Start writable."""
        self._loop = asyncio.get_running_loop()
        self._channel = channel
        self._workers = workers
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._started = False
        self._closing = False
        self._gone = False
        self._room: asyncio.Future[None] | None = None
        self._draining = False
        self._written = 0  # written by the loop only
        self._sent = 0  # written by the sending thread only

    def write(self, data: bytes) -> None:
        """Take the bytes; never blocks. After the end they are dropped, as `drain` says."""
        if not data or self._closing or self._gone:
            return
        self._written += len(data)
        self._put(bytes(data))

    async def drain(self) -> None:
        """Wait until little is left to send.

        Raises:
            ConnectionResetError: the remote process no longer reads, or the connection is gone.
        """
        limit = _QUEUE_BYTES
        while not self._gone and not self._channel.closed:
            self._draining = True
            if self._written - self._sent <= limit:
                break
            limit = _QUEUE_BYTES // 2
            self._room = self._room or self._loop.create_future()
            await asyncio.shield(self._room)
        if self._gone or (self._channel.closed and not self._closing):
            raise ConnectionResetError("the remote process no longer reads its input")

    def close(self) -> None:
        """Half-close: the remote process reads end of file after what was written."""
        if not self._closing:
            self._closing = True
            self._put(None)

    def abort(self) -> None:
        """End the thread and drop what was not yet sent; the channel is closed by others."""
        self._lose()
        if self._started:
            self._queue.put(None)

    def _put(self, data: bytes | None) -> None:
        if not self._started:
            self._started = True
            self._workers.start("writer", self._run)
        self._queue.put(data)

    # On the sending thread

    def _run(self) -> None:
        try:
            while not self._gone and (data := self._queue.get()) is not None:
                data, ended = self._more(data)
                self._send(data)
                if ended:
                    break
            if not self._gone:
                self._channel.shutdown_write()
        except GONE:
            tell(self._loop, self._lose)

    def _more(self, data: bytes) -> tuple[bytes, bool]:
        """Join what else is waiting: few large packets are what makes a stream fast."""
        parts, size = [data], len(data)
        with contextlib.suppress(Empty):
            while size < _PIECE_BYTES:
                part = self._queue.get_nowait()
                if part is None:
                    return b"".join(parts), True
                parts.append(part)
                size += len(part)
        return b"".join(parts) if len(parts) > 1 else data, False

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view and not self._gone:
            sent = self._channel.send(bytes(view[:_PIECE_BYTES]))
            if sent == 0:
                raise ConnectionResetError("the channel is closed")
            view = view[sent:]
            self._sent += sent
            if self._draining and self._written - self._sent <= _QUEUE_BYTES // 2:
                self._draining = False
                tell(self._loop, self._make_room)

    # In the loop

    def _make_room(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        self._room = None

    def _lose(self) -> None:
        self._gone = True
        self._make_room()
