"""Every behaviour of every hook, as tests that the author of a transport runs.

.. code-block:: python

    from sshpyk_core.testing.conformance import TransportConformance

    class TestPigeon(TransportConformance):
        transport = "pigeon"

This is a whole test file. Install ``sshpyk-core[testing]`` and the transport, and run pytest. The
transport is found by its name as the rest of sshpyk finds it: through its entry point, with all
checks. Each test has a user of its own (home, no agent, no display), a server of its own, and an
event loop of its own; after each test no thread, descriptor, process, task or file may be left.

**What is tested** depends on what the transport declares (:mod:`sshpyk_core.declaration`). A test
that needs an undeclared capability is skipped and says which; one that tells whether what is
undeclared fails as it should, runs instead. With NETWORK, the host is an embedded SSH server behind
a relay that cuts, falls silent and refuses; without, it is whatever ``sshpyk_connect`` leads to,
with the tests that need no network. The far side needs a POSIX shell, the usual programs and a
``python3``.

**A class can say more** where the defaults do not fit:

``options``
    The transport's options for all tests. Test each way that it can go with a class of its own.
``target(self, server)``
    Makes the target; to be overridden where it takes more than the alias and an ssh config file.
    ``server`` tells what there is to know (:class:`~.front.ConformanceServer`); it is None where
    the transport does not declare NETWORK.
``servers``
    A fixture that gives other servers than the embedded ones: anything that is a
    :class:`~.servers.Servers`, with the features that they have.
``departures``
    A reason for each standard test that is left out (set to None, or merely named here) or
    replaced. Without one the class is refused when it is made or collected, as is a mark that skips
    a test or lets it fail.

.. code-block:: python

    class TestPigeonByNight(TransportConformance):
        transport = "pigeon"
        options = {"route": "night"}
        departures = {"test_a_small_write_goes_out_at_once": "pigeons sleep"}

Limits of time are for a busy machine; the variable SSHPYK_CONFORMANCE_PATIENCE stretches them by a
factor on a slow one.

The tests themselves are in :mod:`~.topics`, one module for each thing that they are about. What
they are given is a :class:`~.trial.Trial`. Further tests of a class, plain or ``async def``, may
take the fixture ``trial`` too, and ask for a server with ``needs`` and ``with_server``.
"""

from __future__ import annotations

from sshpyk_core.testing.conformance.front import ConformanceServer
from sshpyk_core.testing.conformance.needs import needs, with_server
from sshpyk_core.testing.conformance.servers import RunningServer, ServerFeature, Servers, Wanted
from sshpyk_core.testing.conformance.suite import TransportConformance
from sshpyk_core.testing.conformance.trial import Trial

__all__ = [
    "ConformanceServer",
    "RunningServer",
    "ServerFeature",
    "Servers",
    "TransportConformance",
    "Trial",
    "Wanted",
    "needs",
    "with_server",
]
