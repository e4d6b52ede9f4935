"""Hold a loaded plugin against the hook specifications, before anything calls it.

pluggy itself accepts an implementation that leaves out arguments, drops those that have a default
and says nothing of a hook that is missing; all of these would show up only in the middle of a
user's session.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Set
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pluggy

from sshpyk_core import hookspecs
from sshpyk_core.declaration import Capability, Declaration, LoginKeeper
from sshpyk_core.errors import PluginError
from sshpyk_core.transport_kit.options import describe

__all__ = [
    "PluginOrigin",
    "check_transport",
    "check_wrapping_plugin",
    "declaration_of",
    "new_plugin_manager",
]

HOOKS = {
    name: frozenset(inspect.signature(spec).parameters)
    for name, spec in vars(hookspecs).items()
    if name.startswith(f"{hookspecs.PROJECT_NAME}_")
}


@dataclass(frozen=True)
class PluginOrigin:
    """Where a plugin comes from: what every refusal names.

    Attributes:
        name: the name of its entry point.
        distribution: the distribution that declares the entry point.
        version: the version of that distribution.
        module: the module that the entry point names.
    """

    name: str
    distribution: str
    version: str
    module: str

    def __str__(self) -> str:
        """As error messages show it."""
        return f"{self.name!r} (module {self.module} of {self.distribution} {self.version})"

    @property
    def way_out(self) -> str:
        """What somebody can do who has not written it."""
        return f"upgrade {self.distribution} or remove it"

    def refusal(self, reason: str, fix: str = "") -> PluginError:
        """Make the error that refuses this plugin.

        Args:
            reason: what is wrong, as a phrase that follows the plugin's name.
            fix: what its author has to do, where that is known.
        """
        fix = f"{fix}; if it is not yours, {self.way_out}" if fix else self.way_out
        return PluginError(f"plugin {self} is refused: {reason}\nFix: {fix}.")


def new_plugin_manager() -> pluggy.PluginManager:
    """Make an empty plugin manager that knows our hooks."""
    manager = pluggy.PluginManager(hookspecs.PROJECT_NAME)
    manager.add_hookspecs(hookspecs)
    return manager


def check_transport(plugin: ModuleType, origin: PluginOrigin) -> None:
    """Refuse a transport that does not implement every hook as the specification has it.

    Args:
        plugin: the imported module.
        origin: where it comes from.

    Raises:
        PluginError: names the plugin, the hook, what is wrong with it and the fix.
    """
    found = dict(_implementations(plugin, origin))
    for hook, names in HOOKS.items():
        impl = found.get(hook)
        if impl is None:
            raise _missing(plugin, origin, hook)
        if impl.wrapper or impl.hookwrapper:
            reason = f"its {hook} only wraps; a transport has to implement it"
            raise origin.refusal(reason, f"drop the wrapper option of {hook}'s @hookimpl")
        if not inspect.iscoroutinefunction(impl.function):
            reason = f"its {hook} is not a coroutine function"
            raise origin.refusal(reason, f"define {hook} with `async def`, without `yield`")
        missing = names - set(inspect.signature(impl.function).parameters)
        if missing:
            reason = f"its {hook} does not take {_listed(missing)}"
            raise origin.refusal(reason, _signature_fix(hook))


def declaration_of(plugin: ModuleType, origin: PluginOrigin) -> Declaration:
    """Give what a transport says of itself: no options and no capabilities where it says nothing.

    Args:
        plugin: the imported module.
        origin: where it comes from.

    Raises:
        PluginError: its ``DECLARATION`` is something else, or holds what it must not.
    """
    declared = getattr(plugin, "DECLARATION", Declaration())
    fix = f"make it a {Declaration.__module__}.Declaration"
    if not isinstance(declared, Declaration):
        raise origin.refusal(f"its DECLARATION is a {type(declared).__name__}", fix)
    if not isinstance(declared.capabilities, Set):
        what = type(declared.capabilities).__name__
        raise origin.refusal(f"its capabilities are a {what}", "make them a frozenset")
    strange = [one for one in declared.capabilities if not isinstance(one, Capability)]
    if strange:
        raise origin.refusal(f"it declares {strange[0]!r}, which is no Capability", fix)
    keeps = Capability.KEPT_LOGIN in declared.capabilities
    if keeps != isinstance(declared.keeper, LoginKeeper):
        reason = "it declares KEPT_LOGIN without a keeper, or a keeper without KEPT_LOGIN"
        raise origin.refusal(reason, "declare both or neither")
    if isinstance(declared.programs, str):
        reason = f"its programs are the text {declared.programs!r}"
        raise origin.refusal(reason, "make them a tuple")
    try:
        if not isinstance(declared.options, type):
            raise TypeError(f"{type(declared.options).__name__} is no class")
        describe(declared.options)
    except (TypeError, KeyError) as error:
        reason = f"its options cannot be read: {type(error).__name__}: {error}"
        fix = "make them a frozen dataclass whose fields come from transport_kit.options.option"
        raise origin.refusal(reason, fix) from error
    return declared


def check_wrapping_plugin(plugin: ModuleType, origin: PluginOrigin) -> None:
    """Refuse a plugin that does more than wrap the hooks of the transport.

    A wrapper may leave out the arguments that it does not look at.

    Args:
        plugin: the imported module.
        origin: where it comes from.

    Raises:
        PluginError: names the plugin, the hook, what is wrong with it and the fix.
    """
    found = _implementations(plugin, origin)
    if not found:
        raise origin.refusal("it wraps no hook", "mark its wrappers with @hookimpl(wrapper=True)")
    for hook, impl in found:
        if not (impl.wrapper or impl.hookwrapper):
            reason = f"it implements {hook}, and a plugin of its group may only wrap"
            raise origin.refusal(reason, f"mark {hook} with @hookimpl(wrapper=True)")


def _implementations(plugin: ModuleType, origin: PluginOrigin) -> list[tuple[str, pluggy.HookImpl]]:
    """List the hooks that a module implements or wraps, as pluggy sees them."""
    manager = new_plugin_manager()
    _check_names(plugin, origin)
    try:
        manager.register(plugin)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise origin.refusal(str(error).replace("\n", "; ")) from error
    callers = manager.get_hookcallers(plugin) or []
    return [(caller.name, impl) for caller in callers for impl in caller.get_hookimpls()]


def _check_names(plugin: ModuleType, origin: PluginOrigin) -> None:
    """Refuse what is marked as a hook and has another name or other arguments than any."""
    finder = new_plugin_manager()
    for name, function in vars(plugin).items():
        if finder.parse_hookimpl_opts(plugin, name) is None:
            continue
        if name not in HOOKS:
            near = difflib.get_close_matches(name, HOOKS, n=1)
            reason = f"{name} is no hook" + (f"; {near[0]} is" if near else "")
            fix = f"rename it to {near[0]}" if near else "drop its @hookimpl"
            raise origin.refusal(reason, fix)
        _check_parameters(function, origin, name)


def _missing(plugin: ModuleType, origin: PluginOrigin, hook: str) -> PluginError:
    """Tell a hook that is absent from one that merely lacks the mark."""
    if callable(getattr(plugin, hook, None)):
        return origin.refusal(
            f"its {hook} is not marked as an implementation",
            f"decorate it with @hookimpl from {hookspecs.__name__}",
        )
    return origin.refusal(f"it does not implement {hook}", _signature_fix(hook))


def _check_parameters(function: Callable[..., Any], origin: PluginOrigin, hook: str) -> None:
    """Refuse parameters that pluggy could not or would silently not fill."""
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in HOOKS[hook]:
            reason = f"its {hook} takes {name!r}, which is no argument of the hook"
            raise origin.refusal(reason, _signature_fix(hook))
        if parameter.default is not parameter.empty:
            reason = f"its {hook} gives {name!r} a default, so it would never be passed"
            raise origin.refusal(reason, _signature_fix(hook))
        if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            reason = f"its {hook} takes {name!r} by keyword only or as a catch-all"
            raise origin.refusal(reason, _signature_fix(hook))


def _signature_fix(hook: str) -> str:
    """Show the signature that would be right."""
    names = ", ".join(inspect.signature(getattr(hookspecs, hook)).parameters)
    return f"define it as `async def {hook}({names})` with @hookimpl"


def _listed(names: set[str] | frozenset[str]) -> str:
    """Join names for a message."""
    return ", ".join(repr(name) for name in sorted(names))
