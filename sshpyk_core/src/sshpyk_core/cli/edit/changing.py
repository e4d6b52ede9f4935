"""From flags to the new content of a kernel spec, checked before anything is written."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from sshpyk_core.cli.spec_flags import SpecFlags
from sshpyk_core.config import KEYS, KernelConfig
from sshpyk_core.errors import ConfigError
from sshpyk_core.kernelspecs import LocalSpec
from sshpyk_core.registry import default_registry
from sshpyk_core.transport_kit import options

__all__ = ["changed", "check_transport"]

MERGED = ("env", "transport_options")
"""The keys whose single members flags set; the others stay."""

_TWO_NAMES = {"shutdown_time": "shutdown_timeout", "shutdown_timeout": "shutdown_time"}
"""The keys that say the same."""


def changed(spec: LocalSpec, wanted: SpecFlags, unset: Iterable[str] = ()) -> dict[str, Any]:
    """Give the content that a kernel spec gets; what no flag names stays as it is.

    Args:
        spec: one of ours.
        wanted: what is set.
        unset: keys of the stanza, or ``KEY.NAME`` for one member; they go before ``wanted`` comes.

    Raises:
        ConfigError: an unknown key or an impossible value.
        PluginError: the transport that is wanted is not there, or broken.
    """
    stanza = spec.stanza
    for word in unset:
        _unset(stanza, word)
    given = wanted.stanza()
    for key in MERGED:
        if key in given:
            given[key] = {**_members(stanza, key), **given[key]}
    for key in _contradicted(given):
        stanza.pop(key, None)
    stanza.update(given)
    config = KernelConfig.parse(stanza, f"the kernel spec {spec.name}")
    if "ssh_config" in given:  # it may be relative to here, and kernels start elsewhere
        stanza["ssh_config"] = config.ssh_config
    if {"transport", "transport_options"} & set(given):
        check_transport(config)
    told = {"display_name": wanted.display_name, "language": wanted.language}
    outside = {key: value for key, value in told.items() if value is not None}
    return {**spec.with_stanza(stanza), **outside}


def check_transport(config: KernelConfig) -> None:
    """Refuse a transport that is not installed, or options that it does not have.

    Raises:
        ConfigError: it has no such option, or the option no such value.
        PluginError: it is not there, or broken.
    """
    declaration = default_registry().declaration(config.transport)
    try:
        options.parse(declaration.options, config.transport_options, config.transport)
    except ConfigError as error:
        way_out = "Drop options of another transport with --unset transport_options."
        raise ConfigError(f"{error}\n{way_out}") from error


def _contradicted(given: Mapping[str, Any]) -> Iterable[str]:
    """Name the keys of 1.x that would say otherwise than what is set."""
    if "shutdown_time" in given:
        yield "shutdown_timeout"
    if "verbose" in given.get("transport_options", {}):
        yield "ssh_verbose"
    if given.get("persistent") is False:
        yield "persistent_file"


def _members(stanza: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = stanza.get(key)
    return dict(value) if isinstance(value, Mapping) else {}


def _unset(stanza: dict[str, Any], word: str) -> None:
    key, dot, member = word.partition(".")
    key = key if key in stanza else key.lstrip("-").replace("-", "_")
    if dot and key in MERGED:
        members = _members(stanza, key)
        members.pop(member, None)
        if members or key not in stanza:
            stanza.update({key: members} if members else {})
        else:
            del stanza[key]
        return
    known = list(dict.fromkeys([*(each.name for each in KEYS), *stanza]))
    if dot or key not in known:
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(known)}"
        raise ConfigError(f"--unset: there is no key {word!r:.200}: {hint}")
    for name in (key, _TWO_NAMES.get(key, key)):
        stanza.pop(name, None)
