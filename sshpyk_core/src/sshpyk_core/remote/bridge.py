"""The bridge: carries frames between one session's exec channel and the supervisors.

It has no state of its own and dies with the session. Its standard input and output are the exec
channel; each supervisor is one unix socket. Nothing is written to the channel before the mark
that tells the bridge's own bytes from what the user's shell may have printed.
"""

import fcntl
import os
import signal
import socket
import sys
from typing import Any, Dict, List

from . import rendezvous, state, supervisor, wire
from .reactor import Conduit, Reactor
from .throughput import enlarge_pipe, keep_memory

NO_SOCKET = "the supervisor's socket was closed"

HIGH_WATER = 256 * 1024
"""Bytes waiting for the channel at which no more is read from the supervisors."""


class Bridge:
    """One session's far end."""

    def __init__(self, reactor: Reactor) -> None:
        """Take over standard input and output."""
        self._reactor = reactor
        self._splitter = wire.Splitter()
        self._supervisors: Dict[int, Conduit] = {}
        self._channel = Conduit(reactor, 0, 1, self._from_channel, reactor.stop)
        self._channel.on_written = self._channel_written
        self._paused = False

    def greet(self, nonce: str) -> None:
        """Send the mark and the first frame."""
        hello = {
            "protocol": wire.PROTOCOL,
            "host": socket.gethostname(),
            "boot_id": state.boot_id(),
            "pid": os.getpid(),
            "python": "%d.%d.%d" % sys.version_info[:3],
        }
        self._channel.write(b"\n" + nonce.encode("ascii") + b":bridge\n")
        self._send(wire.json_frame(0, wire.HELLO, hello))

    def _send(self, frame: wire.Frame) -> None:
        self._channel.write(frame.encode())

    # --- from the link -----------------------------------------------------------------------

    def _from_channel(self, data: bytes) -> None:
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

    def _to_supervisor(self, frame: wire.Frame) -> None:
        conduit = self._supervisors.get(frame.supervisor)
        if conduit is None:
            if frame.kind == wire.ATTACH:
                self._farewell(frame.supervisor, "gone", NO_SOCKET)
            return
        conduit.write(frame.encode())

    def _farewell(self, handle: int, kind: str, message: str) -> None:
        words = {"kind": kind, "message": message}
        self._send(wire.json_frame(handle, wire.FAREWELL, words))

    def _request(self, request: Dict[str, Any]) -> None:
        answer: Dict[str, Any] = {"id": request.get("id")}
        try:
            handle = int(request["handle"])
            if request["do"] == "spawn":
                self._adopt(handle, self._find_or_spawn(request))
            elif request["do"] == "attach":
                self._adopt(handle, rendezvous.connect(str(request["directory"])))
            else:
                raise ValueError("unknown request %r" % request["do"])
            answer["ok"] = {}
        except state.DirectoryError as error:
            self._farewell(handle, "directory", str(error))
            answer["ok"] = {}
        except (KeyError, ValueError) as error:
            answer["error"] = {"kind": "request", "message": "bad request: %s" % error}
        except OSError as error:
            answer["error"] = {"kind": "gone", "message": str(error)}
        self._send(wire.json_frame(0, wire.ANSWER, answer))

    # --- supervisors -------------------------------------------------------------------------

    def _find_or_spawn(self, request: Dict[str, Any]) -> socket.socket:
        """Connect to the supervisor of that name: the answer to an earlier request may be lost."""
        name = rendezvous.checked_name(request["supervisor"])
        place = request.get("remote_dir"), os.environ, name
        directory = rendezvous.find(*place)
        if directory is None:
            try:
                return self._spawn(request, *rendezvous.establish(*place))
            except FileExistsError:
                directory = rendezvous.find(*place) or ""
        return rendezvous.connect(directory)

    def _spawn(
        self, request: Dict[str, Any], directory: str, listener: socket.socket
    ) -> socket.socket:
        """Start a supervisor in a process of its own that has nothing of this session."""
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                if os.fork() == 0:
                    theirs, listener = daemonize(theirs, listener)
                    supervisor.main(theirs, listener, directory, request)
            finally:
                os._exit(0)
        theirs.close()
        listener.close()
        os.waitpid(pid, 0)
        return ours

    def _adopt(self, handle: int, connection: socket.socket) -> None:
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
                self._farewell(handle, "gone", NO_SOCKET)

        conduit = Conduit(self._reactor, fd, fd, on_data, on_end)
        self._supervisors[handle] = conduit
        if self._paused:
            conduit.pause()

    def _channel_written(self, _size: int) -> None:
        if self._paused and self._channel.buffered < HIGH_WATER // 2:
            self._paused = False
            for each in list(self._supervisors.values()):
                each.unpause()


def daemonize(*keep: socket.socket) -> List[socket.socket]:
    """Let go of everything that belongs to the session but some sockets, which move to 3, 4, …."""
    null = os.open(os.devnull, os.O_RDWR)
    # Out of the way first: one of them may have the number that another is to get.
    moved = [fcntl.fcntl(each.detach(), fcntl.F_DUPFD, 3 + len(keep)) for each in keep]
    for fd in range(3):
        os.dup2(null, fd)
    for number, fd in enumerate(moved, 3):
        os.dup2(fd, number, inheritable=False)
    last = 2 + len(keep)
    for name in os.listdir("/dev/fd") if os.path.isdir("/dev/fd") else map(str, range(256)):
        if int(name) > last:
            try:
                os.close(int(name))
            except OSError:
                continue
    return [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, 3 + n) for n in range(len(keep))]


def main(nonce: str) -> None:
    """Be a bridge until the session ends."""
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.umask(0o077)
    os.chdir("/")
    keep_memory()
    for fd in (0, 1):
        enlarge_pipe(fd)
    reactor = Reactor()
    bridge = Bridge(reactor)
    bridge.greet(nonce)
    reactor.run()
