"""What is installed, tried one by one, so that none spoils another."""

from __future__ import annotations

from dataclasses import dataclass

from sshpyk_core.declaration import Declaration
from sshpyk_core.errors import PluginError
from sshpyk_core.plugin_check import PluginOrigin
from sshpyk_core.registry import Registry
from sshpyk_core.transport_kit.options import OptionFacts, describe

__all__ = ["Installed", "InstalledTransport", "Inventory", "Problem", "take_inventory"]


@dataclass(frozen=True)
class Problem:
    """Why something cannot be used.

    Attributes:
        cause: what is wrong with it.
        fix: what to do; empty where nobody knows.
    """

    cause: str
    fix: str


@dataclass(frozen=True)
class Installed:
    """A plugin that wraps every transport.

    Attributes:
        origin: where it comes from.
        problem: why it cannot be used; None when it can.
    """

    origin: PluginOrigin
    problem: Problem | None


@dataclass(frozen=True)
class InstalledTransport(Installed):
    """A transport.

    Attributes:
        declaration: what it says of itself; None when it cannot be loaded.
    """

    declaration: Declaration | None

    @property
    def capabilities(self) -> list[str]:
        """What it can do beyond what every transport must, as words, sorted."""
        declared = self.declaration.capabilities if self.declaration else ()
        return sorted(capability.value for capability in declared)

    @property
    def options(self) -> list[OptionFacts]:
        """Its options, in their own order."""
        return describe(self.declaration.options) if self.declaration else []


@dataclass(frozen=True)
class Inventory:
    """All that is installed.

    Attributes:
        transports: sorted by name; a name that two distributions claim is there twice.
        plugins: those that wrap every transport, sorted by name.
    """

    transports: tuple[InstalledTransport, ...]
    plugins: tuple[Installed, ...]

    @property
    def usable(self) -> bool:
        """Whether there is a transport, and nothing has a problem."""
        every = (*self.transports, *self.plugins)
        return bool(self.transports) and not any(each.problem for each in every)


def take_inventory() -> Inventory:
    """Import every transport and every wrapping plugin that is installed, and check them."""
    registry = Registry()
    plugins = tuple(
        Installed(origin, _problem(refusal) if refusal else None)
        for origin, refusal in registry.wrapping_plugins().items()
    )
    refused = [plugin.origin for plugin in plugins if plugin.problem]
    transports = tuple(_transport(registry, origin, refused) for origin in registry.installed())
    return Inventory(transports, plugins)


def _transport(
    registry: Registry, origin: PluginOrigin, refused: list[PluginOrigin]
) -> InstalledTransport:
    try:
        declaration = registry.declaration(origin.name)
    except PluginError as error:
        return InstalledTransport(origin, _problem(error), None)
    problem = None
    if missing := declaration.missing_programs():
        cause = f"not on PATH: {', '.join(missing)}"
        problem = Problem(cause, "install what is missing, or put it on PATH")
    elif refused:
        cause = f"the plugin {refused[0]} is refused, and it wraps every transport"
        problem = Problem(cause, refused[0].way_out)
    return InstalledTransport(origin, problem, declaration)


def _problem(error: PluginError) -> Problem:
    return Problem(*error.cause_and_fix())
