"""StrictHostKeyChecking of ssh_config(5), for transports that speak SSH themselves.

A host whose key has changed or was revoked is refused whatever the configuration says, and no known
hosts file at all means that every host is unknown: here checking cannot be turned off.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from sshpyk_core.errors import ChangedHostKeyError, UnknownHostKeyError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.host_keys.host_key import HostKey
from sshpyk_core.transport_kit.host_keys.known_hosts import REVOKED, KnownHosts, KnownKey, Verdict
from sshpyk_core.transport_kit.host_keys.remember import remember
from sshpyk_core.transport_kit.host_keys.trust import judge, known_names, read_known_hosts
from sshpyk_core.types import Prompter, Question

__all__ = ["check_host_key"]

log = logging.getLogger(__name__)

_QUESTIONS = 3


async def check_host_key(settings: HostSettings, key: HostKey, prompter: Prompter | None) -> None:
    """Return when a host's plain key may be trusted; remember it where the configuration says so.

    Args:
        settings: the host's settings: its names, its files, how strict to be.
        key: the key that the server has proved to own.
        prompter: who is asked about an unknown host under ``StrictHostKeyChecking ask``.

    Raises:
        ChangedHostKeyError: the host is known by other keys, or the key was revoked.
        UnknownHostKeyError: the host is not known, and nobody accepted its key.
        HostKeyError: the file of revoked keys cannot be read.
    """
    check = _Check(settings, key, await read_known_hosts(settings))
    verdict = judge(settings, check.known, key)
    if verdict is Verdict.REVOKED:
        raise check.revoked()
    if verdict is Verdict.CHANGED:
        raise check.changed()
    if verdict is Verdict.UNKNOWN:
        await _accept_unknown(check, prompter)


@dataclass(frozen=True)
class _Check:
    """One host, the key that it shows and what is known of it."""

    settings: HostSettings
    key: HostKey
    known: KnownHosts

    @property
    def name(self) -> str:
        return self.settings.known_hosts_name

    def changed(self) -> ChangedHostKeyError:
        known = self.known.about(self.name)
        answer = (
            f"its key is {self.key}, but {self.name} is known by {_listed(known)}; somebody may"
            " be in between"
        )
        fix = (
            "Only if you know that the host was given a new key, remove the old one with"
            f" {_forget(self.name, known)}, then accept the new one with"
            f" `{self.settings.login_line}`."
        )
        return ChangedHostKeyError(self.settings.alias, "connect", answer, fix)

    def revoked(self) -> ChangedHostKeyError:
        about = [
            line for name in known_names(self.settings) for line in self.known.about(name, REVOKED)
        ]
        lines = dict.fromkeys(line for line in about if line.key == self.key)
        answer = f"its key is revoked: {_listed(lines)}"
        fix = "The host uses a key that was revoked: ask its administrator."
        return ChangedHostKeyError(self.settings.alias, "connect", answer, fix)

    def unknown(self) -> UnknownHostKeyError:
        answer = f"no host key is known for {self.name}; it shows {self.key}"
        login = self.settings.login_line
        fix = f"Check the host's key and accept it, once, in a terminal: `{login}`"
        return UnknownHostKeyError(self.settings.alias, "connect", answer, fix)


async def _accept_unknown(check: _Check, prompter: Prompter | None) -> None:
    strict = check.settings.strict_host_key_checking
    if strict == "yes" or (strict == "ask" and not await _confirmed(check, prompter)):
        raise check.unknown()
    if strict == "no":
        log.warning(
            "%s: unknown host key %s accepted unseen (StrictHostKeyChecking no)",
            check.settings.alias,
            check.key,
        )
    await _remember(check)


async def _confirmed(check: _Check, prompter: Prompter | None) -> bool:
    """Ask as ssh does: yes, no or the fingerprint, again until it is one of these."""
    if prompter is None:
        return False
    name, key = check.name, check.key
    text = (
        f"The host {name} is not known. Its {key.algorithm} key has the fingerprint\n"
        f"{key.fingerprint}\nTrust it and go on (yes/no/[fingerprint])? "
    )
    for _ in range(_QUESTIONS):
        answer = await prompter.ask(Question("host key", text, secret=False))
        answer = (answer or "no").strip()
        if answer.lower() == "yes" or answer == key.fingerprint:
            return True
        if answer.lower() == "no":
            return False
        text = f"Please answer yes, no or the fingerprint of {name}'s key: "
    return False


async def _remember(check: _Check) -> None:
    """Write the key to the user's first file; where that cannot be, it is accepted this once."""
    settings = check.settings
    files = settings.user_known_hosts_files
    if not files:
        log.warning("%s: host key %s accepted, for this once", settings.alias, check.key)
        return
    try:
        hashed = settings.hash_known_hosts
        await asyncio.to_thread(remember, files[0], check.name, check.key, hashed=hashed)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        log.warning(
            "%s: host key %s accepted, but not added to %s: %s",
            settings.alias,
            check.key,
            files[0],
            said,
        )
    else:
        log.info("%s: host key %s added to %s", settings.alias, check.key, files[0])


def _listed(known: Iterable[KnownKey]) -> str:
    return ", ".join(map(str, known))


def _forget(name: str, known: Iterable[KnownKey]) -> str:
    """The commands that remove a host's keys from the files that have them."""
    usual = os.path.expanduser("~/.ssh/known_hosts")
    files = dict.fromkeys(key.file for key in known)
    commands = [
        ["ssh-keygen", "-R", name, *([] if file == usual else ["-f", file])] for file in files
    ]
    return " and ".join(f"`{shlex.join(command)}`" for command in commands)
