"""The near half of the wire on a loop that the test turns: links, one kernel, its clients."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, TypeVar

from sshpyk_core.errors import LinkLostError, RemoteError
from sshpyk_core.link.link import Link
from sshpyk_core.link.stream import LocalStream
from sshpyk_core.link.supervisor import SupervisorClient
from sshpyk_core.link.watcher import SpoolFull
from sshpyk_core.remote import wire
from sshpyk_core.timers import LinkTimers

from support.held_channel import HeldChannel
from support.talkers import Talker
from support.virtual_time import Clock, VirtualLoop

__all__ = ["NearHalf", "NobodyWatches"]

T = TypeVar("T")


class NobodyWatches:
    """Owns a kernel, and does not mind what becomes of it."""

    def exited(self, returncode: int) -> None:
        """Do nothing."""

    def spool_full(self, full: SpoolFull) -> None:
        """Do nothing."""

    def supervisor_gone(self, reason: str) -> None:
        """Do nothing."""

    def started_late(self) -> None:
        """Do nothing."""

    def reattached(self) -> None:
        """Do nothing."""


class RecordingClient(SupervisorClient):
    """A supervisor's near end that remembers which results and events have come."""

    def __init__(self) -> None:
        """Start with none."""
        super().__init__("host", NobodyWatches())
        self.results: list[Any] = []
        self.events: list[Any] = []

    def act(self, frame: wire.Frame) -> None:
        """Take note of results and events."""
        if frame.kind == wire.RESULT:
            self.results.append(frame.json()["id"])
        elif frame.kind == wire.EVENT:
            self.events.append(frame.json()["event"])
        super().act(frame)


class NearHalf:
    """All that runs in the user's program."""

    def __init__(self, clock: Clock, directory: str, token: str) -> None:
        """Know of a supervisor, by its directory and token."""
        self.loop = VirtualLoop(clock)
        self.troubles: list[object] = []
        """What no part of the product has dealt with."""
        self.loop.set_exception_handler(lambda _loop, trouble: self.troubles.append(trouble))
        self.client = self.call(RecordingClient)
        self.client.directory = directory
        self.client._attachment.token = token
        self.link: Link | None = None
        self.commands: list[asyncio.Future[dict[str, Any]]] = []
        self.talkers: dict[int, Talker] = {}
        self._streams: list[LocalStream] = []
        self._links: list[Link] = []
        self._attaching: asyncio.Task[None] | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))

    def call(self, function: Callable[[], T]) -> T:
        """Call something that wants to be called on the loop."""

        async def on_loop() -> T:
            return function()

        return self.loop.run_until_complete(on_loop())

    def turn(self) -> None:
        """Do what can be done now."""
        self.loop.turn()

    # --- links -------------------------------------------------------------------------------

    @property
    def linked(self) -> bool:
        """Whether there is a link that is not known to be lost."""
        return self.link is not None and not self.link.lost.done()

    @property
    def attaching(self) -> bool:
        """Whether the supervisor's answer is awaited."""
        return self._attaching is not None and not self._attaching.done()

    def connect(self, channel: HeldChannel) -> None:
        """Begin to attach over a new channel; an older one counts as lost."""
        if self.link is not None:
            older = self.link
            self.call(lambda: older.lose("nothing was heard"))
        self.link = self.call(lambda: Link("host", channel, b"", LinkTimers()))
        self._links.append(self.link)
        self._attach(self.link, start=True)

    def attach_again(self) -> None:
        """Do what is done when the supervisor has not answered in time."""
        if self.link is not None and self._attaching is not None:
            self._attaching.cancel()
            self._attach(self.link, start=False)

    def _attach(self, link: Link, *, start: bool) -> None:
        async def attach() -> None:
            try:
                if start:
                    await link.start()
                await self.client.reattach(link)
            except LinkLostError:
                return
            except Exception as error:
                self.troubles.append(error)

        self._attaching = self.loop.create_task(attach())

    # --- the kernel's clients ----------------------------------------------------------------

    def open(self, port: int, talker: Talker) -> None:
        """Have a client connect to a port."""
        talker.connected(socket.create_connection(self._listener.getsockname()))
        accepted = self._listener.accept()[0]
        accepted.setblocking(False)
        self.talkers[port] = talker

        def make() -> LocalStream:
            self._streams.append(LocalStream(self.client, port))
            return self._streams[-1]

        self.loop.run_until_complete(self.loop.create_connection(make, sock=accepted))

    def command(self, do: str, **fields: Any) -> None:
        """Tell the supervisor to do something."""
        self.commands.append(self.call(lambda: self.client.command(do, **fields)))

    def answers(self) -> list[str]:
        """Give what was answered to the commands, as far as it has come."""
        told = []
        for each in self.commands:
            if each.done():
                error = each.exception()
                assert error is None or isinstance(error, RemoteError)
                told.append(error.answer if error is not None else "done")
        return told

    # --- what it holds -----------------------------------------------------------------------

    def kept(self) -> int:
        """Count the bytes of streams that were sent to the supervisor and not acknowledged."""
        return sum(len(each.payload) for each in self.client._attachment.courier._kept)

    def unacknowledged(self) -> int:
        """Count the frames that were sent and not acknowledged."""
        return len(self.client._attachment.courier._kept)

    def waiting_for_link(self) -> int:
        """Count the bytes of one stream, that of the most, that wait to be sent."""
        courier = self.client._attachment.courier
        return max((courier.pending(each.number) for each in self._streams), default=0)

    def waiting_for_clients(self) -> int:
        """Count the bytes of one stream, that of the most, that its client has not taken."""
        transports = [each._transport for each in self._streams if each._transport is not None]
        return max((each.get_write_buffer_size() for each in transports), default=0)

    def close(self) -> None:
        """Let go of everything."""
        self.call(self.client.release)
        for link in self._links:
            self.loop.run_until_complete(link.aclose())
        for stream in self._streams:
            self.call(stream.drop)
        for _ in range(3):
            self.turn()
        for talker in self.talkers.values():
            talker.close()
        self._listener.close()
        self.loop.close()
