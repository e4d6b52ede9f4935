"""Where a host's settings come from: ssh where there is one, else the files that it would read."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Mapping, Set
from dataclasses import replace

from sshpyk_core.host_settings import HostSettings
from sshpyk_core.ssh_config import program, read_settings
from sshpyk_core.transport_kit.settings.config_reader import read_files
from sshpyk_core.transport_kit.settings.keywords import DONE_BY_SSH
from sshpyk_core.transport_kit.settings.unkept import unkept
from sshpyk_core.transport_kit.settings.variables import with_variables
from sshpyk_core.types import Target

__all__ = ["SettingsReader"]

log = logging.getLogger(__name__)


class SettingsReader:
    """Reads the settings of a target and of its jump hosts: a ReadSettings for `route`.

    Attributes:
        asks_ssh: whether ``ssh -G`` is asked.
        kept: the keywords whose settings take effect.
        left_out: lines that were not understood where ssh was not asked, as phrases with the alias.
    """

    def __init__(self, target: Target, extra: Mapping[str, str], kept: Set[str]) -> None:
        """Choose the way; a program that the kernel spec names is asked in any case.

        Args:
            target: to whom the way leads.
            extra: further settings, which hold for it and, as with options of ssh's command line,
                not for its jump hosts.
            kept: the keywords that the transport keeps to.
        """
        self._target = target
        self._extra = extra
        self._unkept: list[str] = []
        self.asks_ssh = target.ssh is not None or shutil.which(program(target)[0]) is not None
        self.kept = kept | DONE_BY_SSH if self.asks_ssh else kept
        self.left_out: list[str] = []

    async def __call__(self, target: Target, overrides: Mapping[str, str]) -> HostSettings:
        """Read one host's settings.

        Raises:
            ConfigError: the alias is not one; a file's name needs a variable that is not set.
            ConnectError: the configuration cannot be read.
        """
        extra = self._extra if target.alias == self._target.alias else {}
        given = {**extra, **overrides}
        if self.asks_ssh:
            return with_variables(await read_settings(target, given))
        reading = await asyncio.to_thread(read_files, target, given)
        self.left_out += [f"{target.alias}: {phrase}" for phrase in reading.left_out]
        keywords = unkept(reading.settings, await self.usual(), self.kept)
        self._unkept += [f"{target.alias}: the keyword {keyword}" for keyword in keywords]
        return with_variables(reading.settings)

    async def usual(self) -> HostSettings:
        """Return what would hold for the target without any configuration.

        Raises:
            ConnectError: ssh does not say it.
        """
        if self.asks_ssh:
            return await read_settings(replace(self._target, ssh_config="none"), {})
        return HostSettings(self._target.alias, ())

    def warn(self) -> None:
        """Log what takes no effect, where it is not ssh that has read the files."""
        for phrase in (*self.left_out, *self._unkept):
            log.warning("without an ssh program, this is left out of the settings of %s", phrase)
