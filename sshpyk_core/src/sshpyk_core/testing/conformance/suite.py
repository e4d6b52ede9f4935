"""The class that a transport's tests are made of."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from inspect import getattr_static
from typing import Any, ClassVar

import pytest

from sshpyk_core.declaration import Capability
from sshpyk_core.registry import default_registry
from sshpyk_core.testing.conformance import departures as departing
from sshpyk_core.testing.conformance.front import ConformanceServer, serving
from sshpyk_core.testing.conformance.isolation import isolated
from sshpyk_core.testing.conformance.needs import Needs, needs_of
from sshpyk_core.testing.conformance.servers import Servers
from sshpyk_core.testing.conformance.topics.commands import Commands
from sshpyk_core.testing.conformance.topics.diagnosis import Diagnosis
from sshpyk_core.testing.conformance.topics.forwards import Forwards
from sshpyk_core.testing.conformance.topics.host_keys import HostKeys
from sshpyk_core.testing.conformance.topics.jump_hosts import JumpHosts
from sshpyk_core.testing.conformance.topics.kept_logins import KeptLogins
from sshpyk_core.testing.conformance.topics.logins import Logins
from sshpyk_core.testing.conformance.topics.sessions import Sessions
from sshpyk_core.testing.conformance.topics.signals import Signals
from sshpyk_core.testing.conformance.topics.streams import Streams
from sshpyk_core.testing.conformance.topics.unix_forwards import UnixForwards
from sshpyk_core.testing.conformance.topics.uploads import Uploads
from sshpyk_core.testing.conformance.topics.vanishing import Vanishing
from sshpyk_core.testing.conformance.trial import Trial
from sshpyk_core.transport import transport_for
from sshpyk_core.types import Target

__all__ = ["TransportConformance", "standard_tests", "verify_class", "verify_test"]


class TransportConformance(
    Sessions,
    Commands,
    Streams,
    Uploads,
    Signals,
    Forwards,
    UnixForwards,
    Logins,
    KeptLogins,
    HostKeys,
    JumpHosts,
    Vanishing,
    Diagnosis,
):
    """Every behaviour of every hook, against a real SSH server; see the package's docstring.

    Attributes:
        transport: the name of the transport, as its entry point has it.
        options: the transport's options for all tests, as a kernel spec would give them.
        departures: a reason for each standard test that the class replaces or leaves out.
    """

    transport: ClassVar[str] = ""
    options: ClassVar[Mapping[str, Any]] = {}
    departures: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        """Refuse a class that leaves out a standard test in silence."""
        super().__init_subclass__(**options)
        departing.settle(cls, standard_tests(), cls.departures)
        verify_class(cls)

    def target(self, server: ConformanceServer | None) -> Target:
        """Make the target of the tests; override it where that takes more than an ssh config file.

        Args:
            server: the server that the target is; None for a transport that does not declare
                NETWORK.
        """
        if server is None:
            return Target("here", self.transport, options=self.options)
        config = str(server.ssh_config)
        return Target(server.alias, self.transport, ssh_config=config, options=self.options)

    @pytest.fixture
    def servers(self) -> Servers:
        """Give the servers to test against; override it for others than the embedded ones."""
        from sshpyk_core.testing.conformance.embedded import EmbeddedServers

        return EmbeddedServers()

    @pytest.fixture
    def trial(self, request: pytest.FixtureRequest) -> Iterator[Trial]:
        """Give a test what it works with; fail it when it leaves something behind."""
        needs = needs_of(request.function)
        if not self.transport:
            pytest.fail(f"{type(self).__name__} does not name its transport", pytrace=False)
        declared = default_registry().declaration(self.transport).capabilities
        if reason := needs.unmet_by_transport(declared):
            pytest.skip(reason)
        with ExitStack() as stack:
            server = None
            if Capability.NETWORK in declared:
                server = _serve(stack, request.getfixturevalue("servers"), needs)
            home = stack.enter_context(isolated())
            target = self.target(server)
            trial = Trial(transport_for(target), declared, target, server, home)
            watch = trial.watch()
            yield trial
            if left := watch.wait():
                pytest.fail("the test leaves behind\n" + "\n".join(left), pytrace=False)


@functools.cache
def standard_tests() -> Mapping[str, object]:
    """Give every standard test by its name."""
    names = (name for name in dir(TransportConformance) if name.startswith("test"))
    return {name: getattr(TransportConformance, name) for name in names}


def verify_class(candidate: type) -> None:
    """Make sure that a class of this suite still has its standard tests; others pass.

    Raises:
        TypeError: names what it lacks without a reason.
    """
    if not issubclass(candidate, TransportConformance) or candidate is TransportConformance:
        return
    departing.verify(candidate, standard_tests(), candidate.departures)
    if getattr_static(candidate, "trial") is not getattr_static(TransportConformance, "trial"):
        raise TypeError(
            f"{candidate.__name__}: the fixture trial is replaced, which finds what tests leave "
            "behind\nFix: override target or servers instead"
        )


def verify_test(item: pytest.Item) -> None:
    """Make sure that no mark lets a standard test off, whoever set it; other tests pass.

    Raises:
        TypeError: names the test and the mark.
    """
    suite = getattr(item, "cls", None)
    if suite is not None and issubclass(suite, TransportConformance):
        name = getattr(item, "originalname", item.name)
        if name in standard_tests():
            departing.verify_marks(item, name, suite.departures)


def _serve(stack: ExitStack, servers: Servers, needs: Needs) -> ConformanceServer:
    if reason := needs.unmet_by_server(servers.features):
        pytest.skip(reason)
    return stack.enter_context(serving(stack.enter_context(servers.start(needs.wanted))))
