"""A kernel on a host, for programs: the verbs of the Python API, on any event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import TYPE_CHECKING

from sshpyk_core.background import background

if TYPE_CHECKING:
    from sshpyk_core.api.background_kernel import BackgroundKernel
    from sshpyk_core.api.values import Message, Result

__all__ = ["Kernel"]


class Kernel:
    """A kernel that this program holds; :meth:`.RemoteHost.start` and ``attach`` give one.

    Any task of any event loop may use it. A lost connection is not seen here but as a delay: what
    was sent and what was printed meanwhile arrives when the connection is back.

    At the end of an ``async with`` it is left on the host if it is persistent or was attached to,
    and stopped if not; so it is at the end of that of its host.
    """

    def __init__(self, held: BackgroundKernel) -> None:
        """Give the verbs to what :class:`.RemoteHost` has made."""
        self._held = held

    def __repr__(self) -> str:
        """Name the kernel, its host and the first digits of its id."""
        return f"<Kernel {self.name} {self.id[:8]} on {self.host}>"

    @property
    def id(self) -> str:
        """What :meth:`.RemoteHost.attach` takes, from any program: 32 hexadecimal digits."""
        return self._held.id

    @property
    def name(self) -> str:
        """The name of its kernel spec on the host."""
        return self._held.name

    @property
    def host(self) -> str:
        """The alias of its host."""
        return self._held.alias

    @property
    def returncode(self) -> int | None:
        """How its process ended, minus a signal's number; None while it runs, for all we know."""
        return self._held.returncode

    async def run(self, code: str, *, timeout: float | None = None) -> Result:
        """Run code and wait for what comes of it; an exception in it is no exception here.

        Code of several tasks runs one after the other. It cannot ask for input: ``input()`` raises
        an error in it. Code that is given up, by the timeout or because the caller is cancelled, is
        interrupted; if it had not had its turn yet, it never runs.

        Args:
            code: in the kernel's language.
            timeout: seconds for all of it, waiting for its turn included; None for any time.

        Raises:
            KernelTimeoutError: it took longer.
            KernelEndedError: the kernel has ended, with its exit status.
        """
        return await background.run(self._held.run(code, timeout))

    async def stream(self, code: str) -> AsyncIterator[Message]:
        """Run code and give its messages as they come; the last is its ``execute_reply``.

        Some kernels become idle without one when an interrupt comes in a bad moment. The messages
        then end without it, once the kernel has answered a call.
        Who stops reading leaves the code running: :meth:`interrupt` stops it.

        Args:
            code: in the kernel's language.

        Raises:
            KernelEndedError: the kernel has ended, with its exit status.
        """
        exchange = await background.run(self._held.execute(code))
        try:
            while await background.run(exchange.more()):
                while exchange.messages:
                    yield exchange.messages.popleft()
        finally:
            exchange.drop()

    async def begin(self, code: str) -> None:
        """Have code begin and wait for no more than that, such as before :meth:`leave`.

        What it prints is not kept while this program holds the kernel.

        Args:
            code: in the kernel's language.

        Raises:
            KernelEndedError: the kernel has ended, with its exit status.
        """
        await background.run(self._held.begin(code))

    async def missed(self, *, follow: bool = False) -> AsyncIterator[Message]:
        """Give what the kernel published while no program was attached, once, in order.

        Read it before code is run: what is left then is not kept. It is empty for a kernel that was
        started here. What was published while another program was attached went to that one.

        Args:
            follow: whether to go on until the kernel is done with all that it was asked before.

        Raises:
            KernelEndedError: the kernel has ended while it was followed.
        """
        feed = await background.run(self._held.read_missed(follow))
        while await background.run(feed.more()):
            while feed.messages:
                yield feed.messages.popleft()

    async def interrupt(self) -> None:
        """Interrupt what runs, as its kernel spec wants it: by a signal or by a message."""
        await background.run(self._held.interrupt())

    async def restart(self) -> None:
        """Start it anew: same id and working directory, no variables; waits until it answers.

        Raises:
            KernelStartError: it does not come up.
        """
        await background.run(self._held.restart())

    async def wait(self) -> int:
        """Wait until its process has ended; return its exit status, minus a signal's number."""
        return await background.run(self._held.wait())

    async def leave(self) -> None:
        """Let go of it: it goes on without us, and what it publishes is kept there.

        How long it waits for a program to come is ``detached_timeout`` if it is not persistent.
        """
        await background.run(self._held.leave())

    async def stop(self) -> None:
        """Ask it to end, then see to it; nothing of it stays on the host. It may be repeated."""
        await background.run(self._held.stop())

    async def aclose(self) -> None:
        """Leave it if it is persistent or was attached to, else stop it; it may be repeated."""
        await background.run(self._held.aclose())

    async def __aenter__(self) -> Kernel:
        """Give the kernel."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave it or stop it, see :meth:`aclose`."""
        await asyncio.shield(self.aclose())
