"""The connection and the forwards over it, brought back when it is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NoReturn

from sshpyk_core.backoff import Backoff
from sshpyk_core.cli.forward.outlook import Outlook, look
from sshpyk_core.cli.forward.stopping import stopped_by_signals
from sshpyk_core.cli.forward.told import Told
from sshpyk_core.cli.status import LiveStatus
from sshpyk_core.config import KernelConfig
from sshpyk_core.errors import (
    AuthenticationError,
    ForwardError,
    HostKeyError,
    HostNotFoundError,
    HostUnreachableError,
    LinkLostError,
    PluginError,
    SshpykError,
)
from sshpyk_core.link.forwards import Forwards, Wanted
from sshpyk_core.port_forward import PortForward, not_here
from sshpyk_core.prompting.login import Shared
from sshpyk_core.prompting.person import find_person
from sshpyk_core.sign_of_life import SignOfLife, sign_of_life
from sshpyk_core.visiting import Reached, session_to

__all__ = ["forward_until_stopped"]

_PASSING = (HostNotFoundError, HostUnreachableError, LinkLostError)
"""What an absent network says."""


async def forward_until_stopped(
    config: KernelConfig, wishes: Sequence[PortForward], told: Told
) -> None:
    """Forward ports until a signal ends it, and leave nothing behind.

    Args:
        config: leads to the host.
        wishes: the ports.
        told: tells the user.

    Raises:
        SshpykError: a port cannot be forwarded, the host cannot be reached at first, or it needs
            another login later.
    """
    ready, stop = asyncio.Event(), asyncio.Event()
    kept = asyncio.create_task(_Kept(config, wishes, told, ready).keep())
    waiting = [asyncio.create_task(each.wait()) for each in (ready, stop)]
    try:
        await asyncio.wait([kept, waiting[0]], return_when=asyncio.FIRST_COMPLETED)
        with stopped_by_signals(stop):
            await asyncio.wait([kept, waiting[1]], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in (kept, *waiting):
            each.cancel()
        await asyncio.wait([kept, *waiting])
        failed = None if kept.cancelled() else kept.exception()
    if failed is not None:
        raise failed


class _Kept:
    def __init__(
        self,
        config: KernelConfig,
        wishes: Sequence[PortForward],
        told: Told,
        ready: asyncio.Event,
    ) -> None:
        self._target = config.target
        self._timers = config.timers
        self._wishes = wishes
        self._told = told
        self._ready = ready
        self._shared = Shared()
        self._backoff = Backoff()
        self._forwards = Forwards([])
        self._gives_sign_of_life = False

    async def keep(self) -> NoReturn:
        """Go on until it is cancelled.

        Raises:
            SshpykError: it cannot begin, or a login is needed.
        """
        await self._begin()
        while True:
            await self._again()

    async def _begin(self) -> None:
        """Connect, with a person to ask, and forward until the connection is lost."""
        async with AsyncExitStack() as stack:
            with LiveStatus(f"connecting to {self._told.alias}") as status:
                person = status.prompter(find_person())
                session = session_to(self._target, person=person, shared=self._shared)
                reached = await stack.enter_async_context(session)
                status.say(f"looking at the ports of {self._told.alias}")
                outlook = await look(reached, self._wishes)
                self._forwards = self._wanted(outlook)
                sign = await stack.enter_async_context(self._opened(reached))
            self._told.ready(self._forwards.ports, outlook.silent)
            self._ready.set()
            await self._until_lost(sign)

    def _wanted(self, outlook: Outlook) -> Forwards:
        here = outlook.this_machine
        return Forwards([Wanted(w.listen(this_machine=here), w.destination) for w in self._wishes])

    async def _open(self, reached: Reached) -> None:
        try:
            await self._forwards.open(reached.forward)
        except ForwardError as error:
            for wish in self._wishes:
                if (ours := not_here(error, self._told.alias, wish)) is not error:
                    raise ours from error
            raise

    @asynccontextmanager
    async def _opened(self, reached: Reached) -> AsyncIterator[SignOfLife]:
        """Have all forwards over a session."""
        async with sign_of_life(reached, self._timers) as sign:
            if self._gives_sign_of_life and not sign.given:
                raise LinkLostError(self._told.alias, "connect again", "it gives no sign of life")
            self._gives_sign_of_life = sign.given
            try:
                await self._open(reached)
                yield sign
            finally:
                await self._forwards.aclose()

    async def _until_lost(self, sign: SignOfLife) -> None:
        self._backoff.connected()
        self._told.lost(await sign.lost())
        self._backoff.lost()

    async def _again(self) -> None:
        """Bring everything back, asking nobody, until it is lost once more."""
        lost_at = time.time()
        known: set[str] = set()
        while True:
            await self._backoff.wait()
            self._backoff.attempt()
            try:
                async with (
                    session_to(self._target, shared=self._shared) as reached,
                    self._opened(reached) as sign,
                ):
                    self._told.back(time.time() - lost_at)
                    await self._until_lost(sign)
                    return
            except (AuthenticationError, HostKeyError, PluginError):
                raise  # time does not mend it, and repeating it gets people locked out
            except SshpykError as error:
                if not isinstance(error, _PASSING) and str(error) not in known:
                    known.add(str(error))
                    self._told.failed(error)
