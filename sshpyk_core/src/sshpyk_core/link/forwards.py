"""Ports that the transport forwards, without the link; over a new session they come back.

What is under way in them when the connection is lost is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from sshpyk_core.errors import ForwardError, SshpykError
from sshpyk_core.remote.wire import PORTS
from sshpyk_core.types import Address, Forward, TcpAddress

__all__ = ["Forwarder", "Forwards", "Teller", "Wanted", "of_kernel"]

Forwarder = Callable[[Address, Address], Awaitable[Forward]]
"""Forwards a local address to one on the host."""


@dataclass(frozen=True)
class Wanted:
    """One forward.

    Attributes:
        listen: local addresses; the first that can be had is kept from then on. Port 0 means any.
        destination: as the host sees it.
    """

    listen: tuple[Address, ...]
    destination: Address


Teller = Callable[[int, Address | SshpykError], None]
"""Is told of a forward, by its number, where it listens or why it does not."""


class Forwards:
    """Several forwards, each of which always comes back at the address where it was at first."""

    def __init__(self, wanted: Sequence[Wanted]) -> None:
        """Forward nothing yet."""
        self._wanted = tuple(wanted)
        self._kept: dict[int, Address] = {}
        self._open: list[Forward] = []
        self._opening: set[asyncio.Task[None]] = set()
        # Those that must have a certain port come before those that would like to have it.
        self._order = sorted(range(len(wanted)), key=lambda number: len(wanted[number].listen))

    @property
    def addresses(self) -> list[Address | None]:
        """Where each listens, or did; None for one that never has."""
        return [self._kept.get(number) for number in range(len(self._wanted))]

    @property
    def ports(self) -> list[int]:
        """The port of each; 0 for one that has none."""
        return [each.port if isinstance(each, TcpAddress) else 0 for each in self.addresses]

    async def open(self, forward: Forwarder) -> None:
        """Forward all, instead of what is open or under way over an older session.

        Raises:
            SshpykError: one of them cannot be; then none is.
        """
        await self.aclose()
        try:
            for number in self._order:
                await self._open_one(number, forward)
        except BaseException:
            await self._close()
            raise

    def begin(self, forward: Forwarder, tell: Teller) -> None:
        """Do the same in the background, each forward by itself."""
        if not self._wanted:
            return
        # Here and now: the one that comes after may be cancelled before it has begun.
        older = self._cancel()
        opening = asyncio.create_task(self._open_each(forward, tell, older))
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)

    def _cancel(self) -> list[asyncio.Task[None]]:
        for each in self._opening:
            each.cancel()
        return list(self._opening)

    async def _open_each(
        self, forward: Forwarder, tell: Teller, older: Sequence[asyncio.Task[None]]
    ) -> None:
        await _ended(older)
        await self._close()
        for number in self._order:
            try:
                tell(number, await self._open_one(number, forward))
            except SshpykError as error:
                tell(number, error)

    async def _open_one(self, number: int, forward: Forwarder) -> Address:
        wanted = self._wanted[number]
        *others, last = (self._kept[number],) if number in self._kept else wanted.listen
        opened = None
        for listen in others:
            with contextlib.suppress(ForwardError):
                opened = await forward(listen, wanted.destination)
                break
        opened = opened or await forward(last, wanted.destination)
        self._open.append(opened)
        self._kept[number] = opened.address
        return opened.address

    async def aclose(self) -> None:
        """Stop forwarding."""
        await _ended(self._cancel())
        await self._close()

    async def _close(self) -> None:
        while self._open:
            with contextlib.suppress(SshpykError):
                await self._open.pop().aclose()


def of_kernel(ip: str, here: Mapping[str, int], there: Mapping[str, int]) -> Forwards:
    """Make the forwards of a kernel's five ports, in the order of PORTS.

    Args:
        ip: local address to listen on.
        here: local ports by name that must be these; 0 or absent means any free one.
        there: the kernel's ports by name.
    """
    return Forwards(
        [
            Wanted(
                (TcpAddress(ip, here.get(name, 0)),),
                TcpAddress("127.0.0.1", there[name]),
            )
            for name in PORTS
        ]
    )


async def _ended(cancelled: Sequence[asyncio.Task[None]]) -> None:
    """Return when tasks have undone what they had begun."""
    if cancelled:
        await asyncio.wait(cancelled)
