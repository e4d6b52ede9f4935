"""From installed distributions to one checked plugin manager per transport name.

A transport is an entry point of the group ``sshpyk.transports``; a plugin that wraps the hooks of
whatever transport is in use (audit, policy, tracing) is one of the group ``sshpyk.plugins``.
Nothing is imported until a name is loaded, and then only that transport and the wrapping plugins.

One manager holds exactly one transport: an async hook answers with a coroutine at once, so a
second transport behind the first would never be asked.
"""

from __future__ import annotations

import difflib
import functools
import threading
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

import pluggy

from sshpyk_core.declaration import Declaration
from sshpyk_core.errors import PluginError, UnknownTransportError
from sshpyk_core.plugin_check import (
    PluginOrigin,
    check_transport,
    check_wrapping_plugin,
    declaration_of,
    new_plugin_manager,
)

__all__ = [
    "PLUGINS_GROUP",
    "TRANSPORTS_GROUP",
    "InstalledTransport",
    "Registry",
    "default_registry",
]

TRANSPORTS_GROUP = "sshpyk.transports"
PLUGINS_GROUP = "sshpyk.plugins"

OUR_TRANSPORTS = ("asyncssh", "openssh", "paramiko")

InstalledTransport = PluginOrigin


class Registry:
    """The transports that are installed, loaded on first use and kept.

    May be used from any thread. What is installed is read anew whenever a name is not loaded yet,
    so a transport that was installed a moment ago is found without a restart.
    """

    def __init__(self) -> None:
        """Start with nothing loaded."""
        self._managers: dict[str, pluggy.PluginManager] = {}
        self._lock = threading.Lock()

    def installed(self) -> list[InstalledTransport]:
        """List every transport that an installed distribution declares, sorted by name.

        Imports none of them. A name that two distributions claim is listed twice.
        """
        return [_origin(entry) for entry in _entries(TRANSPORTS_GROUP)]

    def names(self) -> list[str]:
        """List the names of the installed transports, sorted, each once."""
        return sorted({entry.name for entry in _entries(TRANSPORTS_GROUP)})

    def load(self, name: str) -> pluggy.PluginManager:
        """Give the checked plugin manager of one transport.

        A wrapping plugin that is refused stops every transport: what was installed to audit or to
        forbid must not be left out in silence.

        Args:
            name: the transport's name, as a kernel spec gives it.

        Returns:
            A manager that holds this transport and every wrapping plugin; the same at each call.

        Raises:
            UnknownTransportError: no installed distribution declares that name.
            PluginError: two distributions declare it, or a plugin breaks the contract of the
                hooks; names the plugin, its distribution and the fix.
        """
        with self._lock:
            if name not in self._managers:
                self._managers[name] = _build(name)
            return self._managers[name]

    def declaration(self, name: str) -> Declaration:
        """Give what a transport says of itself; imports it, but no wrapping plugin.

        Args:
            name: the transport's name, as a kernel spec gives it.

        Raises:
            UnknownTransportError: no installed distribution declares that name.
            PluginError: two distributions declare it, or it breaks the contract of the hooks.
        """
        return _transport(name)[1]

    def wrapping_plugins(self) -> dict[PluginOrigin, PluginError | None]:
        """Import every installed wrapping plugin; give the error that refuses it, None if none."""
        found: dict[PluginOrigin, PluginError | None] = {}
        for entry in _entries(PLUGINS_GROUP):
            try:
                _wrapping_plugin(entry)
                found[_origin(entry)] = None
            except PluginError as error:
                found[_origin(entry)] = error
        return found


@functools.cache
def default_registry() -> Registry:
    """Give the registry that the whole process shares."""
    return Registry()


def _build(name: str) -> pluggy.PluginManager:
    """Make the manager of one transport from what is installed now."""
    transport, _ = _transport(name)
    manager = new_plugin_manager()
    manager.register(transport, name=name)
    for entry in _entries(PLUGINS_GROUP):
        plugin = _wrapping_plugin(entry)
        if not manager.is_registered(plugin):
            manager.register(plugin, name=str(_origin(entry)))
    return manager


def _transport(name: str) -> tuple[ModuleType, Declaration]:
    """Import the one transport of a name, check it, and read what it says of itself."""
    entries = _entries(TRANSPORTS_GROUP)
    claims = [entry for entry in entries if entry.name == name]
    if not claims:
        raise _unknown(name, [_origin(entry) for entry in entries])
    if len(claims) > 1:
        raise _contested(name, [_origin(entry) for entry in claims])
    transport, origin = _import(claims[0]), _origin(claims[0])
    check_transport(transport, origin)
    return transport, declaration_of(transport, origin)


def _wrapping_plugin(entry: EntryPoint) -> ModuleType:
    """Import a wrapping plugin and check it."""
    plugin = _import(entry)
    check_wrapping_plugin(plugin, _origin(entry))
    return plugin


def _entries(group: str) -> list[EntryPoint]:
    """List the entry points of a group in an order that does not depend on sys.path."""
    # importlib keeps the first distribution of a name only, so an editable install that shadows
    # an ordinary one is not a second claimant.
    unique = {
        (entry.name, entry.value, _origin(entry)): entry for entry in entry_points(group=group)
    }
    return [unique[key] for key in sorted(unique, key=str)]


def _origin(entry: EntryPoint) -> PluginOrigin:
    """Say where an entry point comes from."""
    dist = entry.dist
    name = dist.name if dist else "an unknown distribution"
    return PluginOrigin(entry.name, name, (dist.version if dist else "") or "?", entry.value)


def _import(entry: EntryPoint) -> ModuleType:
    """Import what an entry point names."""
    try:
        plugin = entry.load()
    except (Exception, SystemExit) as error:  # whatever a stranger's module raises
        reason = f"it cannot be imported: {type(error).__name__}: {error}"
        raise _origin(entry).refusal(reason) from error
    if not isinstance(plugin, ModuleType):
        reason = f"its entry point names a {type(plugin).__name__}"
        raise _origin(entry).refusal(reason, "name the module that holds the hooks")
    return plugin


def _unknown(name: str, installed: Iterable[InstalledTransport]) -> UnknownTransportError:
    """Make the error for a name that nobody declares."""
    lines = [f"no installed distribution provides the transport {name!r}."]
    known = [f"{one.name} ({one.distribution} {one.version})" for one in installed]
    lines.append(f"Installed: {', '.join(known) or 'none'}.")
    names = {one.split(" ")[0] for one in known} | set(OUR_TRANSPORTS)
    near = difflib.get_close_matches(name, sorted(names), n=1)
    if name in OUR_TRANSPORTS:
        lines.append(f"Fix: pip install sshpyk-{name}")
    elif near:
        lines.append(f"Fix: did you mean {near[0]!r}?")
    else:
        lines.append("Fix: name one of these, or install the distribution that provides it.")
    return UnknownTransportError("\n".join(lines))


def _contested(name: str, claimants: Iterable[InstalledTransport]) -> PluginError:
    """Make the error for a name that several distributions declare."""
    who = sorted(f"{one.distribution} {one.version} (module {one.module})" for one in claimants)
    return PluginError(
        f"the transport {name!r} is declared by more than one distribution: {' and '.join(who)}\n"
        "Fix: pip uninstall all of them but one."
    )
