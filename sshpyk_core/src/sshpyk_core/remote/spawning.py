"""Starting a supervisor: in a process that has nothing of the session it was asked for in."""

import fcntl
import os
import shutil
import socket
from typing import Any, Dict, List

from . import supervising


def spawn(request: Dict[str, Any], directory: str, listener: socket.socket) -> socket.socket:
    """Start a supervisor; give a connection to it.

    Args:
        request: see :class:`.supervisor.Supervisor`.
        directory: the supervisor's own.
        listener: where it is to accept programs that attach; closed here.

    Raises:
        OSError: there can be no more processes; the directory is removed then.
    """
    ours, theirs = socket.socketpair()
    try:
        pid = os.fork()
    except OSError:
        # Whoever asks again must not find a socket that nobody serves.
        for each in (ours, theirs, listener):
            each.close()
        shutil.rmtree(directory, ignore_errors=True)
        raise
    if pid == 0:
        try:
            os.setsid()
            if os.fork() == 0:
                theirs, listener = _daemonize(theirs, listener)
                supervising.main(theirs, listener, directory, request)
        finally:
            os._exit(0)
    theirs.close()
    listener.close()
    os.waitpid(pid, 0)
    return ours


def _daemonize(*keep: socket.socket) -> List[socket.socket]:
    """Let go of all that belongs to the session but some sockets, which move to 3 and above."""
    numbers = let_go(*(each.detach() for each in keep))
    return [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, number) for number in numbers]


def let_go(*keep: int) -> List[int]:
    """Close all descriptors but some, which move to 3 and above; give the new numbers.

    The standard streams lead nowhere then.
    """
    null = os.open(os.devnull, os.O_RDWR)
    # Out of the way first: one of them may have the number that another is to get.
    moved = [fcntl.fcntl(each, fcntl.F_DUPFD, 3 + len(keep)) for each in keep]
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
    return list(range(3, 3 + len(keep)))
