"""Environment variables in names of files: ``${NAME}`` (ssh_config(5), ENVIRONMENT VARIABLES).

``ssh -G`` leaves some of them as they are written, and so does the reader beside this.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace

from sshpyk_core.errors import ConfigError
from sshpyk_core.host_settings import HostSettings

__all__ = ["with_variables"]

_KEYWORDS = frozenset(
    {"certificatefile", "forwardagent", "identityagent", "identityfile", "userknownhostsfile"}
)
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


def with_variables(settings: HostSettings) -> HostSettings:
    """Return the settings with the values of variables in place of their names.

    Raises:
        ConfigError: a variable is not set; ssh does not go on then either.
    """

    def filled(keyword: str, text: str) -> str:
        def value(match: re.Match[str]) -> str:
            found = os.environ.get(match[1])
            if found is None:
                raise ConfigError(
                    f"{settings.alias}: {keyword} {text}: the environment variable {match[1]} is"
                    " not set here; set it where Jupyter is started"
                )
            return found.replace("%", "%%")  # the tokens are replaced later

        return _VARIABLE.sub(value, text) if keyword in _KEYWORDS else text

    entries = tuple((keyword, filled(keyword, text)) for keyword, text in settings.entries)
    return replace(settings, entries=entries)
