"""What a host's settings ask for and asyncssh cannot do, found before it is tried."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Iterator

from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.login.agent import agent_path
from sshpyk_core.transport_kit.settings.algorithms import lacking
from sshpyk_core.transport_kit.settings.keywords import UNDERSTOOD
from sshpyk_core.types import Finding

from sshpyk_asyncssh.algorithms import choose
from sshpyk_asyncssh.connection_options import METHODS
from sshpyk_asyncssh.identities import Agent
from sshpyk_asyncssh.key_files import read_key_file

__all__ = ["KEPT", "limits"]

KEPT = UNDERSTOOD | {
    "forwardagent",
    "gssapiauthentication",
    "gssapidelegatecredentials",
    "gssapikeyexchange",
    "rekeylimit",
}
"""The keywords of ssh_config(5) that connections keep to."""

_OPENSSH = 'Use `"transport": "openssh"` for this host.'


async def limits(settings: HostSettings, usual: HostSettings) -> list[Finding]:
    """List what cannot be done for a host; an error where nothing is left that could.

    Args:
        settings: of the target, or of a jump host.
        usual: what holds without any configuration.
    """
    findings = [*lacking(settings, usual, choose, "asyncssh"), *_methods(settings)]
    return findings + await _security_keys(settings)


def _methods(settings: HostSettings) -> Iterator[Finding]:
    off = {
        "publickey": not settings.pubkey_authentication,
        "password": not settings.password_authentication,
        "keyboard-interactive": not settings.kbd_interactive_authentication,
    }
    wanted = settings.preferred_authentications or METHODS
    gssapi = settings.flag("gssapiauthentication") and any("gssapi" in name for name in wanted)
    ways = [name for name in wanted if name in off and not off[name]]
    cannot = gssapi and not _has("sspi" if sys.platform == "win32" else "gssapi")
    if not ways and (cannot or not gssapi):
        cause = f"the settings of {settings.alias} leave no way to log in that asyncssh has"
        fix = f"Install the Python package gssapi, or: {_OPENSSH}" if gssapi else _OPENSSH
        yield Finding("error", cause, fix)
    elif cannot:
        cause = f"GSSAPI is not tried at {settings.alias}: there is no Python package for it"
        yield Finding("info", cause, "Install the Python package gssapi where it is wanted.")


async def _security_keys(settings: HostSettings) -> list[Finding]:
    """Find FIDO keys in files, which asyncssh uses by a package of its own, or by an agent."""
    if _has("fido2"):
        return []
    async with Agent(agent_path(settings)) as agent:
        held = {pair.public_data for pair in agent.keys}
    findings = []
    for path in settings.identity_files:
        file = await asyncio.to_thread(read_key_file, path)
        public = file.public
        if not file.private or public is None or public.public_data in held:
            continue
        if public.get_algorithm().startswith("sk-"):
            cause = f"the security key {path} cannot be used from its file"
            fix = f"Load it into an agent (`ssh-add {path}`), or `pip install fido2`."
            findings.append(Finding("warning", cause, fix))
    return findings


def _has(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
