"""The bridge: carries frames between one session's exec channel and the supervisors.

It has no state of its own and dies with the session. Its standard input and output are the exec
channel; each supervisor is one unix socket. Nothing is written to the channel before the mark
that tells the bridge's own bytes from what the user's shell may have printed.
"""

import os
import signal
import socket
import sys
from typing import Any, Dict

from . import state, supervisor, wire
from .reactor import Conduit, Reactor
from .throughput import enlarge_pipe, keep_memory

HIGH_WATER = 256 * 1024
"""Bytes waiting for the channel at which no more is read from the supervisors."""


class Bridge:
    """One session's far end."""

    def __init__(self, reactor: Reactor, read_fd: int = 0, write_fd: int = 1) -> None:
        """Take over the channel's two descriptors."""
        self._reactor = reactor
        self._splitter = wire.Splitter()
        self._supervisors: Dict[int, Conduit] = {}
        self._unheard: Dict[int, socket.socket] = {}
        self._channel = Conduit(reactor, read_fd, write_fd, self._from_channel, reactor.stop)
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
                self._farewell(frame.supervisor)
            return
        conduit.write(frame.encode())

    def _farewell(self, handle: int) -> None:
        message = {"kind": "gone", "message": "the supervisor's socket was closed"}
        self._send(wire.json_frame(handle, wire.FAREWELL, message))

    def _request(self, request: Dict[str, Any]) -> None:
        answer: Dict[str, Any] = {"id": request.get("id")}
        try:
            handle = handle_of(request)
            if request["do"] == "spawn":
                self._adopt(handle, self._spawn(request))
            elif request["do"] == "attach":
                self._adopt(handle, self._connect(handle, str(request["directory"])))
            else:
                raise ValueError("unknown request %.40r" % (request["do"],))
            answer["ok"] = {}
        except (KeyError, ValueError) as error:
            answer["error"] = {"kind": "request", "message": "bad request: %s" % error}
        except OSError as error:
            answer["error"] = {"kind": "gone", "message": str(error)}
        self._send(wire.json_frame(0, wire.ANSWER, answer))

    # --- supervisors -------------------------------------------------------------------------

    def _spawn(self, request: Dict[str, Any]) -> socket.socket:
        """Start a supervisor in a process of its own that has nothing of this session."""
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                if os.fork() == 0:
                    theirs = daemonize(theirs)
                    supervisor.main(theirs, request)
            finally:
                os._exit(0)
        theirs.close()
        os.waitpid(pid, 0)
        return ours

    def _connect(self, handle: int, directory: str) -> socket.socket:
        """Connect to a supervisor that runs; the path may be longer than a socket's may be."""
        connection = socket.socket(socket.AF_UNIX)
        connection.setblocking(False)
        try:
            os.chdir(directory)
            connection.connect(state.SOCKET)
        except BlockingIOError:
            # Its queue is full: it is stopped. It must not hold up the others; whoever attaches
            # gets no answer, and asks again.
            connection.close()
            connection, self._unheard[handle] = socket.socketpair()
        except OSError:
            connection.close()
            raise
        finally:
            os.chdir("/")
        return connection

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
                self._farewell(handle)

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


def daemonize(keep: socket.socket) -> socket.socket:
    """Let go of everything that belongs to the session but one socket, which moves to 3."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(keep.fileno(), 3)
    for fd in range(3):
        os.dup2(null, fd)
    for name in os.listdir("/dev/fd") if os.path.isdir("/dev/fd") else map(str, range(256)):
        if int(name) > 3:
            try:
                os.close(int(name))
            except OSError:
                continue
    keep.detach()
    os.set_inheritable(3, False)
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, 3)


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
