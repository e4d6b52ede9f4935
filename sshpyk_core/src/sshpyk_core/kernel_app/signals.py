"""Orders that come as signals; Ctrl+C and Ctrl+Backslash are two of them."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from sshpyk_core.kernel_app.orders import Order, Wish

__all__ = ["ordered_by_signals"]

_WISHES = {
    "SIGINT": Wish.INTERRUPT,
    "SIGTERM": Wish.END,
    "SIGHUP": Wish.END,
    "SIGBREAK": Wish.END,  # Ctrl+Break, and the closing of a console, on Windows
    "SIGUSR1": Wish.RESTART,
    "SIGUSR2": Wish.SHUTDOWN,
    "SIGQUIT": Wish.LEAVE,
}


@contextmanager
def ordered_by_signals(give: Callable[[Order], None]) -> Iterator[None]:
    """Call ``give`` on the running loop for each signal that means something.

    A SIGHUP that was ignored before, as by nohup(1), goes on being ignored. Others are not: a shell
    lets what it starts in the background ignore SIGINT and SIGQUIT, and whoever sends one by
    kill(1) means it. A read from a terminal whose foreground this is not fails instead of
    stopping the program (SIGTTIN).
    """
    loop = asyncio.get_running_loop()

    def handle(signum: int, _frame: FrameType | None) -> None:
        wish = _WISHES[signal.Signals(signum).name]
        loop.call_soon_threadsafe(give, Order(wish, signum))

    known = [signal.Signals[name] for name in _WISHES if name in signal.Signals.__members__]
    before = {each: signal.getsignal(each) for each in known}
    if sys.platform != "win32":
        before[signal.SIGTTIN] = signal.getsignal(signal.SIGTTIN)
    try:
        for each in known:
            if each.name != "SIGHUP" or before[each] is not signal.SIG_IGN:
                signal.signal(each, handle)
        if sys.platform != "win32":
            signal.signal(signal.SIGTTIN, signal.SIG_IGN)
        yield
    finally:
        for each, handler in before.items():
            if handler is not None:
                signal.signal(each, handler)
