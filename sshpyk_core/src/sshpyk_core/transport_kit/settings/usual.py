"""What ssh takes for granted: its files, and the settings that hold when they say nothing.

For the reader of ssh_config(5) beside this, where there is no ssh to ask.
"""

from __future__ import annotations

import os
import sys

from sshpyk_core.host_settings import HostSettings
from sshpyk_core.types import Target

__all__ = ["config_files", "system_folder", "with_usual"]

_IDENTITIES = ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk")


def config_files(target: Target) -> list[str]:
    """Return the ssh config files that hold for a target: the one it names, else the usual two."""
    if target.ssh_config:
        return [] if target.ssh_config == "none" else [os.path.expanduser(target.ssh_config)]
    files = (os.path.expanduser("~/.ssh/config"), f"{system_folder()}/ssh_config")
    return [file for file in files if os.path.exists(file)]


def with_usual(target: Target, entries: list[tuple[str, str]]) -> HostSettings:
    """Return what was read as `ssh -G` would give it, with the usual files where none are named.

    Args:
        target: for whom.
        entries: keywords in lower case and values.
    """
    known = {key for key, _ in entries}
    usual = [(key, value) for key, value in _usual() if key not in known]
    config = ("-F", target.ssh_config) if target.ssh_config else ()
    login = (target.ssh or "ssh", *config, target.alias)
    return HostSettings(target.alias, (*entries, *usual), login)


def system_folder() -> str:
    """Return the folder of the system's own ssh files."""
    folder = os.environ.get("PROGRAMDATA", "C:/ProgramData") if sys.platform == "win32" else "/etc"
    return f"{folder}/ssh"


def _usual() -> list[tuple[str, str]]:
    system = system_folder()
    known = f"{system}/ssh_known_hosts {system}/ssh_known_hosts2"
    return [
        ("userknownhostsfile", "~/.ssh/known_hosts ~/.ssh/known_hosts2"),
        ("globalknownhostsfile", known),
        *(("identityfile", f"~/.ssh/{name}") for name in _IDENTITIES),
    ]
