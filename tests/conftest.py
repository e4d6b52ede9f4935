"""Fixtures for every test: an isolated near side, real SSH servers as the far side.

A test that uses a server fails when a process with that server's home outlives it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import pytest
from sshpyk_core.testing.embedded_server import EmbeddedServer
from support import kernels, processes, ways
from support.embedded_host import EmbeddedHost
from support.far import FarSide, MakeFarSide, RemoteHost
from support.local import LocalSide, isolated
from support.processes import Process
from support.require import require_program
from support.sessions import close_hosts
from support.sshd import SSHServer
from support.ways import Way

MakeSSHServer = Callable[..., SSHServer]
MakeEmbeddedServer = Callable[..., EmbeddedServer]


def pytest_addoption(parser: pytest.Parser) -> None:
    ways.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    for marker in ways.MARKERS:
        config.addinivalue_line("markers", marker)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    ways.parametrize(metafunc)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    ways.deselect(config, items)


@pytest.fixture(autouse=True)
def local(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalSide]:
    """Give the test a home and Jupyter directories of its own, and no SSH agent."""
    with isolated(monkeypatch) as side:
        try:
            yield side
        finally:
            close_hosts()


@contextmanager
def sharing_server() -> Iterator[SSHServer]:
    """Run a server; fail when something with its home outlives it."""
    server = SSHServer()
    try:
        server.start()
        yield server
    finally:
        left = server.close()
    _report(left)


@pytest.fixture
def make_sshd() -> Iterator[MakeSSHServer]:
    """Make started servers; takes the arguments of SSHServer."""
    servers: list[SSHServer] = []

    def make(**settings: Any) -> SSHServer:
        servers.append(SSHServer(**settings))
        servers[-1].start()
        return servers[-1]

    yield make
    close_hosts()
    _report([process for server in servers for process in server.close()])


@pytest.fixture
def sshd(make_sshd: MakeSSHServer) -> SSHServer:
    """Give a started server of the test's own, with bash as the login shell."""
    return make_sshd()


@pytest.fixture(scope="session")
def shared_sshd() -> Iterator[SSHServer]:
    """Give a started server that tests share: quicker, for tests that leave it as it was."""
    with sharing_server() as server:
        yield server


@pytest.fixture(scope="session")
def kernel_sshd() -> Iterator[SSHServer]:
    """Give a started server with an ipykernel as ``python3``, which tests share."""
    with sharing_server() as server:
        kernels.remote_ipykernel(server.home)
        yield server


@pytest.fixture(scope="session")
def kernel_embedded() -> Iterator[EmbeddedHost]:
    """Give an embedded server in a process of its own with that kernel, which tests share."""
    host = EmbeddedHost()
    kernels.remote_ipykernel(host.home)
    yield host
    _report(host.close())


@pytest.fixture
def far(way: Way, request: pytest.FixtureRequest, local: LocalSide) -> Iterator[FarSide]:
    """Give a shared host with kernels, and ``far``, a local kernel spec that leads to it.

    The test runs once for each way to get there. A kernel that outlives it makes it fail.
    """
    server: RemoteHost = request.getfixturevalue(f"kernel_{way.server}")
    side = FarSide(server, local, way)
    side.install("far")
    yield side
    close_hosts()
    left = processes.wait_gone(server.processes, 10)
    server.kill_processes()
    _report(left)


@pytest.fixture
def make_far(way: Way, make_sshd: MakeSSHServer, local: LocalSide) -> Iterator[MakeFarSide]:
    """Make hosts of the test's own as ``far`` is one; takes the arguments of the way's server.

    The test runs once for each way to get there.
    """
    embedded: list[EmbeddedHost] = []

    def make_host(**settings: Any) -> RemoteHost:
        if way.server == "sshd":
            return make_sshd(**settings)
        embedded.append(EmbeddedHost(**settings))
        return embedded[-1]

    def make(**settings: Any) -> FarSide:
        side = FarSide(make_host(**settings), local, way)
        kernels.remote_ipykernel(side.server.home)
        side.install("far")
        return side

    yield make
    close_hosts()
    _report([process for host in embedded for process in host.close()])


@pytest.fixture
def make_embedded() -> Iterator[MakeEmbeddedServer]:
    """Make started embedded servers; takes the arguments of EmbeddedServer."""
    servers: list[EmbeddedServer] = []
    with ExitStack() as stack:

        def make(**settings: Any) -> EmbeddedServer:
            require_program("ssh", "openssh-client")
            servers.append(stack.enter_context(EmbeddedServer(**settings)))
            return servers[-1]

        yield make
        close_hosts()
    left: list[Process] = []
    for server in servers:
        find = partial(processes.with_home, server.home)
        left += processes.wait_gone(find, 5)
        processes.kill(find)
    _report(left)


@pytest.fixture
def embedded(make_embedded: MakeEmbeddedServer) -> EmbeddedServer:
    """Give a started embedded server of the test's own."""
    return make_embedded()


def _report(left: list[Process]) -> None:
    if left:
        pytest.fail("processes outlived the test:\n" + "\n".join(map(str, left)), pytrace=False)
