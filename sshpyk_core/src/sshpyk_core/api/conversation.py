"""The conversation with one kernel in Jupyter's messages; lives on the background loop.

The messages are jupyter_client's work. This reads all that comes, gives each message to the request
that it answers, and has requests to run code wait for each other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.connect import KernelConnectionInfo
from zmq.utils.monitor import recv_monitor_message

from sshpyk_core.api.exchange import Exchange, Feed, is_idle
from sshpyk_core.api.inquiry import Inquiry
from sshpyk_core.api.values import Message

__all__ = ["Conversation"]

FIRST_WAIT = 0.3
"""Seconds after which a kernel that was not heard yet is called again; later calls wait longer."""

LONGEST_WAIT = 5.0
"""Seconds between two calls at most."""

LAST_WORDS_PATIENCE = 3.0
"""Seconds that the output of a kernel that has ended may take to come here."""

CALL_CHANNELS = ("control", "shell")
"""Where a kernel is called: a busy one answers on the first; some know it only on the second."""

log = logging.getLogger(__name__)


class Conversation:
    """One client of a kernel, over its five local ports.

    Attributes:
        missed: what the kernel had published before, and what others had it publish, until it was
            heard here for the first time.
    """

    def __init__(self, info: KernelConnectionInfo, *, keep_missed: bool = False) -> None:
        """Connect to the ports and begin to listen.

        Args:
            info: what a connection file holds.
            keep_missed: whether somebody is going to ask for what was missed; until then no more
                is read than that.
        """
        self.missed = Feed()
        self._following = False
        self._released = asyncio.Event()
        if not keep_missed:
            self.missed.drop()
            self.release()
        self._heard = asyncio.Event()
        self._turn = asyncio.Lock()
        self._exchanges: dict[str, Exchange] = {}
        self._calls: dict[str, str] = {}
        self._last_call = ""
        self._inquiry = Inquiry(self._send_call)
        self._error: Exception | None = None
        self._closed = False
        self._client = AsyncKernelClient()
        self._client.load_connection_info(info)
        self._client.start_channels(stdin=False, hb=False)
        self._said_all = asyncio.Event()
        self._monitor = self._client.iopub_channel.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        client, work = self._client, asyncio.create_task
        self._tasks = [
            work(self._read(client.get_iopub_msg, self._published)),
            work(self._read(client.get_shell_msg, self._replied)),
            work(self._read(client.get_control_msg, self._replied)),
            work(self._call()),
            work(self._watch_output()),
        ]

    # --- running code ------------------------------------------------------------------------

    async def execute(self, code: str) -> Exchange:
        """Send code as soon as what was sent before is done.

        Raises:
            HostError: the kernel has ended meanwhile.
        """
        self.release()
        await self._turn.acquire()
        try:
            await self._heard.wait()
            self._check()
            # What others send is no business of this code: a failure does not make it be dropped.
            message_id = self._client.execute(code, allow_stdin=False, stop_on_error=False)
        except BaseException:
            self._turn.release()
            raise
        exchange = Exchange(message_id, lambda: self._over(message_id))
        self._exchanges[message_id] = exchange
        return exchange

    async def heard(self) -> None:
        """Wait until the kernel answers and its output arrives here.

        Raises:
            HostError: it has ended before.
        """
        await self._heard.wait()
        self._check()

    def ask(self, kind: str, content: dict[str, Any]) -> None:
        """Send a request on the control channel, where a busy kernel takes it, too."""
        if not self._closed:
            message = self._client.session.msg(kind, content)
            self._client.control_channel.send(message)

    def fail(self, error: Exception) -> None:
        """End all requests with an error, and those to come."""
        self._error = error
        for exchange in list(self._exchanges.values()):
            exchange.end(error)
        self.missed.end(error if self._following else None)
        self._heard.set()

    async def aclose(self) -> None:
        """Let go of the ports; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self._inquiry.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        self._client.iopub_channel.socket.disable_monitor()
        self._client.stop_channels()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _over(self, message_id: str) -> None:
        self._exchanges.pop(message_id, None)
        self._inquiry.stop()
        self._turn.release()

    # --- what was missed ---------------------------------------------------------------------

    def release(self) -> None:
        """Read on after what was missed; what nobody has asked for is not kept any more."""
        self._released.set()

    def follow(self) -> None:
        """Let what was missed go on until the kernel is done with all that it was asked so far."""
        self._following = True
        self.release()
        if not self._closed:
            self._last_call = self._send_call("shell")

    # --- reading -----------------------------------------------------------------------------

    async def _read(
        self, get: Callable[[], Awaitable[Message]], take: Callable[[Message], Awaitable[None]]
    ) -> None:
        while True:
            await self._read_one(get, take)

    async def _read_one(
        self, get: Callable[[], Awaitable[Message]], take: Callable[[Message], Awaitable[None]]
    ) -> None:
        try:
            message = checked(await get())
        except (ValueError, TypeError) as error:  # not signed with the key, or no message at all
            log.warning("a message of a kernel was passed over: %s", error)
        else:
            await take(message)

    async def _published(self, message: Message) -> None:
        parent = message["parent_header"]
        if parent.get("session") != self._client.session.session:
            if message["header"]["msg_type"] != "iopub_welcome":  # that is for one client only
                self.missed.put(message)
            return
        message_id = parent.get("msg_id", "")
        if message_id in self._exchanges:
            exchange = self._exchanges[message_id]
            exchange.published(message)
            self._inquiry.look_at(exchange)
        elif is_idle(message):
            self._inquiry.idle_after(message_id)
            await self._call_is_over(message_id)

    async def _call_is_over(self, message_id: str) -> None:
        if not self._heard.is_set():
            self._heard.set()
            await self._released.wait()
            if not self._following:
                self.missed.end()
            elif self._last_call:
                # It may have been called before its output came here.
                self._last_call = self._send_call("shell")
        elif message_id == self._last_call:
            self.missed.end()

    async def _replied(self, message: Message) -> None:
        message_id = message["parent_header"].get("msg_id", "")
        if message_id in self._exchanges:
            exchange = self._exchanges[message_id]
            exchange.replied(message)
            self._inquiry.look_at(exchange)
        self._inquiry.reply_to(message_id)
        for channel, call in list(self._calls.items()):
            if call == message_id:
                del self._calls[channel]

    async def _watch_output(self) -> None:
        await recv_monitor_message(self._monitor)
        self._said_all.set()

    async def last_words(self) -> None:
        """Wait until all has come that a kernel published which has ended; not for long."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._said_all.wait(), LAST_WORDS_PATIENCE)
        reading = self._tasks[0]
        reading.cancel()
        await asyncio.wait([reading])
        while await self._client.iopub_channel.msg_ready():
            await self._read_one(self._client.get_iopub_msg, self._published)

    # --- calling -----------------------------------------------------------------------------

    async def _call(self) -> None:
        """Call the kernel until its answer comes on iopub: then all that it publishes comes.

        A subscription takes effect at some moment after it was sent, and no one tells when.
        """
        wait = FIRST_WAIT
        channels: tuple[str, ...] = CALL_CHANNELS[:1]
        while not self._heard.is_set():
            for channel in channels:
                if channel not in self._calls:
                    self._send_call(channel)
            try:
                await asyncio.wait_for(self._heard.wait(), wait)
            except asyncio.TimeoutError:
                wait = min(LONGEST_WAIT, 2 * wait)
                channels = CALL_CHANNELS

    def _send_call(self, channel: str) -> str:
        message = self._client.session.msg("kernel_info_request", {})
        message_id: str = message["header"]["msg_id"]
        self._calls[channel] = message_id
        getattr(self._client, f"{channel}_channel").send(message)
        return message_id


def checked(message: Message) -> Message:
    """Give a message that has all parts; some kernels leave out the parent where there is none.

    Raises:
        TypeError: it is none of Jupyter's.
    """
    message["parent_header"] = message.get("parent_header") or {}
    for part in ("header", "parent_header", "content"):
        if not isinstance(message.get(part), dict):
            raise TypeError(f"its {part} is no object")
    return message
