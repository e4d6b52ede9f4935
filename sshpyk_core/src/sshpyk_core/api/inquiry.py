"""Asking a kernel whether what is missing of an exchange will come; lives on the background loop.

Code is done when its reply and the kernel's ``idle`` are there. One may stay away: a kernel drops
what it publishes when nobody takes it for long (``spool_limit``), and one that is interrupted in a
bad moment goes idle without a reply. A call tells: what a kernel sends after it has answered the
call is not what it was asked before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sshpyk_core.api.exchange import Exchange

__all__ = ["Inquiry"]

PATIENCE = 3.0
"""Seconds from the first of the two until the kernel is asked about the other; doubled each time.

An answer may itself be lost, or take as long as a connection is away.
"""


class Inquiry:
    """Calls that tell whether an exchange is over; there is one exchange at a time."""

    def __init__(self, send_call: Callable[[str], str]) -> None:
        """Begin to ask when :meth:`begin` says so.

        Args:
            send_call: sends a request that any kernel answers, on the channel of this name; gives
                the id of its message.
        """
        self._send_call = send_call
        self._exchange: Exchange | None = None
        self._calls: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, exchange: Exchange) -> None:
        """Ask about an exchange of which one of the two is there, unless it is over soon."""
        if self._exchange is not exchange:
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
        # On the channel where the answer cannot overtake the reply, nor wait for other code.
        assert self._exchange is not None
        channel = "shell" if self._exchange.reply is None else "control"
        self._calls.add(self._send_call(channel))
        self._ask_in(2 * waited)
