"""The far half of the wire in the test's own process: bridges, a supervisor, a kernel's ports."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sshpyk_core.remote import rendezvous, wire
from sshpyk_core.remote.attachment import Attachment
from sshpyk_core.remote.bridge import Bridge
from sshpyk_core.remote.reactor import Reactor
from sshpyk_core.remote.supervisor import Supervisor

from support.talkers import Talker
from support.virtual_time import Clock

__all__ = ["KERNEL", "LAUNCH", "FarHalf"]

KERNEL = "still"
"""A kernel that does nothing: the test talks at its ports."""

LAUNCH = {
    "kernel_name": KERNEL,
    "remote_python": sys.executable,
    "connection": {"key": "k", "signature_scheme": "hmac-sha256"},
}

NONCE = "0123456789abcdef"


class RecordingSupervisor(Supervisor):
    """A supervisor that remembers what it was told to do."""

    def __init__(
        self,
        reactor: Reactor,
        listener: socket.socket,
        directory: str,
        request: dict[str, Any],
    ) -> None:
        """Start with nothing done."""
        super().__init__(reactor, listener, directory, request)
        self.done: list[Any] = []
        self.attachment: Attachment | None = None

    def _command(self, attachment: Attachment, command: dict[str, Any]) -> None:
        self.attachment = attachment
        self.done.append(command["id"])
        super()._command(attachment, command)


class FarHalf:
    """All that runs on the host."""

    def __init__(self, clock: Clock, *, memory: int, disk: int) -> None:
        """Start a supervisor whose spools take so many bytes in memory and on disk."""
        self.token = secrets.token_hex(8)
        self._base = tempfile.mkdtemp(prefix="fh-", dir="/tmp")
        self.clock = clock
        self.reactor = Reactor(clock)
        request = {
            "token": self.token,
            "package": "",
            "detached_timeout": 1e9,
            "spool_limit": disk,
            "spool_memory": memory,
        }
        with unmoved():
            self.directory, listener = rendezvous.establish(self._base, {}, "1" * 32)
        self.supervisor = RecordingSupervisor(self.reactor, listener, self.directory, request)
        self.budget = self.supervisor._budget
        self._bridges: list[Bridge] = []
        self._listeners: dict[int, socket.socket] = {}
        self.talkers: dict[int, Talker] = {}
        self._specify_kernel()
        self.listen(wire.PORTS.index("hb"))

    def _specify_kernel(self) -> None:
        folder = Path(os.environ["JUPYTER_DATA_DIR"]) / "kernels" / KERNEL
        folder.mkdir(parents=True, exist_ok=True)
        spec = {"argv": ["sleep", "1000"], "display_name": "Still", "language": "none"}
        (folder / "kernel.json").write_text(json.dumps(spec))

    def bridge(self, far_end: socket.socket) -> bytes:
        """Start a bridge on a channel; give the mark that its bytes begin after."""
        fd = far_end.detach()
        self._bridges.append(Bridge(self.reactor, fd, fd))
        self._bridges[-1].greet(NONCE)
        return f"{NONCE}:bridge\n".encode()

    def turn(self) -> None:
        """Do what can be done now."""
        with unmoved():
            self.reactor.call_later(0, self.reactor.stop)
            self.reactor.run()
        for bridge in [each for each in self._bridges if each._channel.closed]:
            self._bridges.remove(bridge)
            self._end(bridge)
        self._let_in()

    @staticmethod
    def _end(bridge: Bridge) -> None:
        """Do what the end of its process does."""
        bridge._channel.close()
        for conduit in list(bridge._supervisors.values()):
            conduit.close()

    # --- the kernel --------------------------------------------------------------------------

    def listen(self, port: int) -> None:
        """Have the kernel listen on one of its ports."""
        if port not in self._listeners:
            listener = self._listeners[port] = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self.supervisor._kernel.ports[wire.PORTS[port]]))
            listener.listen(16)
            listener.setblocking(False)

    def _let_in(self) -> None:
        for port, talker in self.talkers.items():
            if port in self._listeners and not talker.is_connected:
                try:
                    talker.connected(self._listeners[port].accept()[0])
                except BlockingIOError:
                    continue

    # --- what it holds -----------------------------------------------------------------------

    def kept(self) -> int:
        """Count the bytes of streams that were sent to the near half and not acknowledged."""
        attachment = self.supervisor.attachment
        assert attachment is not None
        return sum(len(each.payload) for each in attachment._courier._kept)

    def unacknowledged(self) -> int:
        """Count the frames that were sent and not acknowledged."""
        attachment = self.supervisor.attachment
        assert attachment is not None
        return len(attachment._courier._kept)

    def waiting_for_kernel(self) -> int:
        """Count the bytes that the kernel has not taken."""
        attachment = self.supervisor.attachment
        assert attachment is not None
        streams = [*attachment._streams.values(), *attachment._unheard]
        return sum(each.waiting for each in streams)

    def close(self) -> None:
        """End everything."""
        with unmoved():
            self.supervisor._end()
        for bridge in self._bridges:
            self._end(bridge)
        for listener in self._listeners.values():
            listener.close()
        for talker in self.talkers.values():
            talker.close()
        self.reactor.close()
        shutil.rmtree(self._base)


@contextmanager
def unmoved() -> Iterator[None]:
    """Come back to the working directory: supervisors and bridges leave it."""
    before = os.getcwd()
    try:
        yield
    finally:
        os.chdir(before)
