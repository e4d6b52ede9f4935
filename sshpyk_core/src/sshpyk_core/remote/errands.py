"""Errands: requests to a bridge that may take long, each done by a child of it.

The bridge carries frames meanwhile. A child has nothing of the session but the pipe for its answer;
it ends with the bridge, or when its time is up, and with it what it has started.

========== ============================== ================================================
do         takes                          gives
========== ============================== ================================================
survey     pythons                        see :mod:`.survey`
resources  directories                    see :mod:`.resources`
supervisors directories                   see :mod:`.inventory`
tell       directory, command             see :mod:`.telling`
locate     kernels                        see :mod:`.locating`
confirm    directory, wait (seconds)      see :mod:`.confirming`
========== ============================== ================================================
"""

import json
import os
import signal
import sys
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional

from . import parent_death, wire
from .reactor import Reactor, Timer
from .spawning import let_go

MOST_AT_ONCE = 8
"""Errands that may be under way; those beyond are refused."""

KILL_PATIENCE = 1.0
"""Seconds that a child may take to end what it has started."""

REAP_INTERVAL = 0.02
"""Seconds between two looks at whether a child whose pipe is closed has ended."""

MOST_ANSWER = wire.MAX_PAYLOAD
"""Bytes of an answer."""

Do = Callable[[Mapping[str, Any]], Dict[str, Any]]


class ErrandError(Exception):
    """An errand cannot be done; ``kind`` is for programs, the message for people."""

    def __init__(self, kind: str, message: str) -> None:
        """Keep both."""
        super().__init__(message)
        self.kind = kind


class Kind(NamedTuple):
    """One kind of errand: the module whose ``run`` does it, and the seconds that it may take."""

    module: str
    limit: float


KINDS = {
    "survey": Kind("survey", 35.0),
    "resources": Kind("resources", 20.0),
    "supervisors": Kind("inventory", 20.0),
    "tell": Kind("telling", 45.0),
    "locate": Kind("locating", 35.0),
    "confirm": Kind("confirming", 20.0),
}


class _Child:
    """One that runs."""

    def __init__(self, pid: int, number: Any, pipe: int) -> None:
        self.pid = pid
        self.number = number
        self.pipe = pipe
        self.answer: List[bytes] = []
        self.answered = False
        self.timer: Optional[Timer] = None


class Errands:
    """Those of one bridge."""

    def __init__(self, reactor: Reactor, answer: Callable[[bytes], None]) -> None:
        """Start with none; ``answer`` takes the payload of an ANSWER."""
        self._reactor = reactor
        self._answer = answer
        self._children: Dict[int, _Child] = {}

    def begin(self, request: Mapping[str, Any]) -> None:
        """Begin one; its answer comes later.

        Raises:
            ErrandError: too many are under way.
            OSError: there can be no more processes.
        """
        kind = KINDS[request["do"]]
        if len(self._children) >= MOST_AT_ONCE:
            raise ErrandError("busy", "%d requests like this are under way" % MOST_AT_ONCE)
        ours, theirs = os.pipe()
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError:
            os.close(ours)
            os.close(theirs)
            raise
        if pid == 0:
            _be_the_child(kind, request, theirs, parent)
        os.close(theirs)
        os.set_blocking(ours, False)
        child = _Child(pid, request.get("id"), ours)
        self._children[pid] = child
        self._reactor.watch(ours, lambda: self._readable(child))
        child.timer = self._reactor.call_later(kind.limit, lambda: self._late(child, kind))

    def _readable(self, child: _Child) -> None:
        try:
            data = os.read(child.pipe, 65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            child.answer.append(data)
            return
        self._reactor.watch(child.pipe, None)
        os.close(child.pipe)
        payload = b"".join(child.answer)
        if not payload or len(payload) > MOST_ANSWER:
            payload = _failed(child.number, "host", "the process that looked has died")
        self._finish(child, payload)
        self._reap(child)

    def _finish(self, child: _Child, payload: bytes) -> None:
        if child.timer is not None:
            child.timer.cancel()
        child.answer.clear()
        if not child.answered:
            child.answered = True
            self._answer(payload)

    def _late(self, child: _Child, kind: Kind) -> None:
        words = "it was given up after %g s" % kind.limit
        self._finish(child, _failed(child.number, "too-slow", words))
        _signal(child, signal.SIGTERM)
        child.timer = self._reactor.call_later(
            KILL_PATIENCE, lambda: _signal(child, signal.SIGKILL)
        )

    def _reap(self, child: _Child) -> None:
        """Take note of its end; its number cannot be another's before that."""
        if os.waitpid(child.pid, os.WNOHANG)[0]:
            del self._children[child.pid]
        else:
            self._reactor.call_later(REAP_INTERVAL, lambda: self._reap(child))

    def end(self) -> None:
        """End all, as the bridge ends."""
        for child in self._children.values():
            _signal(child, signal.SIGTERM)


def _signal(child: _Child, signum: int) -> None:
    # Not reaped yet, so the number is still its own.
    os.kill(child.pid, signum)


def _failed(number: Any, kind: str, message: str) -> bytes:
    return wire.dumps({"id": number, "error": {"kind": kind, "message": message}})


def _be_the_child(kind: Kind, request: Mapping[str, Any], pipe: int, parent: int) -> None:
    """Do the errand in this process, which is a new one, and end it."""
    try:
        (pipe,) = let_go(pipe)
        for signum in (signal.SIGTERM, signal.SIGALRM):
            signal.signal(signum, _end)
        with_parent = parent_death.dies_with(parent, signal.SIGTERM)
        if with_parent is not None:
            with_parent()
        # Where the system tells nobody of the end of the bridge, time does.
        signal.alarm(int(kind.limit) + 1)
        data = _do(kind, request)
        while data:
            data = data[os.write(pipe, data) :]
    finally:
        os._exit(0)


def _end(_signum: int, _frame: object) -> None:
    from . import discovery

    discovery.end_probes()
    os._exit(1)


def _do(kind: Kind, request: Mapping[str, Any]) -> bytes:
    number = request.get("id")
    try:
        answer = {"id": number, "ok": _doer(kind)(request)}
    except ErrandError as error:
        return _failed(number, error.kind, str(error))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return _failed(number, "request", "bad request: %s: %s" % (type(error).__name__, error))
    except Exception as error:
        return _failed(number, "host", "%s: %s" % (type(error).__name__, error))
    data = json.dumps(answer, separators=(",", ":")).encode("utf-8")
    if len(data) > MOST_ANSWER:
        return _failed(number, "host", "the answer would have %d bytes" % len(data))
    return data


def _doer(kind: Kind) -> Do:
    # Only here: a supervisor is a fork of the bridge, and is to be small.
    name = "%s.%s" % (__package__, kind.module)
    __import__(name)
    do: Do = sys.modules[name].run
    return do
