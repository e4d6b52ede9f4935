"""A remote command over an exec channel of paramiko."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from sshpyk_core.types import NO_EXIT_STATUS

from sshpyk_paramiko.connection import Notice
from sshpyk_paramiko.gone import close
from sshpyk_paramiko.reading import ChannelReader, Pump
from sshpyk_paramiko.workers import Workers
from sshpyk_paramiko.writing import ChannelWriter

__all__ = ["ChannelProcess"]

_CLOSE_LIMIT_SECONDS = 1.0


class ChannelProcess:
    """A command that runs on the host: a RemoteProcess.

    Made before the command is started, so that nothing that the channel says is missed.

    Args:
        channel: of paramiko, open; belongs to the process from now on.
        workers: for what blocks.
        pump: takes what arrives.
        ended: called once, when the channel has been closed.
    """

    def __init__(
        self, channel: Any, workers: Workers, pump: Pump, ended: Callable[[ChannelProcess], None]
    ) -> None:
        """Wire the channel up."""
        loop = asyncio.get_running_loop()
        self._channel = channel
        self._workers = workers
        self._told = ended
        self._status: asyncio.Future[int] = loop.create_future()
        self._ended = False
        self.stdin = ChannelWriter(channel, workers)
        self.stdout = ChannelReader(pump, channel, channel.recv_ready, channel.recv)
        self.stderr = ChannelReader(pump, channel, channel.recv_stderr_ready, channel.recv_stderr)
        channel.in_buffer.set_event(self.stdout)
        channel.in_stderr_buffer.set_event(self.stderr)
        channel.status_event = Notice(loop, self._news)
        if channel.closed:
            self._news()

    async def wait(self) -> int:
        """Return the exit status.

        It is NO_EXIT_STATUS when a signal ended the command, of which paramiko does not tell, and
        when the connection or `terminate` came first.
        """
        return await asyncio.shield(self._status)

    async def terminate(self) -> None:
        """Close the channel and drop what is still here; harmless when it has ended."""
        self.abort()
        if not self._channel.closed:
            closing = asyncio.ensure_future(
                self._workers.run("close a channel", partial(close, self._channel))
            )
            await asyncio.wait([closing], timeout=_CLOSE_LIMIT_SECONDS)

    def abort(self) -> None:
        """Drop what is here, and leave the channel to the end of its connection."""
        self.stdin.abort()
        self.stdout.abort()
        self.stderr.abort()
        self._settle()  # what the command makes of the end of its input is no longer waited for

    def _news(self) -> None:
        """The exit status has arrived, or the channel has been closed."""
        if self._channel.exit_status >= 0 or self._channel.closed:
            self._settle()
        if self._channel.closed and not self._ended:
            self._ended = True
            self.stdin.abort()
            self._told(self)

    def _settle(self) -> None:
        """Take the exit status that has arrived, or none, for good."""
        if not self._status.done():
            status = self._channel.exit_status
            self._status.set_result(status if status >= 0 else NO_EXIT_STATUS)
