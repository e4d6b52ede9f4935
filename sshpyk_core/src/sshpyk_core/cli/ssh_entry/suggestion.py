"""Which settings are worth adding for a host, and which are left alone."""

from __future__ import annotations

import os
from dataclasses import dataclass

from sshpyk_core.cli.ssh_entry.control_path import LONGEST, control_path
from sshpyk_core.cli.ssh_entry.errors import SshConfigError
from sshpyk_core.cli.ssh_entry.wanted import Setting, Wanted
from sshpyk_core.ssh_config import HostSettings
from sshpyk_core.types import Target

__all__ = ["Suggestion", "suggest"]

_ALIVE = (
    Setting("ServerAliveInterval", "15", "Ask a silent host: routers forget idle connections."),
    Setting("ServerAliveCountMax", "4", "A minute without an answer is a lost connection."),
)
_SHARED_WHY = "One login for terminals and kernels: asked for once."
_PERSIST_WHY = "How long it stays open after its last use."
_HOLDS = "It holds already."


@dataclass(frozen=True)
class Suggestion:
    """What an entry for a host would hold.

    Attributes:
        wanted: what the user has asked for, as far as it does not hold already.
        useful: what is good for kernels besides, and not decided yet.
        left_alone: what holds already, with its present value; ``why`` says why it stays.
    """

    wanted: tuple[Setting, ...]
    useful: tuple[Setting, ...]
    left_alone: tuple[Setting, ...]

    @property
    def settings(self) -> tuple[Setting, ...]:
        """All lines of the entry."""
        return (*self.wanted, *self.useful)


async def suggest(
    target: Target, wanted: Wanted, now: HostSettings, plain: HostSettings, *, has_entry: bool
) -> Suggestion:
    """Compare what is wanted and what is useful with what holds now.

    Args:
        target: the host, with the ssh config file.
        wanted: what the user says.
        now: what holds for the host.
        plain: what would hold without any ssh config file.
        has_entry: whether the file has an entry of its own for the host.

    Raises:
        SshConfigError: that entry says something else than the user.
    """
    asked, useful, alone = [], [], []
    for setting in wanted.settings():
        if _holds(setting, now):
            alone.append(Setting(setting.keyword, setting.value, _HOLDS))
        elif has_entry and _decided(setting, now, plain):
            raise SshConfigError(
                f"{target.alias} has {setting.keyword} {_value(setting, now)} already in "
                f"{target.ssh_config}, where the first value counts: change it there."
            )
        else:
            asked.append(setting)
    shared = await _shared(target, now)
    for setting in (*_ALIVE, *(each for each in shared if each.value)):
        if _decided(setting, now, plain):
            alone.append(Setting(setting.keyword, _value(setting, now), _why_alone(setting, now)))
        else:
            useful.append(setting)
    alone += [each for each in shared if not each.value]
    return Suggestion(tuple(asked), tuple(useful), tuple(alone))


async def _shared(target: Target, now: HostSettings) -> tuple[Setting, ...]:
    """Give the settings of a shared connection; one without a value says why there are none."""
    if os.name == "nt":
        return (Setting("ControlMaster", "", "Windows' OpenSSH cannot share a connection."),)
    path = now.get("controlpath") or await control_path(target)
    if path is None:
        why = f"No directory of yours has a path of at most {LONGEST} characters for its socket."
        return (Setting("ControlMaster", "", why),)
    return (
        Setting("ControlMaster", "auto", _SHARED_WHY),
        Setting("ControlPath", path, f"Its socket: at most {LONGEST} characters when filled in."),
        Setting("ControlPersist", "10m", _PERSIST_WHY),
    )


def _why_alone(setting: Setting, now: HostSettings) -> str:
    length = len(os.fsencode(_value(setting, now)))
    if setting.keyword == "ControlPath" and length > LONGEST:
        return f"It has {length} characters, and ssh fails with more than {LONGEST}: shorten it."
    return _HOLDS


def _holds(setting: Setting, settings: HostSettings) -> bool:
    value = setting.value.strip('"')
    same = {value.lower(), os.path.expanduser(value).lower()}
    return any(each.lower() in same for each in settings.all(setting.keyword))


def _decided(setting: Setting, now: HostSettings, plain: HostSettings) -> bool:
    return now.all(setting.keyword) != plain.all(setting.keyword)


def _value(setting: Setting, settings: HostSettings) -> str:
    return ", ".join(settings.all(setting.keyword))
