"""The three pipes between this process and a command that the control master runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from dataclasses import dataclass
from io import FileIO

__all__ = ["READ_LIMIT_BYTES", "PipeWriter", "Pipes", "enlarge"]

# Few large reads are what makes a byte stream fast; asyncio's own limit is 64 KiB.
READ_LIMIT_BYTES = 4 * 1024 * 1024
_PIPE_BYTES = 1024 * 1024


class PipeWriter(asyncio.BaseProtocol):
    """The writing end of a pipe: a ByteWriter."""

    def __init__(self) -> None:
        """Start writable; asyncio connects it."""
        self._transport: asyncio.WriteTransport | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport that asyncio gives."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        transport.set_write_buffer_limits(high=READ_LIMIT_BYTES)

    def pause_writing(self) -> None:
        """Hold :meth:`drain` back: the buffer is full."""
        self._room.clear()

    def resume_writing(self) -> None:
        """Let :meth:`drain` go on."""
        self._room.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let :meth:`drain` fail."""
        self._lost = True
        self._room.set()

    def write(self, data: bytes) -> None:
        """Take the bytes; never blocks. After the end they are dropped, as `drain` says."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the buffer has room.

        Raises:
            ConnectionResetError: nobody reads the pipe any more.
        """
        await self._room.wait()
        if self._lost:
            raise ConnectionResetError("the remote process no longer reads its input")

    def close(self) -> None:
        """Close after what was written; the remote process then reads end of file."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once and drop what was not yet written."""
        self.close()
        # A pipe that asyncio is closing already must not be aborted as well.
        if self._transport is not None and self._transport.get_write_buffer_size():
            self._transport.abort()


@dataclass(frozen=True)
class Pipes:
    """This process's ends of a command's standard input, output and error."""

    stdin: PipeWriter
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader
    transports: tuple[asyncio.ReadTransport, ...]

    @classmethod
    async def open(cls) -> tuple[Pipes, tuple[FileIO, FileIO, FileIO]]:
        """Make the pipes; returns also the far ends, which the caller closes."""
        with contextlib.ExitStack() as undo:
            input_far, input_near = _pipe(undo)
            output_near, output_far = _pipe(undo)
            errors_near, errors_far = _pipe(undo)
            for near in (input_near, output_near):
                enlarge(near.fileno())
            stdin = await _writer(input_near)
            undo.callback(stdin.abort)
            stdout, output = await _reader(output_near)
            undo.callback(output.close)
            stderr, errors = await _reader(errors_near)
            undo.pop_all()
        return cls(stdin, stdout, stderr, (output, errors)), (input_far, output_far, errors_far)

    def abort(self) -> None:
        """Close this process's ends at once."""
        self.stdin.abort()
        for transport in self.transports:
            transport.close()


def enlarge(descriptor: int) -> None:
    """Let a pipe hold more than the usual 64 KiB where the system can (Linux, fcntl(2))."""
    if sys.platform == "linux":
        import fcntl

        f_setpipe_sz = 1031
        with contextlib.suppress(OSError):  # a user's quota of pipe memory may be used up
            fcntl.fcntl(descriptor, f_setpipe_sz, _PIPE_BYTES)


def _pipe(undo: contextlib.ExitStack) -> tuple[FileIO, FileIO]:
    read_end, write_end = os.pipe()
    reading, writing = FileIO(read_end, "rb"), FileIO(write_end, "wb")
    undo.callback(reading.close)
    undo.callback(writing.close)
    return reading, writing


async def _writer(pipe: FileIO) -> PipeWriter:
    _, protocol = await asyncio.get_running_loop().connect_write_pipe(PipeWriter, pipe)
    return protocol


async def _reader(pipe: FileIO) -> tuple[asyncio.StreamReader, asyncio.ReadTransport]:
    reader = asyncio.StreamReader(limit=READ_LIMIT_BYTES)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    return reader, transport
