"""What is kept of a login is ended and forgotten."""

from __future__ import annotations

from dataclasses import dataclass

from sshpyk_core.declaration import Capability
from sshpyk_core.errors import ConnectError
from sshpyk_core.prompting.keyring_store import KeyringStore
from sshpyk_core.registry import default_registry
from sshpyk_core.transport import transport_for
from sshpyk_core.transport_kit.route.route import route
from sshpyk_core.transport_kit.settings.reader import SettingsReader
from sshpyk_core.types import Target

__all__ = ["LoggedOut", "log_out"]


@dataclass(frozen=True)
class LoggedOut:
    """What a logout has done.

    Attributes:
        target: of where.
        ended: whether a connection was kept open.
        forgotten: what was removed from the keyring: accounts, and paths of keys.
        unsure: why the keyring may still hold something; empty when it does not.
    """

    target: Target
    ended: bool
    forgotten: tuple[str, ...]
    unsure: str = ""


async def log_out(target: Target) -> LoggedOut:
    """End the connection that is kept for a target, and empty the keyring of what lets in there.

    Args:
        target: of where.

    Raises:
        SshpykError: what failed.
    """
    transport = transport_for(target)
    ended = await transport.end_kept_login(target)
    keyring = KeyringStore()
    if not keyring.installed or await keyring.name() is None:
        return LoggedOut(target, ended, ())
    try:
        names = await _names(target)
    except ConnectError as error:
        return LoggedOut(target, ended, (), error.answer)
    forgotten, unsure = [], ""
    for name in names:
        removed = await keyring.delete(name)
        if removed:
            forgotten.append(name)
        elif removed is None:
            unsure = "the keyring does not answer as it should"
    return LoggedOut(target, ended, tuple(forgotten), unsure)


async def _names(target: Target) -> list[str]:
    """List what secrets may be kept under: the accounts and the keys of each host on the way."""
    declared = default_registry().declaration(target.transport).capabilities
    if Capability.SSH_CONFIG not in declared:
        return []
    names: list[str] = []
    for hop in await route(target, SettingsReader(target, {}, frozenset())):
        names.append(f"{hop.user}@{hop.host_key_alias or hop.hostname}:{hop.port}")
        names += hop.identity_files
    return list(dict.fromkeys(names))
