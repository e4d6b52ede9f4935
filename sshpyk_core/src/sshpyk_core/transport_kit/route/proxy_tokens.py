"""The command line that a ProxyCommand of ssh_config(5) stands for (its section TOKENS)."""

from __future__ import annotations

import os
import re
import sys

from sshpyk_core.errors import ConfigError
from sshpyk_core.host_settings import HostSettings

__all__ = ["expand_tokens", "proxy_command_words"]

_TOKENS = re.compile(r"%(.?)", re.DOTALL)
_SHELL_SYNTAX = re.compile(r"[\s\0'\"`$\\;&<>|(){}]")


def expand_tokens(settings: HostSettings, text: str) -> str:
    """Replace the tokens that ProxyCommand and ProxyJump take: ``%% %h %n %p %r``.

    Raises:
        ConfigError: there is no such token, or a name that would stand for one holds what a shell
            could take for something else.
    """
    values = {
        "%": "%",
        "h": settings.hostname,
        "n": settings.name,
        "p": str(settings.port),
        "r": settings.user,
    }

    def value(match: re.Match[str]) -> str:
        found = values.get(match[1])
        if found is None:
            raise ConfigError(f"there is no token {match[0]} for a ProxyCommand: {text!r}")
        if found.startswith("-") or _SHELL_SYNTAX.search(found):
            raise ConfigError(f"{found!r} cannot stand for {match[0]} in a command: {text!r}")
        return found

    return _TOKENS.sub(value, text)


def proxy_command_words(settings: HostSettings) -> list[str]:
    """Return the words of the process that a host's ProxyCommand is: the user's shell runs it.

    On Windows these are the command line's only word: there the shell parses it by itself.

    Raises:
        ConfigError: the host has no ProxyCommand, or one that cannot be run here.
    """
    command = settings.proxy_command
    if command is None or command.strip() == "-":
        raise ConfigError(f"{settings.alias} has no ProxyCommand that can be run: {command!r}")
    if settings.flag("proxyusefdpass"):
        raise ConfigError(
            f"{settings.alias} has `ProxyUseFdpass yes`, which only the openssh transport can do"
        )
    line = expand_tokens(settings, command)
    if sys.platform == "win32":
        return [line]
    return [os.environ.get("SHELL") or "/bin/sh", "-c", f"exec {line}"]
