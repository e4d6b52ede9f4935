"""What a failed ``ssh`` meant: its words -> the error that fits, with what to do about it.

ssh exits with 255 whatever went wrong, so only its diagnostics tell failures apart. OpenSSH does
not translate them. They are matched in this one table, most telling first; words that no row knows
still reach the user, in a plain ConnectError.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from sshpyk_core.errors import (
    AuthenticationError,
    ChangedHostKeyError,
    ConnectError,
    HostNotFoundError,
    HostUnreachableError,
    UnknownHostKeyError,
)
from sshpyk_core.ssh_config import program

from sshpyk_openssh.command import SshCommand

__all__ = ["connect_error", "spoken", "ssh_line", "try_it", "unanswered"]

_ANSWER_LINES = 30
_LOG_IN = (
    "The host needs login. Where it asks for the passphrase of a key, load that into an agent"
    " (`ssh-add`). To see what is missing: `{login}`"
)


@dataclass(frozen=True)
class _Row:
    pattern: re.Pattern[str]
    error: type[ConnectError]
    fix: str


def _row(pattern: str, error: type[ConnectError], fix: str) -> _Row:
    return _Row(re.compile(pattern, re.MULTILINE), error, fix)


_TABLE = (
    _row(
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|^(Host|RSA host) key for .* has changed and you",
        ChangedHostKeyError,
        "Somebody may be in between. Only if you know that the host was given a new key, remove"
        " the old one with `{forget}`, then accept the new one with `{login}`.",
    ),
    _row(
        r"^WARNING: REVOKED HOST KEY|^The .* host key for .* is marked as revoked",
        ChangedHostKeyError,
        "The host uses a key that was revoked: ask its administrator.",
    ),
    _row(
        r"^Host key verification failed|^No .* host key is known for",
        UnknownHostKeyError,
        "Check the host's key and accept it, once, in a terminal: `{login}`",
    ),
    _row(
        r"^(\S+: )?Permission denied \(|Too many authentication failures"
        r"|^.*: Permission denied, please try again|No more authentication methods",
        AuthenticationError,
        _LOG_IN,
    ),
    _row(
        r"^(ssh: )?Could not resolve hostname|Name or service not known"
        r"|nodename nor servname provided|no address associated with name",
        HostNotFoundError,
        "Check the alias `{alias}` in the ssh configuration, and the name `{hostname}`; is a VPN"
        " needed?",
    ),
    _row(
        r"^ssh: connect to (host|address) .* port|Connection (refused|timed out)"
        r"|No route to host|Network is unreachable|Host is down|Operation timed out"
        r"|[Tt]imed out|timed out during banner exchange|open failed: connect failed",
        HostUnreachableError,
        "Is the host up, and is it reached from this network (VPN, firewall, port {port})?",
    ),
    _row(
        r"[Bb]ad configuration option|terminating, \d+ bad configuration|Bad owner or permissions"
        r"|^command-line:? line \d+:|^Can't open user config file|Unsupported option",
        ConnectError,
        "Correct the ssh configuration, or the kernel spec's transport options, as the message"
        " says.",
    ),
    _row(
        r"kex_exchange_identification|Connection (closed|reset) by|Connection to .* closed",
        ConnectError,
        "The server, or a jump host, hung up before the login. It may be overloaded, refuse this"
        " address, or punish repeated attempts; try `{login}` in a while.",
    ),
    _row(
        r"^Unable to negotiate",
        ConnectError,
        "Client and server share no algorithm: see `man ssh_config`, for the setting that fits.",
    ),
)


def connect_error(command: SshCommand, said: str) -> ConnectError:
    """Choose the error for what ssh wrote to its standard error when it failed.

    Args:
        command: for whom; gives the names that the fix needs.
        said: all that ssh wrote.
    """
    answer = spoken(said)
    row = next((row for row in _TABLE if row.pattern.search(answer)), None)
    alias = command.target.alias
    if row is None:
        return ConnectError(alias, "connect", answer, try_it(command))
    return row.error(alias, "connect", answer, _filled(row.fix, command))


def unanswered(command: SshCommand, question: str) -> AuthenticationError:
    """Say that ssh asked something, and that nobody answered."""
    words = f"it asks {' '.join(question.split())!r}, and nobody answered"
    return AuthenticationError(command.target.alias, "connect", words, _filled(_LOG_IN, command))


def _filled(fix: str, command: SshCommand) -> str:
    settings = command.settings
    return fix.format(
        alias=command.target.alias,
        hostname=settings.hostname,
        port=settings.port,
        login=ssh_line(command),
        forget=shlex.join(["ssh-keygen", "-R", settings.known_hosts_name]),
    )


def spoken(said: str) -> str:
    """Keep what ssh says to people: drop its debug lines, and the start of what is very long."""
    lines = (line.rstrip() for line in said.splitlines())
    kept = [line for line in lines if line and not re.match(r"debug\d: |OpenSSH_\d", line)]
    return "\n".join(kept[-_ANSWER_LINES:])


def try_it(command: SshCommand, *arguments: str) -> str:
    """Advise to do the same without us, where ssh's own words are seen."""
    return f"Try it in a terminal: `{ssh_line(command, *arguments)}`"


def ssh_line(command: SshCommand, *arguments: str) -> str:
    """Write the command with which a user reaches the host in a terminal."""
    words = [*program(command.target), *arguments, *command.options.arguments]
    return shlex.join([*words, command.target.alias])
