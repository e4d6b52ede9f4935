"""A remote command over one session channel: its three streams, flow control, its end."""

from __future__ import annotations

import asyncio

import asyncssh
from sshpyk_core.transport_kit.streams.byte_queue import ByteQueue
from sshpyk_core.types import NO_EXIT_STATUS

from sshpyk_asyncssh.exit_signals import exit_status_of

__all__ = ["ChannelSession", "Process", "StandardInput", "abandon"]

UNREAD_LIMIT_BYTES = 4 << 20
"""How much output may wait to be read before the host is held back; then come a window's worth."""

UNSENT_LIMIT_BYTES = 1 << 20
"""How much input may wait to be sent before ``drain`` waits."""

_CLOSE_LIMIT_SECONDS = 1.0


class ChannelSession(asyncssh.SSHClientSession[bytes]):
    """What asyncssh calls back for one channel.

    Attributes:
        channel: None until the server has opened it, and when it is gone.
        stdout: the command's output.
        stderr: its error output.
        exit_status: done with the first of: its exit status, its exit signal, the channel's end.
        room: set while it is sensible to write more.
        lost: done when the channel is gone.
    """

    def __init__(self) -> None:
        """Wait for the channel."""
        loop = asyncio.get_running_loop()
        self.channel: asyncssh.SSHClientChannel[bytes] | None = None
        self.stdout = ByteQueue(self._taken)
        self.stderr = ByteQueue(self._taken)
        self.exit_status: asyncio.Future[int] = loop.create_future()
        self.room = asyncio.Event()
        self.room.set()
        self.lost: asyncio.Future[None] = loop.create_future()
        self._paused = False
        self._over = False

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Keep the channel; close it when nobody waits for it any more."""
        if self._over:
            chan.abort()
            return
        self.channel = chan
        chan.set_write_buffer_limits(high=UNSENT_LIMIT_BYTES)

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Put output where it is read, and hold the host back when nobody reads it."""
        stream = self.stderr if datatype == asyncssh.EXTENDED_DATA_STDERR else self.stdout
        stream.feed(data)
        if not self._paused and self._unread >= UNREAD_LIMIT_BYTES and self.channel is not None:
            self._paused = True
            self.channel.pause_reading()

    def eof_received(self) -> bool:
        """End both outputs; the input stays open."""
        self.stdout.end()
        self.stderr.end()
        return True

    def exit_status_received(self, status: int) -> None:
        """Keep the exit status."""
        self._set_exit_status(status)

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        """Keep the signal that ended the command."""
        self._set_exit_status(exit_status_of(signal))

    def pause_writing(self) -> None:
        """Hold ``drain`` back."""
        self.room.clear()

    def resume_writing(self) -> None:
        """Let ``drain`` go on."""
        self.room.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """End all that waits for this channel."""
        self.channel = None  # it must not be touched any more
        self.end()
        if not self.lost.done():
            self.lost.set_result(None)

    def end(self) -> None:
        """End the streams; nothing that comes now counts any more."""
        self._over = True
        self.eof_received()
        self._set_exit_status(NO_EXIT_STATUS)
        self.room.set()

    @property
    def held_back(self) -> bool:
        """Whether the host is held back because nobody reads."""
        return self._paused

    @property
    def _unread(self) -> int:
        return self.stdout.size + self.stderr.size

    def _taken(self) -> None:
        if self._paused and self._unread <= UNREAD_LIMIT_BYTES // 2 and self.channel is not None:
            self._paused = False
            self.channel.resume_reading()

    def _set_exit_status(self, status: int) -> None:
        if not self.exit_status.done():
            self.exit_status.set_result(status)


class StandardInput:
    """The command's standard input: a ByteWriter."""

    def __init__(self, session: ChannelSession, channel: asyncssh.SSHClientChannel[bytes]) -> None:
        """Write to an open channel."""
        self._session = session
        self._channel = channel
        self._closed = False

    def write(self, data: bytes) -> None:
        """Take the bytes; never blocks. After the end they are dropped, as `drain` says."""
        if not self._channel.is_closing():
            self._channel.write(data)

    async def drain(self) -> None:
        """Wait until little is left to send.

        Raises:
            ConnectionResetError: the channel is gone.
        """
        await self._session.room.wait()
        if self._session.lost.done() or (self._channel.is_closing() and not self._closed):
            raise ConnectionResetError("the remote process no longer reads its input")

    def close(self) -> None:
        """Half-close: the command reads end of file after what was written."""
        self._closed = True
        self._channel.write_eof()


class Process:
    """A command that runs on the host."""

    def __init__(self, session: ChannelSession, channel: asyncssh.SSHClientChannel[bytes]) -> None:
        """Wrap a channel on which the command has started."""
        self._session = session
        self._channel = channel
        self.stdin = StandardInput(session, channel)
        self.stdout = session.stdout
        self.stderr = session.stderr

    @property
    def ended(self) -> asyncio.Future[None]:
        """Done when the channel has been closed."""
        return self._session.lost

    async def wait(self) -> int:
        """Return the exit status: negative for a signal, 255 when none arrived."""
        return await asyncio.shield(self._session.exit_status)

    async def terminate(self) -> None:
        """Close the channel; harmless when the command has ended."""
        try:
            if self._session.exit_status.done() and not self._session.held_back:
                # Its channel is closing by itself; the server counts it until it has.
                await asyncio.wait([self.ended], timeout=_CLOSE_LIMIT_SECONDS)
        finally:
            abandon(self._session)


def abandon(session: ChannelSession) -> None:
    """Close a channel at once, whether the command has ended or not."""
    session.end()
    if session.channel is not None:
        session.channel.abort()
