"""Which variables a host's settings pass on to its commands (SendEnv, SetEnv)."""

from __future__ import annotations

import fnmatch
import os

from sshpyk_core.host_settings import HostSettings

__all__ = ["sent_environment"]


def sent_environment(settings: HostSettings) -> dict[str, str]:
    """Return what SendEnv and SetEnv of ssh_config(5) ask to pass on; SetEnv wins.

    A server takes only those that it is set to accept (sshd_config(5), AcceptEnv).
    """
    patterns = [word for line in settings.all("sendenv") for word in line.split()]
    sent = {
        name: value
        for name, value in os.environ.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    }
    pairs = (line.partition("=") for line in settings.all("setenv"))
    return sent | {name: value for name, _, value in pairs}
