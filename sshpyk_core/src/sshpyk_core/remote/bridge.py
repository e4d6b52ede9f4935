"""The bridge: carries frames between one session's exec channel and the supervisors.

It has no state of its own and dies with the session. Its standard input and output are the exec
channel; each supervisor is one unix socket. Nothing is written to the channel before the mark
that tells the bridge's own bytes from what the user's shell may have printed.

Requests that may take long are :mod:`.errands`, answered when they are done. A request to start or
reach a supervisor is answered at once; that it cannot be had is told by a
FAREWELL of that supervisor, as is its end later on:

=========== =====================================================================
kind        what it means
=========== =====================================================================
gone        it has ended, or was killed; so has its kernel
unreachable it runs, but cannot be talked to now
directory   a new one finds no directory to work in
=========== =====================================================================
"""

import os
import signal
import socket
import sys
import time
from typing import Any, Dict, Set

from . import orphans, rendezvous, state, wire
from .errands import KINDS, ErrandError, Errands
from .reactor import Conduit, Reactor
from .spawning import spawn
from .throughput import enlarge_pipe, keep_memory

HIGH_WATER = 256 * 1024
"""Bytes waiting for the channel at which no more is read from the supervisors."""

LINK_PATIENCE = 600.0
"""Seconds without a byte from the link, which pings when it is idle, after which it is gone."""

SWEEP_AFTER = 5.0
"""Seconds after its start at which it looks for what dead supervisors have left: not at once, as
somebody waits for a kernel then."""

END_PATIENCE = 1.0
"""Seconds that a supervisor may take to end after its socket was closed."""

END_INTERVAL = 0.05
"""Seconds between two looks at whether a supervisor has ended."""


class Bridge:
    """One session's far end."""

    def __init__(
        self,
        reactor: Reactor,
        read_fd: int = 0,
        write_fd: int = 1,
        link_patience: float = LINK_PATIENCE,
    ) -> None:
        """Take over the channel's two descriptors; end when nothing comes for ``link_patience``."""
        self._reactor = reactor
        self._splitter = wire.Splitter()
        self._supervisors: Dict[int, Conduit] = {}
        self._channel = Conduit(reactor, read_fd, write_fd, self._from_channel, reactor.stop)
        self._channel.on_written = self._channel_written
        self._paused = False
        self._errands = Errands(reactor, self._answer)
        self._bases: Set[str] = set(orphans.bases(os.environ))
        self._link_patience = link_patience
        self._heard = time.monotonic()
        reactor.call_later(SWEEP_AFTER, self._sweep)
        reactor.call_later(link_patience, self._watch)

    def _sweep(self) -> None:
        for base in self._bases:
            orphans.sweep(base)

    def _watch(self) -> None:
        """End when a dead connection, which the server may keep for hours, is all there is."""
        left = self._link_patience - (time.monotonic() - self._heard)
        if left <= 0:
            self._reactor.stop()
        else:
            self._reactor.call_later(left, self._watch)

    def greet(self, nonce: str) -> None:
        """Send the mark and the first frame."""
        hello = {
            "protocol": wire.PROTOCOL,
            "host": socket.gethostname(),
            "boot_id": state.boot_id(),
            "machine": state.machine_id(),
            "pid": os.getpid(),
            "python": "%d.%d.%d" % sys.version_info[:3],
            "executable": sys.executable or "",
            "package": sys.argv[0],
        }
        self._channel.write(b"\n" + nonce.encode("ascii") + b":bridge\n")
        self._send(wire.json_frame(0, wire.HELLO, hello))

    def _send(self, frame: wire.Frame) -> None:
        self._channel.write(frame.encode())

    # --- from the link -----------------------------------------------------------------------

    def _from_channel(self, data: bytes) -> None:
        self._heard = time.monotonic()
        try:
            for frame in self._splitter.feed(data):
                if frame.supervisor:
                    self._to_supervisor(frame)
                elif frame.kind == wire.PING:
                    self._send(frame._replace(kind=wire.PONG))
                elif frame.kind == wire.REQUEST:
                    self._request(frame.json())
                else:
                    raise wire.WireError("the bridge takes no frame of kind %d" % frame.kind)
        except wire.WireError as error:
            self._send(wire.json_frame(0, wire.FAREWELL, {"kind": "wire", "message": str(error)}))
            self._channel.close_when_written()
            self._reactor.stop()

    def end(self) -> None:
        """End what would outlive the session to no purpose."""
        self._errands.end()

    def _to_supervisor(self, frame: wire.Frame) -> None:
        conduit = self._supervisors.get(frame.supervisor)
        if conduit is not None:
            conduit.write(frame.encode())

    def _farewell(self, handle: int, kind: str, message: str) -> None:
        words = {"kind": kind, "message": message}
        self._send(wire.json_frame(handle, wire.FAREWELL, words))

    def _answer(self, payload: bytes) -> None:
        self._send(wire.Frame(0, wire.ANSWER, 0, 0, payload))

    def _request(self, request: Dict[str, Any]) -> None:
        answer: Dict[str, Any] = {"id": request.get("id")}
        try:
            if str(request["do"]) in KINDS:
                self._errands.begin(request)
                return
            handle = handle_of(request)
            if request["do"] == "spawn":
                self._find_or_spawn(handle, request)
            elif request["do"] == "attach":
                self._reach(handle, str(request["directory"]))
            else:
                raise ValueError("unknown request %.40r" % (request["do"],))
            answer["ok"] = {}
        except ErrandError as error:
            answer["error"] = {"kind": error.kind, "message": str(error)}
        except (KeyError, ValueError) as error:
            answer["error"] = {"kind": "request", "message": "bad request: %s" % error}
        except OSError as error:
            answer["error"] = {"kind": "host", "message": str(error)}
        self._answer(wire.dumps(answer))

    # --- supervisors -------------------------------------------------------------------------

    def _find_or_spawn(self, handle: int, request: Dict[str, Any]) -> None:
        """Reach the supervisor of that name: the answer to an earlier request may be lost."""
        name = rendezvous.checked_name(request["supervisor"])
        wanted = request.get("remote_dir")
        self._bases.update(orphans.bases(os.environ, wanted))
        directory = rendezvous.find(wanted, os.environ, name)
        if directory is not None:
            self._reach(handle, directory)
            return
        try:
            directory, listener = rendezvous.establish(wanted, os.environ, name)
        except state.DirectoryError as error:
            self._farewell(handle, "directory", str(error))
        except FileExistsError:
            # Another bridge was asked for it too, and was quicker.
            self._reach(handle, rendezvous.find(wanted, os.environ, name) or "")
        else:
            self._adopt(handle, spawn(request, directory, listener), directory)

    def _reach(self, handle: int, directory: str) -> None:
        """Connect to a supervisor that runs, or tell why that cannot be."""
        try:
            connection = rendezvous.connect(directory)
        except OSError:
            self._report(handle, orphans.account_for(directory))
        else:
            self._adopt(handle, connection, directory)

    def _report(self, handle: int, account: orphans.Account) -> None:
        self._farewell(handle, "unreachable" if account.lives else "gone", account.words)

    def _report_end(self, handle: int, directory: str, patience: float = END_PATIENCE) -> None:
        """Tell what became of a supervisor whose socket was closed, when it has ended."""
        if handle in self._supervisors:
            return
        account = orphans.account_for(directory)
        if account.lives and patience > 0:
            patience -= END_INTERVAL
            again = lambda: self._report_end(handle, directory, patience)  # noqa: E731
            self._reactor.call_later(END_INTERVAL, again)
        else:
            self._report(handle, account)

    def _adopt(self, handle: int, connection: socket.socket, directory: str) -> None:
        old = self._supervisors.pop(handle, None)
        if old is not None:
            old.close()
        splitter = wire.Splitter()
        fd = connection.detach()

        def on_data(data: bytes) -> None:
            try:
                whole = splitter.whole(data)
            except wire.WireError:
                conduit.close()
                on_end()
                return
            self._channel.write(*whole)
            if self._channel.buffered > HIGH_WATER and not self._paused:
                self._paused = True
                for each in self._supervisors.values():
                    each.pause()

        def on_end() -> None:
            if self._supervisors.get(handle) is conduit:
                del self._supervisors[handle]
                self._report_end(handle, directory)

        conduit = Conduit(self._reactor, fd, fd, on_data, on_end)
        self._supervisors[handle] = conduit
        if self._paused:
            conduit.pause()

    def _channel_written(self, _size: int) -> None:
        if self._paused and self._channel.buffered < HIGH_WATER // 2:
            self._paused = False
            for each in list(self._supervisors.values()):
                each.unpause()


def handle_of(request: Dict[str, Any]) -> int:
    """Give the handle that a request is about; one that no frame can carry is a ValueError."""
    handle = request["handle"]
    if not isinstance(handle, int) or not 0 < handle < 2**32:
        raise ValueError("%.40r is no handle" % (handle,))
    return handle


def main(nonce: str, link_patience: float = LINK_PATIENCE) -> None:
    """Be a bridge until the session ends, or nothing has come from the link for so many seconds."""
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.umask(0o077)
    os.chdir("/")
    keep_memory()
    for fd in (0, 1):
        enlarge_pipe(fd)
    reactor = Reactor()
    bridge = Bridge(reactor, link_patience=link_patience)
    bridge.greet(nonce)
    try:
        reactor.run()
    finally:
        bridge.end()
