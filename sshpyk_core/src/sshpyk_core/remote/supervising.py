"""The process of a supervisor, from its first moment to its last."""

import os
import shutil
import signal
import socket
import sys
from typing import Any, Dict

from . import endings, wire
from .reactor import Reactor
from .supervisor import Supervisor


def main(
    connection: socket.socket, listener: socket.socket, directory: str, request: Dict[str, Any]
) -> None:
    """Be a supervisor until its kernel is not wanted any more."""
    try:
        os.chdir(directory)
        reactor = Reactor()
        supervisor = Supervisor(reactor, listener, directory, dict(request, package=sys.argv[0]))
    except (OSError, KeyError, TypeError, ValueError, OverflowError) as error:
        # First: whoever is told asks again at once, or looks for what was left.
        if directory:
            shutil.rmtree(directory, ignore_errors=True)
        kind = "kernel" if isinstance(error, OSError) else "request"
        answer = {"kind": kind, "message": "%s: %s" % (type(error).__name__, error)}
        frame = wire.json_frame(int(request["handle"]), wire.FAREWELL, answer)
        connection.sendall(frame.encode())
        return
    reactor.after_child_exits(supervisor.reap)

    def told_to_end(_signum: int, _frame: object) -> None:
        endings.leave(directory, "its supervisor was told to end, with SIGTERM")
        reactor.stop()

    signal.signal(signal.SIGTERM, told_to_end)
    try:
        supervisor.greet(connection)
        reactor.run()
    finally:
        supervisor.abandon()
        os.chdir("/")
        shutil.rmtree(directory, ignore_errors=True)
