"""A connection to a supervisor in the test's own process, on which a test says what it likes."""

from __future__ import annotations

import socket

from sshpyk_core.remote import wire

from support.far_half import FarHalf

__all__ = ["Greeter"]

TURNS = 4


class Greeter:
    """One connection; use it as a context."""

    def __init__(self, far: FarHalf) -> None:
        """Connect."""
        self._far = far
        self._ours, theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._splitter = wire.Splitter()
        far.supervisor.greet(theirs)

    def __enter__(self) -> Greeter:
        """Do nothing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection, and let the supervisor notice."""
        self._ours.close()
        self._far.turn()

    def say(self, data: bytes) -> None:
        """Send bytes, unless the supervisor has closed the connection, and let it work."""
        try:
            self._ours.sendall(data)
        except ConnectionError:
            return
        finally:
            for _ in range(TURNS):
                self._far.turn()

    def attach(self, name: str, epoch: object = 1, received: object = 0) -> None:
        """Say ATTACH with the right token."""
        request = {"token": self._far.token, "attachment": name, "epoch": epoch}
        payload = wire.dumps(dict(request, received=received))
        self.say(wire.Frame(1, wire.ATTACH, 0, 0, payload).encode())

    def heard(self) -> list[wire.Frame]:
        """Give the frames that have come since the last time."""
        frames = []
        try:
            while data := self._ours.recv(65536):
                frames += self._splitter.feed(data)
        except (BlockingIOError, ConnectionError):
            pass
        return frames
