"""What stands on the stage while the demo runs, and how it is cleared, whatever has happened."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from sshpyk_core.background import background
from sshpyk_core.cli.demo.kernel import DemoKernel
from sshpyk_core.cli.demo.place import Place
from sshpyk_core.cli.demo.remains import Remains, end_processes, live_files
from sshpyk_core.hosts import hosts
from sshpyk_core.testing.embedded_server import EmbeddedServer

__all__ = ["Stage"]

log = logging.getLogger(__name__)

ALIAS = "demo"

END_SECONDS = 5.0
"""How long each part of the end may take before it is cut short."""


class Stage:
    """An SSH server, a kernel behind it, and their directories."""

    def __init__(self, transport: str) -> None:
        """Make the directories and the server's keys.

        Args:
            transport: what carries the kernel.

        Raises:
            OSError: there is nowhere to make them.
        """
        self._transport = transport
        self._place = Place.make()
        self._starting: asyncio.Task[None] | None = None
        self._kernel: DemoKernel | None = None
        self.cleared = False
        """Whether nothing stands on it any more."""
        try:
            self.server = EmbeddedServer(
                home=self._place.far_home, env=self._place.far_environment(), alias=ALIAS
            )
        except BaseException:
            self._place.remove()
            raise

    def near_environment(self) -> dict[str, str | None]:
        """Give the variables that this program needs while it uses the stage; None: not set."""
        return self._place.near_environment()

    @property
    def kernel(self) -> DemoKernel:
        """The kernel; made when it is first asked for, and started by whoever asks."""
        if self._kernel is None:
            self._kernel = DemoKernel(self._place)
        return self._kernel

    async def start_server(self) -> None:
        """Let the server listen, and write the kernel specs that lead to it.

        Raises:
            OSError: it cannot listen.
        """
        self._starting = asyncio.create_task(asyncio.to_thread(self.server.start))
        await asyncio.shield(self._starting)
        self._place.write_kernel_specs(self._transport, ALIAS, self.server.ssh_config)

    async def clear(self) -> Remains:
        """End everything and remove every file; harmless when it is called again.

        Returns:
            What had not gone by itself.
        """
        await self._end_kernel()
        await self._within(background.run(hosts.aclose()), "closing the session")
        processes = await end_processes([self._place.root, self.server.directory], END_SECONDS)
        remains = Remains(processes, live_files(self._place))
        if self._starting is not None:
            await asyncio.wait([self._starting])
        await asyncio.to_thread(self.server.stop, remove=True)
        await asyncio.to_thread(self._place.remove)
        self.cleared = True
        return remains

    async def _end_kernel(self) -> None:
        kernel, self._kernel = self._kernel, None
        if kernel is not None:
            await self._within(kernel.shut_down(now=True), "ending the kernel")

    @staticmethod
    async def _within(work: Coroutine[Any, Any, None], what: str) -> None:
        """Do a part of the end; a failure must not keep the other parts from being done."""
        try:
            await asyncio.wait_for(work, END_SECONDS)
        except Exception as error:  # whatever was broken may break its own end too
            log.debug("%s: %r", what, error)
