"""The other way for a kernel's five ports: forwarded by the transport, without the link.

A plain tunnel: what is under way when the connection is lost is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping

from sshpyk_core.errors import SshpykError
from sshpyk_core.remote.wire import PORTS
from sshpyk_core.types import Address, Forward, TcpAddress

Forwarder = Callable[[Address, Address], Awaitable[Forward]]
"""Forwards a local address to one on the host."""


class Forwards:
    """Five forwarded ports; over a new session they come back at the same addresses."""

    def __init__(self, ip: str, wanted: Mapping[str, int], remote: Mapping[str, int]) -> None:
        """Forward nothing yet.

        Args:
            ip: local address to listen on.
            wanted: local ports by name that must be these; 0 or absent means any free one.
            remote: the kernel's ports by name.
        """
        self.address = ip
        self.ports: dict[str, int] = {name: wanted.get(name, 0) for name in PORTS}
        self._remote = dict(remote)
        self._open: list[Forward] = []
        self._opening: asyncio.Task[None] | None = None

    async def open(self, forward: Forwarder) -> None:
        """Forward all five.

        Raises:
            ForwardError: one of them cannot be; then none is.
        """
        await self._close()
        try:
            for name in PORTS:
                listen = TcpAddress(self.address, self.ports[name])
                opened = await forward(listen, TcpAddress("127.0.0.1", self._remote[name]))
                self._open.append(opened)
                if isinstance(opened.address, TcpAddress):
                    self.ports[name] = opened.address.port
        except BaseException:
            await self._close()
            raise

    def open_again(self, forward: Forwarder, log: logging.Logger) -> None:
        """Forward all five over a new session, instead of what is under way over an older one."""
        self._opening = asyncio.create_task(self._open_again(forward, log, self._opening))

    async def _open_again(
        self, forward: Forwarder, log: logging.Logger, older: asyncio.Task[None] | None
    ) -> None:
        await _ended(older)
        try:
            await self.open(forward)
        except SshpykError as error:
            log.warning("%s", error)

    async def aclose(self) -> None:
        """Stop forwarding."""
        opening, self._opening = self._opening, None
        await _ended(opening)
        await self._close()

    async def _close(self) -> None:
        while self._open:
            with contextlib.suppress(SshpykError):
                await self._open.pop().aclose()


async def _ended(task: asyncio.Task[None] | None) -> None:
    """Cancel a task, and return when it has undone what it had begun."""
    if task is not None:
        task.cancel()
        await asyncio.wait([task])
