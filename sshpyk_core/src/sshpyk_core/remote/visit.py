"""A visit to a supervisor: one command by somebody who does not attach, one RESULT, the end.

A connection whose first frame is COMMAND is one. It has the token like any other; it is no sign
that somebody holds the kernel, and nothing of it is kept.

====== ======================= ===================================================================
do     takes                   gives
====== ======================= ===================================================================
status nothing                 what the state file holds but the token, and spool_memory, spool_disk
signal signum, name ("SIGINT") delivered: bool
stop   nothing                 nothing; the kernel and the supervisor end
log    offset, wait (seconds)  offset, next, data (base64), ended: see :mod:`.output`; with wait, as
                               soon as there is more
join   nothing                 token, facts (as a launch gives them) and connection, for a program
                               that attaches; or an error of the kind ``starting`` or ``ended``
access nothing                 connection (what the kernel's connection file holds, its key too) and
                               interrupt_mode, for somebody who wants to talk to the kernel
====== ======================= ===================================================================
"""

import binascii
import math
import signal
from typing import Any, Callable, Dict, NamedTuple

from . import wire
from .kernel import Kernel, ending
from .output import Part
from .reactor import Conduit, Reactor

PATIENCE = 60.0
"""Seconds from the command to the end of the connection, taken or not."""

MOST_WAIT = 30.0
"""Seconds that a command may wait for more output."""


class Door(NamedTuple):
    """What a visitor may ask of a supervisor."""

    status: Callable[[], Dict[str, Any]]
    stop: Callable[[], None]
    kernel: Kernel


class Visit:
    """One."""

    def __init__(self, reactor: Reactor, conduit: Conduit, frame: wire.Frame, door: Door) -> None:
        """Carry out the command of a frame whose token was found to be right.

        Raises:
            WireError: it is no command.
        """
        self._conduit = conduit
        self._handle = frame.supervisor
        self._door = door
        command = frame.json()
        self._number = command.get("id")
        reactor.call_later(PATIENCE, conduit.close)
        try:
            self._act(command)
        except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
            words = "bad command: %s: %s" % (type(error).__name__, error)
            self._say({"error": {"kind": "request", "message": words}})

    def take(self, frame: wire.Frame) -> None:
        """Refuse whatever comes after the command."""
        raise wire.WireError("a visitor says no more (kind %d)" % frame.kind)

    def lost(self, conduit: Conduit) -> None:
        """Do nothing: what is said from now on goes nowhere."""

    def _act(self, command: Dict[str, Any]) -> None:
        do = command["do"]
        if do == "status":
            self._say({"ok": self._door.status()})
        elif do == "signal":
            self._say({"ok": {"delivered": self._door.kernel.signal(signal_number(command))}})
        elif do == "stop":
            self._say({"ok": {}})
            self._door.stop()
        elif do == "log":
            offset, wait = int(command.get("offset", 0)), float(command.get("wait", 0))
            if offset < 0 or not (math.isfinite(wait) and 0 <= wait <= MOST_WAIT):
                raise ValueError("offset %d, wait %g" % (offset, wait))
            self._door.kernel.output.when_more(offset, wait, self._give)
        elif do == "join":
            self._join(str(command["token"]))
        elif do == "access":
            self._say({"ok": self._door.kernel.access()})
        else:
            raise ValueError("unknown command %.40r" % (do,))

    def _join(self, token: str) -> None:
        """Give a program what it needs to attach; the token is the one that it came with."""
        kernel = self._door.kernel
        if not kernel.running:
            code = kernel.returncode
            how = "was never started" if code is None else "has ended (%s)" % ending(code)
            self._say({"error": {"kind": "ended", "message": "the kernel %s" % how}})
        elif not kernel.settled:
            self._say({"error": {"kind": "starting", "message": "the kernel is just starting"}})
        else:
            connection = kernel.access()["connection"]
            self._say({"ok": {"token": token, "facts": kernel.told, "connection": connection}})

    def _give(self, part: Part) -> None:
        answer = {
            "offset": part.offset,
            "next": part.offset + len(part.data),
            "data": binascii.b2a_base64(part.data, newline=False).decode("ascii"),
            "ended": not self._door.kernel.running,
        }
        self._say({"ok": answer})

    def _say(self, result: Dict[str, Any]) -> None:
        frame = wire.json_frame(self._handle, wire.RESULT, dict(result, id=self._number))
        self._conduit.write(frame.encode())
        self._conduit.close_when_written()


def signal_number(command: Dict[str, Any]) -> int:
    """Give the signal as this system numbers it: the systems agree on names, not on numbers."""
    return int(getattr(signal, str(command.get("name")), command["signum"]))
