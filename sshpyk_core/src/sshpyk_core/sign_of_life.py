"""Whether a session still leads to its host, where there is no link to ask: an echo says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sshpyk_core.errors import LaunchError
from sshpyk_core.link.heartbeat import Heartbeat
from sshpyk_core.timers import LinkTimers
from sshpyk_core.types import RemoteProcess, Session
from sshpyk_core.visiting import Reached

__all__ = ["SignOfLife", "sign_of_life"]

ECHO = "exec cat"
"""Every login shell reads it alike, and every host has it."""

HELLO = b"sshpyk"
"""What has to come back before silence means anything: a host may run another command."""

HELLO_PATIENCE = 10.0
"""Seconds that it may take."""

MAX_LINE_BYTES = 4096


@asynccontextmanager
async def sign_of_life(reached: Reached, timers: LinkTimers) -> AsyncIterator[SignOfLife]:
    """Listen to a host while the context lasts.

    Args:
        reached: the host.
        timers: when silence means what.
    """
    try:
        process = await reached.transport.launch(reached.session, ECHO)
    except LaunchError:
        yield SignOfLife(reached.session, None)
        return
    try:
        echo = _Echo(process, timers)
        yield SignOfLife(reached.session, echo if await echo.greets() else None)
    finally:
        await process.terminate()


class SignOfLife:
    """Tells when a connection is lost."""

    def __init__(self, session: Session, echo: _Echo | None) -> None:
        """Use :func:`sign_of_life` instead."""
        self._session = session
        self._echo = echo

    @property
    def given(self) -> bool:
        """Whether the host gives one; else what the transport notices has to be enough."""
        return self._echo is not None

    async def lost(self) -> str:
        """Wait until the connection is lost; give the reason."""
        closed: asyncio.Future[str] = self._session.closed
        if self._echo is None:
            return await asyncio.shield(closed)
        watching = asyncio.create_task(self._echo.heartbeat.watch())
        reading = asyncio.create_task(self._echo.read_all())
        signs: list[asyncio.Future[Any]] = [closed, watching, reading]
        try:
            await asyncio.wait(signs, return_when=asyncio.FIRST_COMPLETED)
            reason: str = next(each for each in signs if each.done()).result()
            return reason
        finally:
            for each in (watching, reading):
                each.cancel()
            await asyncio.wait([watching, reading])


class _Echo:
    """Lines that are sent to the host and come back."""

    def __init__(self, process: RemoteProcess, timers: LinkTimers) -> None:
        self.heartbeat = Heartbeat(timers, self._ask)
        self._process = process
        self._greeted = False
        self._begun = b""

    def _ask(self, line: bytes) -> None:
        self._process.stdin.write(line + b"\n")

    async def greets(self) -> bool:
        """Say whether what is sent really comes back."""
        self._ask(HELLO)
        try:
            await asyncio.wait_for(self._greeting(), HELLO_PATIENCE)
        except asyncio.TimeoutError:
            return False
        return self._greeted

    async def _greeting(self) -> None:
        while not self._greeted and await self._read():
            pass

    async def read_all(self) -> str:
        """Read to the end, which says that the connection is lost."""
        while await self._read():
            pass
        return "the host has closed it"

    async def _read(self) -> bool:
        data = await self._process.stdout.read(MAX_LINE_BYTES)
        self.heartbeat.heard()
        *lines, rest = (self._begun + data).split(b"\n")
        self._begun = rest[-MAX_LINE_BYTES:]
        for line in lines:
            self._greeted = self._greeted or line == HELLO
            self.heartbeat.answered(line)
        return bool(data)
