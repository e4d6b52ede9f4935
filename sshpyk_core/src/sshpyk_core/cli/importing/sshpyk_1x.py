"""Kernel specs of sshpyk 1.x, in the keys of today. They work as they are, too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from sshpyk_core.cli.importing.translation import Translation
from sshpyk_core.config import KEYS, KernelConfig

__all__ = ["NAME", "runs_kernel_app", "translated"]

NAME = "sshpyk 1.x"

_WITHOUT_MEANING = ("raise_on_ssh_config_error", "independent_local_processes")
_OLD = {*_WITHOUT_MEANING, "shutdown_timeout", "ssh_verbose"}
_BLANK = {"persistent_file": "", "existing": "", "persistent": False}
_NULL = {key.name for key in KEYS if key.default is None}


def translated(content: Mapping[str, Any], stanza: Mapping[str, Any]) -> Translation | None:
    """Give the stanza as it is written today; None when it is.

    Raises:
        ConfigError: it is wrong.
    """
    blank = {key for key in ("persistent_file", "existing") if stanza.get(key) == ""}
    if not (blank or _OLD & set(stanza) or runs_kernel_app(content)):
        return None
    KernelConfig.parse(stanza, "it")
    modern = dict(stanza)
    shutdown = modern.pop("shutdown_timeout", None)
    if shutdown is not None:
        modern["shutdown_time"] = shutdown
    if (verbose := modern.pop("ssh_verbose", None)) and _is_openssh(modern):
        options = modern.get("transport_options") or {}
        modern["transport_options"] = {"verbose": len(verbose), **options}
    for key, value in list(modern.items()):
        nothing = (value is None and key in _NULL) or (key in _BLANK and value == _BLANK[key])
        if nothing or key in _WITHOUT_MEANING:
            del modern[key]
    return Translation(modern, KernelConfig.parse(modern, "it").notices)


def runs_kernel_app(content: Mapping[str, Any]) -> bool:
    """Say whether its argv is the one of 1.x, whose program may be on no PATH of who starts it."""
    argv = content.get("argv")
    program = argv[0] if isinstance(argv, list) and argv else ""
    return isinstance(program, str) and PurePath(program).stem == "sshpyk-kernel"


def _is_openssh(stanza: Mapping[str, Any]) -> bool:
    return bool(stanza.get("transport", "openssh") == "openssh")
