"""Asking supervisors something on their sockets, several at the same time, without attaching."""

import errno
import os
import selectors
import socket
import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from . import rendezvous, state, wire

HANDLE = 1
"""The number that a supervisor is called by on its own connection."""

CONNECT_INTERVAL = 0.02
"""Seconds between two attempts where the queue of those who wait is full."""


class Reply(NamedTuple):
    """What one said; nothing where both are None: it did not answer in time, or closed."""

    ok: Optional[Dict[str, Any]]
    error: Optional[Dict[str, Any]]


SILENCE = Reply(None, None)


class _Conversation:
    """With one supervisor."""

    def __init__(self, connection: socket.socket, command: Mapping[str, Any], token: str) -> None:
        self.connection = connection
        self._splitter = wire.Splitter()
        question = dict(command, id=1, token=token)
        self._question = wire.json_frame(HANDLE, wire.COMMAND, question).encode()

    def say(self) -> bool:
        """Say what fits; True when all is said."""
        sent = self.connection.send(self._question)
        self._question = self._question[sent:]
        return not self._question

    def hear(self) -> Optional[Reply]:
        """Give the reply when it is complete."""
        data = self.connection.recv(65536)
        if not data:
            return SILENCE
        for frame in self._splitter.feed(data):
            said = frame.json()
            if frame.kind == wire.RESULT:
                return Reply(said.get("ok"), said.get("error"))
            if frame.kind == wire.FAREWELL:
                return Reply(None, said)
        return None


def ask(directories: List[str], command: Mapping[str, Any], patience: float) -> Dict[str, Reply]:
    """Give each supervisor one command; see :mod:`.visit`.

    Args:
        directories: of supervisors; each has its token in its state file.
        command: do, and what that takes.
        patience: seconds until those that have not answered are given up.

    Returns:
        What each said, by its directory.
    """
    deadline = time.monotonic() + patience
    replies = dict.fromkeys(directories, SILENCE)
    with selectors.DefaultSelector() as selector:
        for directory in directories:
            connection = _connect(directory, deadline)
            token = state.read_json(os.path.join(directory, state.STATE_FILE)).get("token")
            if connection is not None:
                talk = _Conversation(connection, command, str(token))
                selector.register(connection, selectors.EVENT_WRITE, (directory, talk))
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready and time.monotonic() >= deadline:
                break
            for key, _events in ready:
                reply = _go_on(selector, key)
                if reply is not None:
                    replies[key.data[0]] = reply
                    selector.unregister(key.fileobj)
                    key.data[1].connection.close()
    return replies


def _go_on(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> Optional[Reply]:
    talk: _Conversation = key.data[1]
    try:
        if key.events & selectors.EVENT_WRITE:
            if talk.say():
                selector.modify(key.fileobj, selectors.EVENT_READ, key.data)
            return None
        return talk.hear()
    except BlockingIOError:
        return None
    except (OSError, wire.WireError):
        return SILENCE


def _connect(directory: str, deadline: float) -> Optional[socket.socket]:
    """Connect to one; None where that cannot be now."""
    while True:
        try:
            return rendezvous.connect(directory)
        except OSError as error:
            if error.errno != errno.EAGAIN or time.monotonic() >= deadline:
                return None
        # Nothing tells when there is room in the queue of a unix socket.
        time.sleep(CONNECT_INTERVAL)
