"""This program's hold on one supervisor: the local end of what ``remote.attachment`` does there.

Token, epoch, numbered frames, acknowledgements: nothing here knows what the frames mean.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sshpyk_core.errors import LinkLostError
from sshpyk_core.link.link import Link
from sshpyk_core.remote import wire
from sshpyk_core.remote.courier import ACK_DELAY, Courier


@dataclass(frozen=True)
class Waited:
    """How much had waited for a new connection, in bytes.

    Attributes:
        here: for the host.
        there: for this machine.
    """

    here: int = 0
    there: int = 0

    def __add__(self, other: Waited) -> Waited:
        """Give the sum, over several kernels."""
        return Waited(self.here + other.here, self.there + other.there)


@dataclass(frozen=True)
class Joining:
    """What it takes to attach to a supervisor that another program has had started.

    Attributes:
        directory: the supervisor's, on the host.
        token: lets a program attach.
        facts: of the kernel, as its launch told them.
        exclusive: whether to have it only if no other program is attached.
    """

    directory: str
    token: str = field(repr=False)
    facts: Mapping[str, Any]
    exclusive: bool = False


_handles = itertools.count(1)


class Owner(Protocol):
    """Whose attachment it is."""

    def act(self, frame: wire.Frame) -> None:
        """Act on a sequenced frame: each comes once, in order."""

    def farewell(self, message: dict[str, Any]) -> None:
        """Take note that the supervisor is gone, or will not have us."""

    def data_sent(self, stream: int) -> None:
        """Take note that less is waiting on a stream."""


class Attachment:
    """Keeps what one supervisor has not yet got, over however many links."""

    def __init__(self, host: str, owner: Owner) -> None:
        """Start without a link; ``host`` is the alias, for messages."""
        self.handle = next(_handles)
        self.courier = Courier(self.handle, asyncio.get_running_loop().time)
        self.token = secrets.token_hex(16)
        self.live = False
        """Whether frames can flow now."""
        self._host = host
        self._owner = owner
        self._name = secrets.token_hex(8)
        self._joins: dict[str, bool] = {}
        self._epoch = 0
        self._link: Link | None = None
        self._answer: asyncio.Future[dict[str, Any]] | None = None
        self._ack_timer: asyncio.TimerHandle | None = None

    @property
    def begun(self) -> bool:
        """Whether the supervisor was ever asked for this attachment."""
        return self._epoch > 0

    def joins(self, joining: Joining) -> None:
        """Attach to a supervisor that was not started with this token."""
        self.token = joining.token
        self._joins = {"joins": True, "exclusive": joining.exclusive}

    # --- links -------------------------------------------------------------------------------

    def attach(self, link: Link) -> asyncio.Future[dict[str, Any]]:
        """Ask the supervisor for this attachment; the bridge must have been told of it before.

        Returns:
            The supervisor's answer to await: status of the kernel, last frame that it took.
            SupervisorGoneError or LinkLostError comes out of it.
        """
        self._link = link
        self.live = False
        self._epoch += 1
        self._answer = quiet_future()
        link.attach(self)
        request = {
            "token": self.token,
            "attachment": self._name,
            "epoch": self._epoch,
            "received": self.courier.tell_received(),
            **self._joins,
        }
        link.send(wire.json_frame(self.handle, wire.ATTACH, request))
        return self._answer

    def begin(self) -> None:
        """Let frames flow without an answer: a supervisor just made has received nothing yet."""
        self.live = self._link is not None

    def resume(self, answer: dict[str, Any]) -> Waited:
        """Let frames flow from behind what the supervisor has, as its answer says."""
        self.courier.resume(int(answer["received"]))
        waited = Waited(self.courier.waiting, int(answer["waiting"]))
        self.live = True
        self.wake()
        return waited

    def link_lost(self, reason: str) -> None:
        """Go on without a link."""
        self._link = None
        self.live = False
        self._fail(LinkLostError(self._host, "attach to the supervisor", reason))

    @property
    def _awaited(self) -> asyncio.Future[dict[str, Any]] | None:
        """The supervisor's answer, while it has not come."""
        return None if self._answer is None or self._answer.done() else self._answer

    def _fail(self, error: Exception) -> None:
        if (awaited := self._awaited) is not None:
            awaited.set_exception(error)

    def refused(self, error: Exception) -> bool:
        """Fail the question that waits for the supervisor's answer; say whether there is one."""
        asked = self._awaited is not None and not self.live
        self._fail(error)
        return asked

    def drop_link(self, reason: str) -> None:
        """Count the link as lost, for all that share it: over the next one all is asked anew."""
        if self._link is not None:
            self._link.lose(reason)

    def detach(self, error: Exception | None = None) -> None:
        """Let go of the link for good; what was taken so far is acknowledged."""
        if self.live:
            self._acknowledge(hurry=True)
        if self._ack_timer is not None:
            self._ack_timer.cancel()
        if self._link is not None:
            self._link.detach(self)
        self._link = None
        self.live = False
        self._fail(error or LinkLostError(self._host, "attach to the supervisor", "it was let go"))

    def wake(self) -> None:
        """Have the link look at what there is to send."""
        if self._link is not None:
            self._link.wake()

    # --- frames ------------------------------------------------------------------------------

    def next_frame(self) -> wire.Frame | None:
        """Give the link the next frame to send."""
        if not self.live:
            return None
        frame = self.courier.next_frame()
        if frame is not None and frame.kind == wire.DATA:
            self._owner.data_sent(frame.stream)
        return frame

    def take(self, frame: wire.Frame) -> None:
        """Act on one frame from the supervisor.

        Raises:
            WireError: it makes no sense; the link is of no more use.
        """
        if frame.kind == wire.ACK:
            self.courier.acknowledged(frame.number(wire.U64))
            self.wake()
        elif frame.kind == wire.ATTACHED:
            self._attached(frame.json())
        elif frame.kind == wire.FAREWELL:
            self._owner.farewell(frame.json())
        elif not frame.seq:
            raise wire.WireError(f"a supervisor sends no frame of kind {frame.kind}")
        elif self.courier.accept(frame):
            self._owner.act(frame)
            self._acknowledge(hurry=False)

    def _attached(self, answer: dict[str, Any]) -> None:
        """Take the supervisor's answer, unless it is the one to an earlier question."""
        received = answer.get("received")
        numbers = received, answer.get("waiting")
        sane = all(isinstance(each, int) and each >= 0 for each in numbers)
        if not sane or not isinstance(answer.get("status"), dict):
            raise wire.WireError("a supervisor's answer makes no sense")
        awaited = self._awaited
        if awaited is not None and answer.get("epoch") == self._epoch:
            # Checked here, where what cannot be ends the link.
            assert isinstance(received, int)
            self.courier.acknowledged(received)
            awaited.set_result(answer)

    def _acknowledge(self, *, hurry: bool) -> None:
        number = self.courier.acknowledgement(hurry=hurry)
        if number is not None and self._link is not None:
            self._link.send(wire.Frame(self.handle, wire.ACK, 0, 0, wire.U64.pack(number)))
        elif self.courier.owes_acknowledgement and self._ack_timer is None:
            loop = asyncio.get_running_loop()
            self._ack_timer = loop.call_later(ACK_DELAY, self._acknowledge_now)

    def _acknowledge_now(self) -> None:
        self._ack_timer = None
        if self.live:
            self._acknowledge(hurry=True)


def quiet_future() -> asyncio.Future[dict[str, Any]]:
    """Make a future whose exception may go unseen when nobody awaits it any more."""
    future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future
