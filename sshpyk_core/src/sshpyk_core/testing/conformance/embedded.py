"""The servers that the suite uses unless it is given others: embedded ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sshpyk_core.testing.conformance.servers import RunningServer, ServerFeature, Wanted
from sshpyk_core.testing.embedded_server import USER, EmbeddedServer

__all__ = ["EmbeddedServers"]


class EmbeddedServers:
    """A new embedded server for each test."""

    features = frozenset(ServerFeature)

    @contextmanager
    def start(self, wanted: Wanted) -> Iterator[RunningServer]:
        """Start one."""
        server = EmbeddedServer(
            max_sessions=wanted.max_sessions,
            password=wanted.password,
            questions=wanted.questions,
            allow_key=wanted.key,
            allow_tcp=wanted.forwards,
            allow_unix=wanted.forwards,
        )
        with server:
            host_key = server.known_hosts.read_text(encoding="ascii").partition(" ")[2]
            yield RunningServer(server.port, USER, server.user_key, host_key)
