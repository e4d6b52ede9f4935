"""What an ssh config file would become, tried with ssh itself before anything is written."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sshpyk_core import ssh_config
from sshpyk_core.cli.completing import hosts_of
from sshpyk_core.cli.ssh_entry.errors import SshConfigError
from sshpyk_core.cli.ssh_entry.placing import entry, placed
from sshpyk_core.cli.ssh_entry.suggestion import Suggestion, suggest
from sshpyk_core.cli.ssh_entry.wanted import Setting, Wanted
from sshpyk_core.errors import ConnectError
from sshpyk_core.ssh_config import HostSettings
from sshpyk_core.types import Target

__all__ = ["Proposal", "propose"]

_LARGEST = 4 * 1024 * 1024
_NO_FILE = "none"
"""What ``ssh -F`` takes for no file at all."""

_NEEDS = {
    "ServerAliveCountMax": ("ServerAliveInterval",),
    "ControlMaster": ("ControlPath",),
    "ControlPath": ("ControlMaster",),
    "ControlPersist": ("ControlMaster", "ControlPath"),
}
"""The settings without which another has no meaning."""


@dataclass(frozen=True)
class Proposal:
    """An entry for a host, and the file that it would go into.

    Attributes:
        host: whom it is for.
        file: the ssh config file, as the user names it.
        content: what is in it now; None when there is none.
        has_entry: whether it has an entry of its own for the host.
        suggestion: what is worth adding.
    """

    host: str
    file: Path
    content: bytes | None
    has_entry: bool
    suggestion: Suggestion

    @property
    def entry(self) -> str:
        """The text of the entry; empty when there is nothing to add."""
        settings = self.suggestion.settings
        return entry(self.host, settings) if settings else ""

    @property
    def new_content(self) -> bytes:
        """What would be in the file."""
        if not self.entry:
            return self.content or b""
        return placed(self.content or b"", self.host, self.entry)


async def propose(host: str, file: Path, wanted: Wanted) -> Proposal:
    """Work out what is worth adding to a file for a host.

    Raises:
        SshConfigError: the file cannot be read, or what is wanted would not hold.
        ConnectError: ssh does not accept the file as it is.
    """
    content = _read(file)
    target = Target(host, ssh_config=_NO_FILE if content is None else str(file))
    now = await ssh_config.resolve(target)
    plain = await ssh_config.resolve(dataclasses.replace(target, ssh_config=_NO_FILE))
    has_entry = host.lower() in _hosts(file)
    suggestion = await suggest(target, wanted, now, plain, has_entry=has_entry)
    proposal = Proposal(host, file, content, has_entry, suggestion)
    if not proposal.entry:
        return proposal
    then = await _tried(proposal)
    lost = [each for each in suggestion.settings if not _took_effect(each, now, then)]
    for each in suggestion.wanted:
        if each in lost:
            raise SshConfigError(
                f"{each.keyword} {each.value} would not hold for {host}: something earlier in "
                f"{file} says {', '.join(then.all(each.keyword))}. Change it there."
            )
    return dataclasses.replace(proposal, suggestion=_without(suggestion, lost, then))


def _read(file: Path) -> bytes | None:
    try:
        if not file.exists():
            return None
        if not file.is_file():
            raise SshConfigError(f"{file} is not a file.")
        if file.stat().st_size > _LARGEST:
            raise SshConfigError(f"{file} is too large for an ssh config file.")
        return file.read_bytes()
    except OSError as error:
        raise SshConfigError(f"{file} cannot be read: {error.strerror or error}") from error


def _hosts(file: Path) -> set[str]:
    try:
        return {each.lower() for each in hosts_of(file)}
    except OSError as error:
        said = f"{error.filename or file} cannot be read: {error.strerror or error}"
        raise SshConfigError(said) from error


async def _tried(proposal: Proposal) -> HostSettings:
    """Ask ssh what would hold for the host."""
    name = _trial(proposal)
    try:
        return await ssh_config.resolve(Target(proposal.host, ssh_config=name))
    except ConnectError as error:
        answer = error.answer.replace(name, str(proposal.file))
        raise SshConfigError(f"ssh does not accept such an entry: {answer}") from error
    finally:
        os.unlink(name)


def _trial(proposal: Proposal) -> str:
    """Write a file that only ssh reads; give its path."""
    try:
        descriptor, name = tempfile.mkstemp(prefix="sshpyk-config-")
        with os.fdopen(descriptor, "wb") as trial:
            trial.write(proposal.new_content)
    except OSError as error:
        raise SshConfigError(f"No file can be written to try it: {error.strerror}") from error
    return name


def _took_effect(setting: Setting, now: HostSettings, then: HostSettings) -> bool:
    """Say whether a line of the entry counts: nothing else differs between the two answers."""
    after = then.all(setting.keyword)
    return after != now.all(setting.keyword) or [setting.value.lower()] == [
        each.lower() for each in after
    ]


def _without(suggestion: Suggestion, lost: list[Setting], then: HostSettings) -> Suggestion:
    """Leave alone what would have no effect, and drop what makes no sense without it."""
    gone = {each.keyword for each in lost}
    kept = [
        each
        for each in suggestion.useful
        if not gone & {each.keyword, *_NEEDS.get(each.keyword, ())}
    ]
    why = "Something earlier in your ssh config decides."
    alone = [
        Setting(each.keyword, ", ".join(then.all(each.keyword)) or "none", why) for each in lost
    ]
    left_alone = (*suggestion.left_alone, *alone)
    return dataclasses.replace(suggestion, useful=tuple(kept), left_alone=left_alone)
