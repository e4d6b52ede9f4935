"""The hosts of a process: one for each target, closed when the process ends."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any

from sshpyk_core.background import background
from sshpyk_core.host import Host
from sshpyk_core.prompting.login import Shared
from sshpyk_core.timers import LinkTimers
from sshpyk_core.types import Target

__all__ = ["Hosts", "hosts"]


class Hosts:
    """The hosts of this process, one per target."""

    def __init__(self, before_exit: Callable[[Callable[[], Any]], None]) -> None:
        """Have :meth:`aclose` awaited when the process ends, by way of ``before_exit``."""
        self._hosts: dict[Target, Host] = {}
        self._shared = Shared()
        self._before_exit = before_exit

    def get(self, target: Target, timers: LinkTimers | None = None) -> Host:
        """Give the target's host; call it on the background loop.

        Args:
            target: where to.
            timers: that a kernel there wants; the strictest count, from the next link on.

        Raises:
            PluginError: the target's transport is unknown or broken.
        """
        if target not in self._hosts:
            self._hosts[target] = Host(target, shared=self._shared)
            self._before_exit(self.aclose)  # each time, as it may have imported a transport
        host = self._hosts[target]
        if timers is not None:
            host.tighten(timers)
        return host

    async def aclose(self) -> None:
        """Close the connections of all hosts, and forget what was remembered for logins."""
        hosts = list(self._hosts.values())
        self._hosts.clear()
        self._shared = Shared()
        await asyncio.gather(*(host.aclose() for host in hosts), return_exceptions=True)

    def forget(self) -> None:
        """Let go of hosts that belong to another process: a fork has no right to its parent's."""
        self._hosts = {}
        self._shared = Shared()


hosts = Hosts(background.before_exit)
"""The process's own."""

if sys.platform != "win32":
    os.register_at_fork(after_in_child=hosts.forget)
