"""What a standard test needs, as marks on its function."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from sshpyk_core.declaration import Capability
from sshpyk_core.testing.conformance.servers import ServerFeature, Wanted

__all__ = [
    "Needs",
    "needs",
    "needs_of",
    "where_undeclared",
    "with_server",
    "with_unix_sockets",
]

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__sshpyk_needs__"


@dataclass(frozen=True)
class Needs:
    """The needs of one test.

    Attributes:
        capabilities: what the transport must declare.
        undeclared: what the transport must not declare.
        features: what the server must be able to do, beyond what ``wanted`` asks for.
        wanted: how the server shall be.
        unix_sockets: whether this side must have them, and asyncio know of them.
    """

    capabilities: frozenset[Capability] = frozenset()
    undeclared: frozenset[Capability] = frozenset()
    features: frozenset[ServerFeature] = frozenset()
    wanted: Wanted = field(default_factory=Wanted)
    unix_sockets: bool = False

    def unmet_by_transport(self, declared: frozenset[Capability]) -> str:
        """Say why a transport is not to be tested so; empty when it is."""
        lacking = sorted(one.name for one in self.capabilities - declared)
        if lacking:
            return f"the transport does not declare {' and '.join(lacking)}"
        if self.unix_sockets and sys.platform == "win32":
            return "asyncio has no unix sockets there"
        surplus = sorted(one.name for one in self.undeclared & declared)
        return f"the transport declares {' and '.join(surplus)}" if surplus else ""

    def unmet_by_server(self, features: frozenset[ServerFeature]) -> str:
        """Say why a server does not do; empty when it does."""
        lacking = sorted(one.name for one in (self.features | self.wanted.features()) - features)
        return f"the server does not have {' and '.join(lacking)}" if lacking else ""


def needs(*needed: Capability | ServerFeature) -> Callable[[F], F]:
    """Mark a test that runs where the transport declares, and the server has, all of these."""
    capabilities = frozenset(one for one in needed if isinstance(one, Capability))
    features = frozenset(one for one in needed if isinstance(one, ServerFeature))

    def mark(test: F) -> F:
        old = needs_of(test)
        return _marked(
            test,
            replace(
                old,
                capabilities=old.capabilities | capabilities,
                features=old.features | features,
            ),
        )

    return mark


def with_unix_sockets(test: F) -> F:
    """Mark a test that needs unix-domain sockets on this side."""
    return _marked(test, replace(needs_of(test), unix_sockets=True))


def where_undeclared(*capabilities: Capability) -> Callable[[F], F]:
    """Mark a test that runs where the transport declares none of these."""
    return lambda test: _marked(test, replace(needs_of(test), undeclared=frozenset(capabilities)))


def with_server(**settings: Any) -> Callable[[F], F]:
    """Mark a test that wants its server to be so; takes the fields of ``Wanted``."""
    wanted = Wanted(**settings)
    return lambda test: _marked(
        needs(Capability.NETWORK)(test), replace(needs_of(test), wanted=wanted)
    )


def needs_of(test: object) -> Needs:
    """Give what a test needs; nothing where it is not marked."""
    marked = getattr(test, _MARK, None)
    return marked if isinstance(marked, Needs) else Needs()


def _marked(test: F, marked: Needs) -> F:
    setattr(test, _MARK, marked)
    return test
