"""Asking a kernel whether what is missing of an exchange will come; lives on the background loop.

Code is done when its reply and the kernel's ``idle`` are there. One may stay away: a kernel drops
what it publishes when nobody takes it for long (``spool_limit``), and one that is interrupted in a
bad moment goes idle without a reply. A call tells: once a kernel has answered one, nothing more
comes of what it was asked before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sshpyk_core.api.exchange import Exchange

__all__ = ["Inquiry"]

PATIENCE = 3.0
"""Seconds from one of reply and ``idle`` until the kernel is called about the other.

Each further call waits twice as long, as an answer may be lost, or be as late as the connection is.
"""

LONGEST_WAIT = 300.0
"""Seconds between two calls at most."""


class Inquiry:
    """Calls that tell whether an exchange is over; there is one exchange at a time."""

    def __init__(self, send_call: Callable[[str], str]) -> None:
        """Begin to ask when :meth:`look_at` finds something missing.

        Args:
            send_call: sends a request on the channel of this name, gives the id of its message.
        """
        self._send_call = send_call
        self._exchange: Exchange | None = None
        self._calls: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None

    def look_at(self, exchange: Exchange) -> None:
        """Ask about an exchange if just one of reply and ``idle`` is there, unless over soon."""
        if exchange.done_there and not exchange.over and self._exchange is not exchange:
            self._exchange = exchange
            self._ask_in(PATIENCE)

    def stop(self) -> None:
        """Ask no more: the exchange is over."""
        self._exchange = None
        self._calls.clear()
        if self._timer is not None:
            self._timer.cancel()

    def idle_after(self, message_id: str) -> None:
        """Take note that the kernel is done with a request, which may be one of the calls."""
        if self._exchange is not None and message_id in self._calls:
            self._exchange.give_up_on_idle()

    def reply_to(self, message_id: str) -> None:
        """Take note of a reply, which may be that to one of the calls."""
        if self._exchange is not None and message_id in self._calls:
            self._exchange.give_up_on_reply()

    def _ask_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, self._ask, seconds)

    def _ask(self, waited: float) -> None:
        assert self._exchange is not None
        # On shell an answer cannot overtake the reply, but it waits for other code. On control it
        # need not, but some kernels give none there.
        awaits_reply = self._exchange.reply is None
        for channel in ("shell",) if awaits_reply else ("control", "shell"):
            self._calls.add(self._send_call(channel))
        self._ask_in(min(LONGEST_WAIT, 2 * waited))
