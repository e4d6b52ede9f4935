"""Servers of other authors for the conformance suite: OpenSSH's sshd, and Dropbear."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sshpyk_core.testing.conformance.servers import RunningServer, ServerFeature, Wanted

from support.dropbear import DropbearServer
from support.processes import Process
from support.sshd import SSHServer

__all__ = ["DropbearServers", "SshdServers", "dropbear_servers", "sshd_servers"]


class SshdServers:
    """A shared sshd, and one with other settings where a test asks for them.

    Without PAM, and for a user who is made up, it knows no passwords.
    """

    features = frozenset(ServerFeature) - {ServerFeature.PASSWORDS, ServerFeature.QUESTIONS}

    def __init__(self, shared: SSHServer) -> None:
        self._shared = shared

    @contextmanager
    def start(self, wanted: Wanted) -> Iterator[RunningServer]:
        if wanted == Wanted():
            yield _described(self._shared)
            return
        forwards = "yes" if wanted.forwards else "no"
        settings = [f"MaxSessions {wanted.max_sessions}", f"AllowTcpForwarding {forwards}"]
        server = SSHServer(sshd_config=[*settings, f"AllowStreamLocalForwarding {forwards}"])
        try:
            server.start()
            yield _described(server)
        finally:
            left = server.close()
        fail_for(left)


class DropbearServers:
    """A shared dropbear, whose settings are as they are.

    It cannot forward to unix sockets, and refuses a command (2022.83) while it has yet to reap one
    whose channel was closed early.
    """

    features = frozenset({ServerFeature.EXIT_SIGNALS})

    def __init__(self, shared: DropbearServer) -> None:
        self._shared = shared

    @contextmanager
    def start(self, wanted: Wanted) -> Iterator[RunningServer]:
        assert wanted == Wanted()
        server = self._shared
        yield RunningServer(
            server.port,
            server.user,
            server.user_key,
            server.host_key,
            python=server.python,
            # It offers algorithms that it has no keys for, and ends when one is taken.
            ssh_config=("HostKeyAlgorithms ssh-ed25519",),
            logins_at_once=4,  # it refuses the sixth of one address (MAX_UNAUTH_PER_IP)
        )


@pytest.fixture(scope="session")
def sshd_servers(shared_sshd: SSHServer) -> SshdServers:
    """Give sshd to the suite."""
    return SshdServers(shared_sshd)


@pytest.fixture(scope="session")
def dropbear_servers() -> Iterator[DropbearServers]:
    """Give dropbear to the suite."""
    server = DropbearServer()
    try:
        server.start()
        yield DropbearServers(server)
    finally:
        left = server.close()
    fail_for(left)


def fail_for(left: list[Process]) -> None:
    """Fail for processes of a server's user that outlive it."""
    if left:
        pytest.fail("processes outlived the server:\n" + "\n".join(map(str, left)), pytrace=False)


def _described(server: SSHServer) -> RunningServer:
    client = server.client
    host_key = (server.directory / "host_key.pub").read_text(encoding="ascii")
    return RunningServer(server.port, client.user, client.key, host_key)
