"""Where bridges meet supervisors: a unix socket in a directory that has the supervisor's name.

The directory appears with the socket listening in it, or not at all, so that of two bridges that
are asked for one supervisor (the answer to the first was lost) the second finds the first one's.
"""

import json
import os
import shutil
import socket
from typing import List, Mapping, Optional, Tuple

from . import state


def checked_name(name: object) -> str:
    """Give the name of a supervisor if it can be one.

    Raises:
        ValueError: it could lead out of the folder of supervisors.
    """
    if not isinstance(name, str) or not state.NAME.match(name):
        raise ValueError("no supervisor has the name %.40r" % (name,))
    return name


def establish(
    wanted: Optional[str], env: Mapping[str, str], name: str
) -> Tuple[str, socket.socket]:
    """Make the directory of a new supervisor, where it can really be written to.

    Args:
        wanted: the directory to try first for the remote package's files.
        env: the environment of the login.
        name: the supervisor's.

    Returns:
        The directory, and the socket that listens there.

    Raises:
        FileExistsError: there is such a supervisor.
        DirectoryError: none of the candidates will do.
    """
    refusals: List[str] = []
    for base in state.candidates(wanted, env):
        home = os.path.join(base, state.SUPERVISORS)
        path = os.path.join(home, name)
        prepared = "%s.new-%d" % (path, os.getpid())
        try:
            state.private_directory(base)
            state.private_directory(home)
            state.private_directory(prepared)
            # A full disk shows only when something is written.
            first_state = json.dumps({"host": socket.gethostname()}).encode("utf-8")
            state.write_private(os.path.join(prepared, state.STATE_FILE), first_state + b" " * 8192)
            listener = _listen(prepared)
        except OSError as error:
            refusals.append("%s (%s)" % (base, error.strerror or error))
            shutil.rmtree(prepared, ignore_errors=True)
            continue
        try:
            os.rename(prepared, path)
        except OSError as error:
            listener.close()
            shutil.rmtree(prepared, ignore_errors=True)
            raise FileExistsError("there is a supervisor %s" % name) from error
        return path, listener
    raise state.DirectoryError("no directory can be written: " + ", ".join(refusals))


def _listen(directory: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    try:
        # By a relative name: the path may be longer than a socket's may be.
        os.chdir(directory)
        listener.bind(state.SOCKET)
        os.chmod(state.SOCKET, 0o600)
        listener.listen(8)
    except OSError:
        listener.close()
        raise
    finally:
        os.chdir("/")
    return listener


def find(wanted: Optional[str], env: Mapping[str, str], name: str) -> Optional[str]:
    """Give the directory of a supervisor, None when there is none of that name."""
    for base in state.candidates(wanted, env):
        path = os.path.join(base, state.SUPERVISORS, name)
        if state.is_supervisors(path):
            return path
    return None


def connect(directory: str) -> socket.socket:
    """Connect to a supervisor that runs, without waiting for one that is stopped.

    Raises:
        ConnectionRefusedError: nothing listens there; FileNotFoundError: nor is there a socket.
        BlockingIOError: its queue of those who wait is full.
        PermissionError: it is not ours: it would be told secrets.
    """
    if not state.is_supervisors(directory):
        raise PermissionError("%s is not this user's" % directory)
    connection = socket.socket(socket.AF_UNIX)
    connection.setblocking(False)
    try:
        os.chdir(directory)
        connection.connect(state.SOCKET)
    except OSError:
        connection.close()
        raise
    finally:
        os.chdir("/")
    return connection


def same_secret(one: bytes, other: bytes) -> bool:
    """Compare in a time that does not tell where they differ; hmac would load OpenSSL for it."""
    difference = len(one) ^ len(other)
    for left, right in zip(one, other):  # noqa: B905 (Python 3.6 has no strict=)
        difference |= left ^ right
    return difference == 0
