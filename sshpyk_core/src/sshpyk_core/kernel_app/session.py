"""A program that holds a kernel, from its start to its end.

====== ==========================================================================
status meaning
====== ==========================================================================
0      the kernel was shut down, or left running, in order
n      the kernel has ended by itself with exit status n
128+n  the same with signal n; or signal n came while it was being started
1      it could not be had
====== ==========================================================================
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any

from sshpyk_core.errors import SshpykError
from sshpyk_core.kept_tasks import KeptTasks
from sshpyk_core.kernel_app.held import HeldKernel
from sshpyk_core.kernel_app.keys import ordered_by_keys
from sshpyk_core.kernel_app.orders import Order, Wish
from sshpyk_core.kernel_app.signals import ordered_by_signals
from sshpyk_core.kernel_app.told import Told

__all__ = ["hold"]


async def hold(kernel: HeldKernel, told: Told, *, keys: bool = True) -> int:
    """Start or join a kernel, and do with it what signals and keys say, until it ends or is left.

    Args:
        kernel: which one.
        told: tells the user.
        keys: whether keys count, besides those that are signals.

    Returns:
        The exit status, see above.

    Raises:
        SshpykError: it could not be had; everything is undone.
    """
    orders: asyncio.Queue[Order] = asyncio.Queue()
    session = _Session(kernel, told, orders)
    with ordered_by_signals(orders.put_nowait), ExitStack() as stack:
        try:
            status = await session.begin()
            if status is not None:
                return status
            keyboard = ordered_by_keys(orders.put_nowait, told.menu, wanted=keys)
            return await session.obey(stack.enter_context(keyboard))
        except BaseException:
            await kernel.undo()  # whatever it was, nothing is to run on unseen
            raise
        finally:
            await session.let_work_end()


def exit_status(returncode: int) -> int:
    """Give the exit status of a shell for that of a process."""
    return 128 - returncode if returncode < 0 else returncode


async def _given_up(work: asyncio.Task[Any]) -> None:
    """Have work end that is not wanted any more, whatever comes of it."""
    work.cancel()
    await asyncio.wait([work])
    if not work.cancelled():
        _ = work.exception()


class _Session:
    def __init__(self, kernel: HeldKernel, told: Told, orders: asyncio.Queue[Order]) -> None:
        self._kernel = kernel
        self._told = told
        self._orders = orders
        self._leave_at_once = kernel.wanted.leave
        self._work = KeptTasks()
        self._restarting: asyncio.Task[None] | None = None

    async def begin(self) -> int | None:
        """Start or join; give the exit status when that is all."""
        start = asyncio.create_task(self._kernel.begin())
        try:
            while not start.done():
                order = await self._next_or(start)
                if order is None or order.wish is Wish.RESTART:
                    continue  # it is being started
                if order.wish is not Wish.LEAVE:
                    break
                self._leave_at_once = True
            else:
                start.result()
                return None
        finally:
            await _given_up(start)
        await self._kernel.undo()
        self._told.undone()
        return exit_status(-order.signum)

    async def _next_or(self, other: asyncio.Future[Any]) -> Order | None:
        """Wait for an order; None when the other is done first."""
        order = asyncio.create_task(self._orders.get())
        try:
            await asyncio.wait([order, other], return_when=asyncio.FIRST_COMPLETED)
            return order.result() if order.done() else None
        finally:
            if not order.done():
                order.cancel()
                await asyncio.wait([order])

    async def obey(self, close_menu: Callable[[], None]) -> int:
        """Carry out orders until one of them, or the kernel, ends it.

        Args:
            close_menu: called when Ctrl+C, or another signal, is the answer to it.
        """
        if self._leave_at_once:
            return await self._end(Wish.LEAVE)
        self._told.ready(self._kernel)
        while True:
            ended: asyncio.Task[Any] = self._restarting or asyncio.create_task(self._kernel.ended())
            order = await self._next_or(ended)
            if order is None and ended is not self._restarting:
                return await self._died(ended.result())
            if ended is not self._restarting:
                ended.cancel()
                await asyncio.wait([ended])
            elif ended.done():
                self._restarting = None
            if order is not None and order.signum:
                close_menu()
            if order is not None and order.wish in (Wish.END, Wish.SHUTDOWN, Wish.LEAVE):
                return await self._end(order.wish)
            if order is not None:
                self._begin(order.wish)

    def _begin(self, wish: Wish) -> None:
        if wish is Wish.INTERRUPT:
            self._work.spawn(self._do(self._kernel.interrupt(), "was interrupted."))
        elif self._restarting is None:
            done = "was restarted: its variables are gone."
            self._restarting = self._work.spawn(self._do(self._kernel.restart(), done))

    async def _do(self, work: Coroutine[Any, Any, None], done: str) -> None:
        try:
            await work
        except SshpykError as error:
            self._told.failed(error)
        else:
            self._told.ok(done)

    async def let_work_end(self) -> None:
        """Give up what is still being done."""
        await self._work.give_up()

    # --- the end -----------------------------------------------------------------------------

    async def _end(self, wish: Wish) -> int:
        await self.let_work_end()
        if wish is Wish.END:
            wish = Wish.LEAVE if self._kernel.wanted.stays else Wish.SHUTDOWN
        if wish is Wish.LEAVE:
            await self._kernel.leave()
            self._told.left(self._kernel)
        else:
            await self._kernel.shut_down()
            self._told.ok("was shut down.")
        return 0

    async def _died(self, returncode: int) -> int:
        self._told.died(returncode)
        await self._kernel.bury()
        return exit_status(returncode)
