"""The link: the local end of one bridge, which all kernels of one target share.

One task reads frames and hands them on, one writes what the kernels have to send, one judges by
heartbeats whether the far end is still there. A link never comes back: when it is lost, the host
makes another and the kernels attach to that.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections import deque
from typing import Any, Protocol

from sshpyk_core.errors import LinkLostError, RemoteError
from sshpyk_core.link.heartbeat import Heartbeat
from sshpyk_core.link.hello import BridgeHello
from sshpyk_core.remote import wire
from sshpyk_core.timers import LinkTimers
from sshpyk_core.types import RemoteProcess

__all__ = ["MAX_REASON", "Attached", "BridgeHello", "Link", "printable"]

log = logging.getLogger(__name__)

READ_SIZE = 1024 * 1024
BATCH = 256 * 1024
"""Bytes handed to the channel between two looks at whether it takes more."""

MAX_REASON = 400
"""Characters of the reason for which a link is lost: it may quote what the far end sent."""

CLOSE_PATIENCE = 2.0
"""Seconds that the bridge may take to end after its input was closed."""


class Attached(Protocol):
    """A remote kernel, as the link sees it."""

    handle: int

    def take(self, frame: wire.Frame) -> None:
        """Act on one frame of this kernel."""

    def next_frame(self) -> wire.Frame | None:
        """Give the next frame to send, if there is one."""

    def link_lost(self, reason: str) -> None:
        """Take note that the link is gone."""


class Link:
    """Frames to and from one bridge."""

    def __init__(
        self, host: str, process: RemoteProcess, first_bytes: bytes, timers: LinkTimers
    ) -> None:
        """Take over a bridge's exec channel; :meth:`start` begins to work.

        Args:
            host: the alias, for messages.
            process: the bridge.
            first_bytes: what was read of its output after its mark.
            timers: when silence means what.
        """
        self.host = host
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._process = process
        self._splitter = wire.Splitter()
        self._first_bytes = first_bytes
        self._attached: dict[int, Attached] = {}
        self._control: deque[wire.Frame] = deque()
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._ids = itertools.count(1)
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._hello: asyncio.Future[BridgeHello] = asyncio.get_running_loop().create_future()
        self._heartbeat = Heartbeat(timers, self._ping)

    @property
    def silence(self) -> float:
        """Seconds since the last byte from the bridge."""
        return self._heartbeat.silence

    async def start(self) -> BridgeHello:
        """Begin to work.

        Raises:
            LinkLostError: the bridge ended or did not keep to the wire format.
        """
        for work in (self._read(), self._write(), self._watch()):
            self._tasks.append(asyncio.create_task(self._guard(work)))
        either: list[asyncio.Future[Any]] = [self._hello, self.lost]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not self._hello.done():
            raise LinkLostError(self.host, "start the bridge", self.lost.result())
        return self._hello.result()

    # --- for the kernels ---------------------------------------------------------------------

    def attach(self, kernel: Attached) -> None:
        """Hand this kernel's frames to it and ask it for what it has to send."""
        if self.lost.done():
            kernel.link_lost(self.lost.result())
            return
        self._attached[kernel.handle] = kernel
        self.wake()

    def detach(self, kernel: Attached) -> None:
        """Forget a kernel."""
        self._attached.pop(kernel.handle, None)

    def wake(self) -> None:
        """Look at what there is to send."""
        self._wake.set()

    def send(self, frame: wire.Frame) -> None:
        """Send an unsequenced frame before everything else; a lost link sends nothing."""
        if self.lost.done():
            return
        self._control.append(frame)
        self._wake.set()

    def request(self, do: str, **fields: Any) -> asyncio.Future[dict[str, Any]]:
        """Ask the bridge for something; frames sent after this come after it.

        Returns:
            The answer to await; RemoteError or LinkLostError comes out of it.
        """
        number = next(self._ids)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        if self.lost.done():
            answer.set_exception(self._lost_error(do))
            return answer
        self._answers[number] = answer
        self.send(wire.json_frame(0, wire.REQUEST, dict(fields, id=number, do=do)))
        return answer

    async def round_trip(self) -> float:
        """Give the seconds that a few bytes take to the bridge and back.

        Raises:
            LinkLostError: there is nobody to send them back.
        """
        trip = self._heartbeat.time_a_trip()
        either: list[asyncio.Future[Any]] = [trip, self.lost]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not trip.done():
            raise self._lost_error("measure the round trip")
        return trip.result()

    def _lost_error(self, tried: str) -> LinkLostError:
        fix = "It is tried again as soon as the host can be reached."
        return LinkLostError(self.host, tried, self.lost.result(), fix)

    async def aclose(self, reason: str = "closed") -> None:
        """End the bridge and the channel; the supervisors stay."""
        self.lose(reason)
        # A write that the far end does not take must not hold up the close.
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._process.stdin.close()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._process.wait(), CLOSE_PATIENCE)
        await self._process.terminate()

    # --- the three tasks ---------------------------------------------------------------------

    async def _guard(self, work: Any) -> None:
        try:
            await work
        except wire.WireError as error:
            self.lose(f"the far end broke the wire format: {error}")
        except OSError as error:
            self.lose(str(error) or type(error).__name__)
        except Exception as error:
            # A field that is missing or absurd is as bad as a broken frame, whatever it raises.
            self.lose(f"the far end broke the wire format: {error!r}")

    def lose(self, reason: str) -> None:
        """Count as lost from now on; the kernels go on without a link."""
        if self.lost.done():
            return
        reason = printable(reason)
        self.lost.set_result(reason)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(self._lost_error("get an answer"))
                answer.exception()
        self._answers.clear()
        attached = list(self._attached.values())
        self._attached.clear()
        for kernel in attached:
            kernel.link_lost(reason)

    async def _read(self) -> None:
        data = self._first_bytes
        while True:
            for frame in self._splitter.feed(data):
                self._dispatch(frame)
            data = await self._process.stdout.read(READ_SIZE)
            self._heartbeat.heard()
            if not data:
                self.lose("the bridge has ended or the connection was closed")
                return

    def _dispatch(self, frame: wire.Frame) -> None:
        if frame.supervisor:
            kernel = self._attached.get(frame.supervisor)
            if kernel is not None:
                kernel.take(frame)
        elif frame.kind == wire.ANSWER:
            self._answer(frame.json())
        elif frame.kind == wire.HELLO:
            self._greet(frame.json())
        elif frame.kind == wire.FAREWELL:
            raise wire.WireError(f"the bridge refuses: {frame.json().get('message')}")
        elif frame.kind == wire.PONG:
            self._heartbeat.answered(frame.payload)
        else:
            raise wire.WireError(f"a bridge sends no frame of kind {frame.kind}")

    def _greet(self, hello: dict[str, Any]) -> None:
        if self._hello.done() or hello.get("protocol") != wire.PROTOCOL:
            raise wire.WireError(f"the bridge speaks version {hello.get('protocol')}")
        self._hello.set_result(BridgeHello.read(hello))

    def _answer(self, answer: dict[str, Any]) -> None:
        number = int(answer.get("id") or 0)
        waiting = self._answers.get(number)
        if waiting is not None and not waiting.done():
            error = answer.get("error")
            if error is None:
                waiting.set_result(dict(answer.get("ok") or {}))
            else:
                failure = RemoteError(self.host, "ask the bridge", printable(error["message"]))
                failure.kind = printable(error["kind"])
                waiting.set_exception(failure)
        # Only now: an answer that makes no sense ends the link, and so the waiting.
        self._answers.pop(number, None)

    async def _write(self) -> None:
        stdin = self._process.stdin
        while True:
            await self._wake.wait()
            self._wake.clear()
            while batch := self._batch():
                stdin.write(batch)
                await stdin.drain()

    def _batch(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        while self._control:
            parts.append(self._control.popleft().encode())
        busy = list(self._attached.values())
        while busy and size < BATCH:
            # One frame of each in turn: no kernel's upload holds up another's interrupt.
            still_busy = []
            for kernel in busy:
                frame = kernel.next_frame()
                if frame is not None:
                    data = frame.encode()
                    parts.append(data)
                    size += len(data)
                    still_busy.append(kernel)
            busy = still_busy
        return b"".join(parts)

    async def _watch(self) -> None:
        self.lose(await self._heartbeat.watch())

    def _ping(self, question: bytes) -> None:
        self.send(wire.Frame(0, wire.PING, 0, 0, question))


def printable(reason: str) -> str:
    """Give what the far end may have had a hand in as one line that a log and a terminal bear."""
    shown = reason if len(reason) <= MAX_REASON else reason[:MAX_REASON] + "..."
    return "".join(each if each.isprintable() else "?" for each in shown)
