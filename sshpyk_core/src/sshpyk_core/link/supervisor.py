"""One kernel on the host, as seen from here: commands to its supervisor, events, streams.

It outlives links: while there is none, clients stay connected, what they send waits, and what
the kernel says is kept by the supervisor.
"""

from __future__ import annotations

import asyncio
import itertools
import uuid
from dataclasses import asdict
from typing import Any

from sshpyk_core.errors import HostError, SupervisorGoneError, SupervisorUnreachableError
from sshpyk_core.link.attachment import Attachment, Joining, Waited, quiet_future
from sshpyk_core.link.far_errors import far_error, is_known
from sshpyk_core.link.link import Link, printable
from sshpyk_core.link.options import SupervisorOptions
from sshpyk_core.link.stream import LocalStream
from sshpyk_core.link.watcher import KernelWatcher, SpoolFull
from sshpyk_core.remote import wire


class SupervisorClient:
    """One supervisor and its kernel."""

    def __init__(self, host: str, watcher: KernelWatcher) -> None:
        """Start without a supervisor.

        Args:
            host: the alias, for messages.
            watcher: told what becomes of the kernel.
        """
        self.host = host
        self.name = uuid.uuid4().hex
        self.directory: str | None = None
        """The supervisor's directory on the host, once it has told."""
        self.gone: str | None = None
        """Why there is no supervisor any more."""
        self.runs_on = False  # for others, and was only given up for this program
        self.start_seen = False
        """Whether its kernel was handed to somebody, and is to outlive this program."""
        self.facts: dict[str, Any] = {}
        """What the last successful launch told of the kernel."""
        self.status: dict[str, Any] = {}
        """What the supervisor said when this program joined."""
        self.generation = 0
        """How often the kernel was started, as far as it is known here."""
        self._watcher = watcher
        self._options: SupervisorOptions | None = None
        self._attachment = Attachment(host, self)
        self._commands: dict[int, tuple[str, asyncio.Future[dict[str, Any]]]] = {}
        self._ids = itertools.count(1)
        self._streams: dict[int, LocalStream] = {}
        self._stream_numbers = itertools.count(1)

    @property
    def spawned(self) -> bool:
        """Whether a supervisor was asked for, and is not known to be gone."""
        return self._attachment.begun and self.gone is None

    @property
    def connected(self) -> bool:
        """Whether frames can flow now."""
        return self._attachment.live

    # --- the supervisor ----------------------------------------------------------------------

    def spawn(self, link: Link, options: SupervisorOptions) -> asyncio.Future[dict[str, Any]]:
        """Have the bridge start the supervisor and attach to it, without waiting for either.

        Returns:
            The bridge's answer to await: LinkLostError says that it may run or not, and
            :meth:`reattach` finds out.
        """
        self._options = options
        answer = self._ask_for(link)
        attached = self._attachment.attach(link)
        attached.add_done_callback(self._learn_directory)
        self._attachment.begin()
        return answer

    def _ask_for(self, link: Link) -> asyncio.Future[dict[str, Any]]:
        """Have the bridge connect to the supervisor, which it starts where there is none yet."""
        handle = self._attachment.handle
        if self.directory is not None:
            return link.request("attach", handle=handle, directory=self.directory)
        assert self._options is not None
        token = self._attachment.token
        return link.request(
            "spawn", handle=handle, supervisor=self.name, token=token, **asdict(self._options)
        )

    def _learn_directory(self, attached: asyncio.Future[dict[str, Any]]) -> None:
        if not attached.cancelled() and attached.exception() is None:
            self.directory = str((attached.result().get("status") or {}).get("directory"))

    async def join(self, link: Link, joining: Joining) -> None:
        """Attach to a supervisor that another program has had started.

        Raises:
            KernelTakenError: it is wanted alone, and another program is attached.
            SupervisorGoneError: it is no longer there.
            SupervisorUnreachableError: it is there, but does not take connections now.
            LinkLostError: the link was lost meanwhile.
        """
        self.directory, self.start_seen = joining.directory, True
        self.facts, self.generation = dict(joining.facts), int(joining.facts["generation"])
        self._attachment.joins(joining)
        request = self._ask_for(link)
        attached = self._attachment.attach(link)
        await request
        answer = await attached
        self.status = dict(answer["status"])
        self._attachment.resume(answer)

    async def reattach(self, link: Link) -> Waited:
        """Attach to the supervisor over a new link.

        One that never answered is started if it is not there: the request for it may be lost.

        Raises:
            SupervisorGoneError: it is no longer there.
            SupervisorUnreachableError: it is there, but does not take connections now.
            LinkLostError: the new link is lost too.
        """
        if self.gone is not None:
            raise self._gone_error("attach")
        request = self._ask_for(link)
        attached = self._attachment.attach(link)
        attached.add_done_callback(self._learn_directory)
        await request
        waited = self._attachment.resume(await attached)
        self._watcher.reattached()
        return waited

    def _supervisor_gone(self, reason: str, error: HostError | None = None) -> None:
        """Take note that there is no supervisor any more, and so no kernel."""
        if self.gone is not None:
            return
        self.gone = reason
        error = error or self._gone_error("ask")
        self.end_streams()
        # Told once they are closed: what a client then says waits for the next kernel.
        asyncio.get_running_loop().call_soon(self._watcher.supervisor_gone, reason)
        self._attachment.detach(error)
        for _do, result in self._commands.values():
            if not result.done():
                result.set_exception(error)
        self._commands.clear()

    def _unreachable(self, reason: str) -> None:
        """Have it asked again later: it lives, and so may its kernel."""
        fix = "It is asked again by itself; if it is stopped, let it go on (kill -CONT)."
        tried = "attach to the kernel's supervisor"
        if not self._attachment.refused(SupervisorUnreachableError(self.host, tried, reason, fix)):
            self._attachment.drop_link(reason)

    def _gone_error(self, tried: str) -> SupervisorGoneError:
        fix = "The kernel is gone with it: start it again."
        tried = f"{tried} the kernel's supervisor"
        return SupervisorGoneError(self.host, tried, self.gone or "", fix)

    def release(self) -> None:
        """Let go of the link and of all clients; the supervisor stays."""
        self.gone = self.gone or "it was let go"
        self.end_streams()
        self._attachment.detach()

    # --- commands and events -----------------------------------------------------------------

    def command(self, do: str, **fields: Any) -> asyncio.Future[dict[str, Any]]:
        """Queue a command; it is carried out once, whatever happens to links meanwhile.

        Returns:
            The result to await; a RemoteError comes out of it.
        """
        result = quiet_future()
        if self.gone is not None:
            result.set_exception(self._gone_error(do))
            return result
        number = next(self._ids)
        self._commands[number] = (do, result)
        payload = wire.dumps(dict(fields, id=number, do=do))
        self._attachment.courier.post(wire.COMMAND, 0, payload)
        self._attachment.wake()
        return result

    def _finish(self, result: dict[str, Any]) -> None:
        do, waiting = self._commands.pop(int(result.get("id") or 0), ("", None))
        good = result.get("ok") or {}
        if "generation" in good:
            self._started(good)
        if waiting is None or waiting.done():
            if "generation" in good:
                self._watcher.started_late()
            return
        if result.get("error") is None:
            waiting.set_result(dict(good))
        else:
            waiting.set_exception(far_error(self.host, f"{do} the kernel", result["error"]))

    def _started(self, facts: dict[str, Any]) -> None:
        self.generation = int(facts["generation"])
        self.facts = dict(facts)

    def _event(self, event: dict[str, Any]) -> None:
        if event.get("event") == "spool-full":
            refusal = str(event["reason"]) if event["cause"] == "disk" else ""
            self._watcher.spool_full(SpoolFull(int(event["bytes"]), refusal))
        elif event.get("event") == "exited" and int(event["generation"]) >= self.generation:
            self.generation = int(event["generation"])
            self.status["others"] = event.get("others") is True
            self._watcher.exited(int(event["returncode"]))
        elif event.get("event") == "started" and int(event["generation"]) > self.generation:
            self._started(event)
            self._watcher.started_late()

    # --- for the attachment ------------------------------------------------------------------

    def act(self, frame: wire.Frame) -> None:
        """Act on a sequenced frame."""
        if frame.kind == wire.DATA:
            stream = self._streams.get(frame.stream)
            if stream is not None:
                stream.deliver(frame.payload)
        elif frame.kind == wire.CLOSE:
            stream = self._streams.pop(frame.stream, None)
            self._attachment.courier.abandon(frame.stream)
            if stream is not None:
                stream.end()
        elif frame.kind == wire.RESULT:
            self._finish(frame.json())
        elif frame.kind == wire.EVENT:
            self._event(frame.json())

    def farewell(self, message: dict[str, Any]) -> None:
        """Take note that the supervisor is gone, or will not have us."""
        kind, reason = message.get("kind"), printable(str(message.get("message")))
        if kind in ("fenced", "refused", "unreachable"):
            self._unreachable(reason)
            return
        self.runs_on = kind == "given-up"
        tried = "attach to the kernel" if kind == "taken" else "launch the kernel"
        error = far_error(self.host, tried, message) if is_known(kind) else None
        self._supervisor_gone(reason, error)

    def data_sent(self, stream: int) -> None:
        """Let a client go on that had to wait."""
        if stream in self._streams:
            self._streams[stream].sent(self._attachment.courier.pending(stream))

    # --- for the streams ---------------------------------------------------------------------

    def opened(self, stream: LocalStream) -> None:
        """Begin to carry a client's connection; without a supervisor it is cut."""
        if self.gone is not None:
            stream.drop()
            return
        stream.number = next(self._stream_numbers)
        self._streams[stream.number] = stream
        priority = wire.BULK if wire.PORTS[stream.port] == "iopub" else wire.URGENT
        self._attachment.courier.open(stream.number, priority)
        payload = bytes([stream.port, priority])
        self._attachment.courier.post(wire.OPEN, stream.number, payload)
        self._attachment.wake()

    def send(self, stream: LocalStream, data: bytes) -> int:
        """Queue what a client said; return how many bytes wait now."""
        self._attachment.courier.send(stream.number, data)
        self._attachment.wake()
        return self._attachment.courier.pending(stream.number)

    def consumed(self, stream: LocalStream, size: int) -> None:
        """Let the kernel say more."""
        self._attachment.courier.grant(stream.number, size)
        self._attachment.wake()

    def closed(self, stream: LocalStream) -> None:
        """Tell the kernel that a client has gone."""
        known = self._streams.pop(stream.number, None) is not None
        if known and not self._attachment.courier.take_back(stream.number):
            self._attachment.courier.close(stream.number, wire.U64.pack(stream.delivered))
            self._attachment.wake()

    def turn_away(self) -> None:
        """Drop the clients that came after the kernel had ended; they come back for the next one.

        A ZeroMQ socket that is in the middle of a handshake can only be closed after its linger
        time, for which Jupyter's loop would stand still.
        """
        for stream in [each for each in self._streams.values() if not each.answered]:
            stream.drop()

    def end_streams(self) -> None:
        """Close all clients' connections."""
        for stream in list(self._streams.values()):
            stream.end()
        self._streams.clear()
