"""The supervisor: owns one kernel, and outlives the sessions through which it is asked.

It starts the kernel, reaps it, signals it, holds the kernel's side of its sockets and keeps what
nobody has taken yet. Programs attach to it through a bridge; the first one's connection is there
from the start. The commands that it takes from them (see COMMAND in :mod:`.wire`), beside those of
somebody who comes for one only (see :mod:`.visit`):

=========== ====================================== ========================================
do          takes                                  gives
=========== ====================================== ========================================
launch      the launch request                     facts of the kernel, its ports, its pid
signal      signum, name ("SIGINT")                delivered: bool
leave       nothing                                nothing; the supervisor ends with its kernel
stop        nothing                                nothing; the supervisor ends
=========== ====================================== ========================================
"""

import socket
from typing import Any, Dict, List, Union

from . import endings, launch, rendezvous, wire
from .attachment import Attachment
from .departure import Departure
from .kernel import Kernel
from .presence import Presence
from .publications import KernelDoor, Publications
from .reactor import Conduit, Reactor
from .record import Record
from .spool import SpoolBudget
from .visit import Door, Visit, signal_number

FAREWELL_PATIENCE = 5.0
"""Seconds that a supervisor about to end waits for its last words to be taken."""

GREETING_PATIENCE = 60.0
"""Seconds that a connection may take to say what it attaches to.

More than a link may be silent: its bridge takes the end of a connection for that of the supervisor.
"""


class TurnedAwayError(Exception):
    """A program cannot attach: its kind, and why."""


class Supervisor:
    """One kernel's owner."""

    def __init__(
        self, reactor: Reactor, listener: socket.socket, directory: str, request: Dict[str, Any]
    ) -> None:
        """Begin to accept programs that attach.

        Args:
            reactor: the process's.
            listener: the socket that they connect to.
            directory: private to this supervisor.
            request: from the link: token, package, spool_limit, spool_memory, detached_timeout,
                persistent, owner.

        Raises:
            OSError: there are no ports left.
        """
        self._reactor = reactor
        self._directory = directory
        self._token = str(request["token"])
        self._package = str(request["package"])
        self._budget = SpoolBudget(
            directory, int(request["spool_limit"]), int(request["spool_memory"])
        )
        self._kernel = Kernel(reactor, directory, self._exited)
        door = KernelDoor(lambda: self._kernel.ports, lambda: self._kernel.awaited)
        self._publications = Publications(reactor, self._budget, door)
        self._presence = Presence(
            reactor,
            float(request["detached_timeout"]),
            self._give_up,
            bool(request.get("persistent")),
        )
        self._departure = Departure(reactor, self._kernel, self._presence.attachments)
        self._stopping = False
        self._ended = False
        known = {"for": request.get("owner"), "token": self._token}
        self._record = Record(reactor, directory, known, self._facts)
        self._budget.on_full = self._record.write
        self._listener = listener
        listener.setblocking(False)
        reactor.watch(listener.fileno(), self._accept)
        self._record.keep_fresh()

    def _facts(self) -> Dict[str, Any]:
        """Say what the state file tells of how things stand now."""
        return dict(
            self._kernel.status(),
            spool_full=self._budget.was_full,
            **self._kernel.description(),
            **self._presence.status(),
        )

    def _told(self) -> Dict[str, Any]:
        """Say what a visitor is told: how things stand, and no secret."""
        budget = self._budget
        told = dict(
            self._record.content(), spool_memory=budget.in_memory, spool_disk=budget.on_disk
        )
        del told["token"]
        return told

    # --- attaching ---------------------------------------------------------------------------

    def _accept(self) -> None:
        try:
            connection = self._listener.accept()[0]
        except OSError:
            return
        self.greet(connection)

    def greet(self, connection: socket.socket) -> None:
        """Find out which attachment a new connection is for, if it is not for one command."""
        splitter = wire.Splitter()
        attachment: List[Union[Attachment, Visit]] = []
        handles = [0]
        fd = connection.detach()

        def on_data(data: bytes) -> None:
            try:
                for frame in splitter.feed(data):
                    if attachment:
                        attachment[0].take(frame)
                    else:
                        handles.append(frame.supervisor)
                        attachment.append(self._let_in(conduit, frame))
            except Exception as error:
                # Whatever a connection brings may cost that connection, never the kernel.
                answer = {"kind": "refused", "message": "%s: %s" % (type(error).__name__, error)}
                if isinstance(error, TurnedAwayError):
                    answer = {"kind": error.args[0], "message": error.args[1]}
                conduit.write(wire.json_frame(handles[-1], wire.FAREWELL, answer).encode())
                conduit.close_when_written()
                on_end()

        def on_end() -> None:
            if attachment:
                attachment[0].lost(conduit)

        conduit = Conduit(self._reactor, fd, fd, on_data, on_end)
        self._reactor.call_later(GREETING_PATIENCE, lambda: None if attachment else conduit.close())

    def _let_in(self, conduit: Conduit, frame: wire.Frame) -> Union[Attachment, Visit]:
        if frame.kind not in (wire.ATTACH, wire.COMMAND):
            raise wire.WireError("a connection begins with ATTACH or COMMAND")
        request = frame.json()
        if not rendezvous.same_secret(str(request["token"]).encode(), self._token.encode()):
            raise wire.WireError("wrong token")
        if frame.kind == wire.COMMAND:
            door = Door(self._told, self._stop_now, self._kernel)
            return Visit(self._reactor, conduit, frame, door)
        return self._attach(conduit, frame, request)

    def _attach(self, conduit: Conduit, frame: wire.Frame, request: Dict[str, Any]) -> Attachment:
        name = str(request["attachment"])
        attachment = self._presence.attachments.get(name)
        status = dict(self._kernel.status(), directory=self._directory)
        if attachment is None:
            if int(request["received"]) > 0:
                raise TurnedAwayError("given-up", "this program was not connected for too long")
            if request.get("exclusive") and self._presence.attached:
                raise TurnedAwayError("taken", "another program is connected to it")
            self._presence.start_seen |= bool(request.get("joins"))
            status["missed"] = self._publications.missed()
            calls = self._command, self._presence_changed
            attachment = Attachment(self._reactor, self._budget, self._publications, *calls)
            attachment.on_stream_ended = self._departure.stream_ended
            self._presence.attachments[name] = attachment
        if int(request["epoch"]) <= attachment.epoch:
            raise wire.WireError("a newer connection has taken over")
        attachment.connect(conduit, frame.supervisor, request, status)
        if conduit.closed:
            attachment.lost(conduit)
        self._presence.left = False
        self._presence_changed()
        return attachment

    def _presence_changed(self) -> None:
        self._presence.forget_who_left()
        if self._presence.over(self._kernel) or (self._stopping and not self._presence.attached):
            self._end()
            return
        self._presence.update(self._kernel.running)
        self._record.write()

    # --- commands ----------------------------------------------------------------------------

    def _command(self, attachment: Attachment, command: Dict[str, Any]) -> None:
        number = command.get("id")
        try:
            if command["do"] == "launch":
                self._launch(attachment, number, command["request"])
                return
            if command["do"] == "signal":
                number_here = signal_number(command)
                answer = {"delivered": self._kernel.signal(number_here)}
            elif command["do"] == "leave":
                self._leave(attachment, number)
                return
            elif command["do"] == "stop":
                self._stop(attachment, number)
                return
            else:
                raise ValueError("unknown command %r" % command["do"])
        except launch.StartError as error:
            self._fail(attachment, number, error.kind, str(error))
        except (KeyError, TypeError, ValueError, OSError) as error:
            self._fail(attachment, number, "request", "bad command: %r" % error)
        else:
            attachment.post(wire.RESULT, {"id": number, "ok": answer})

    @staticmethod
    def _fail(attachment: Attachment, number: Any, kind: str, message: str) -> None:
        error = {"kind": kind, "message": message}
        attachment.post(wire.RESULT, {"id": number, "error": error})

    def _launch(self, attachment: Attachment, number: Any, request: Dict[str, Any]) -> None:
        def on_seen() -> None:
            self._presence.start_seen = True

        def on_outcome(outcome: Dict[str, Any]) -> None:
            attachment.post(wire.RESULT, dict(outcome, id=number))
            if "ok" in outcome:
                attachment.when_acknowledged(on_seen)
                self._tell_others(attachment, dict(outcome["ok"], event="started"))
            self._record.write()

        if self._kernel.running and int(request.get("after", -1)) in range(self._kernel.generation):
            # Another program has been quicker to start it again.
            self._kernel.when_settled(on_outcome)
            return
        self._kernel.launch(request, self._package, on_outcome)
        # Not only with the outcome: this process may be killed before there is one.
        self._record.write()

    def _leave(self, attachment: Attachment, number: Any) -> None:
        """Let a program go when it has heard that it may; its session stays open for others."""

        def on_heard() -> None:
            attachment.leave()
            self._presence_changed()

        self._presence.leave(attachment)
        self._presence_changed()
        attachment.post(wire.RESULT, {"id": number, "ok": {}})
        attachment.when_acknowledged(on_heard)

    def _tell_others(self, attachment: Union[Attachment, None], event: Dict[str, Any]) -> None:
        for each in list(self._presence.attachments.values()):
            if each is not attachment:
                each.post(wire.EVENT, event)

    def _exited(self, report: Dict[str, Any]) -> None:
        self._tell_others(None, dict(report, event="exited", others=self._presence.shared))
        self._presence_changed()

    def reap(self) -> None:
        """Look after the kernel's process; called after each SIGCHLD."""
        self._departure.child_exited()

    # --- the end -----------------------------------------------------------------------------

    def _stop(self, attachment: Attachment, number: Any) -> None:
        """End the kernel now, and the supervisor when the last words have been taken."""
        self._kernel.end()
        self._stopping = True
        attachment.post(wire.RESULT, {"id": number, "ok": {}})
        attachment.when_acknowledged(self._end)
        self._reactor.call_later(FAREWELL_PATIENCE, self._end)

    def _stop_now(self) -> None:
        """End everything for somebody who is not attached; those who are will be told why."""
        endings.leave(self._directory, "somebody has stopped it (sshpyk stop)")
        self._kernel.end()
        self._reactor.call_later(0, self._end)

    def _give_up(self, why: str) -> None:
        endings.leave(self._directory, "%s, so its supervisor stopped it" % why)
        self._end()

    def _end(self) -> None:
        if self._ended:
            return
        self._ended = True
        self.abandon()
        for each in self._presence.attachments.values():
            each.end()
        self._publications.close()
        self._listener.close()
        self._reactor.stop()

    def abandon(self) -> None:
        """Leave no kernel behind, whatever has happened."""
        self._kernel.end()
