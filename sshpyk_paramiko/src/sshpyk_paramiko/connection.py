"""One SSH connection of paramiko, whose loop is told when it has news."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import paramiko
from paramiko.common import (
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_FAILURE,
    MSG_CHANNEL_WINDOW_ADJUST,
)
from paramiko.packet import Packetizer
from paramiko.ssh_exception import SSHException

from sshpyk_paramiko.wire import Wire
from sshpyk_paramiko.workers import tell

__all__ = ["LIBRARY_LOG", "Connection", "Notice"]

LIBRARY_LOG = "sshpyk_paramiko.library"
"""The log that paramiko writes to; only for those who ask for debugging.

What it says loudly, with tracebacks, is told by our own errors, or is no error at all.
"""


_HELD_MESSAGES = 4096
"""How much may be put off while keys are exchanged; see `Connection`."""

_ON_A_CHANNEL = range(MSG_CHANNEL_WINDOW_ADJUST, MSG_CHANNEL_FAILURE + 1)

_PACKET_BYTES = 256 * 1024
"""The largest packet that is taken, as with ssh; RFC 4253, section 6.1, asks for 35000 bytes."""


def _is_wanted(record: logging.LogRecord) -> bool:
    return logging.getLogger(LIBRARY_LOG).isEnabledFor(logging.DEBUG)


logging.getLogger(LIBRARY_LOG).addFilter(_is_wanted)


class Notice(threading.Event):
    """An event that also calls something in a loop, each time that it is set."""

    def __init__(self, loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
        """Start clear."""
        super().__init__()
        self._loop = loop
        self._call = call

    def set(self) -> None:
        """Set, and call."""
        super().set()
        tell(self._loop, self._call)


class _Packetizer(Packetizer):  # type: ignore[misc]
    """paramiko's packets, without the timer that would keep a program from ending."""

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """Wait for so many bytes of a packet, whose size is what the server says.

        Raises:
            SSHException: no packet is as large, and they would all have to be kept.
        """
        if n > _PACKET_BYTES:
            raise SSHException(f"the server announced a packet of {n} bytes")
        data: bytes = super().read_all(n, check_rekey)
        return data

    def start_handshake(self, timeout: float) -> None:
        """Do nothing: limits are set where a connection is awaited."""


class Connection(paramiko.Transport):  # type: ignore[misc]
    """A connection over a wire, as its client.

    From our offer of new keys until the server's, the server goes on, and we may not (RFC 4253,
    section 9). Whoever has something to say waits, but for the thread that reads: what it answers
    to the end of a channel is put off, since nobody else would read the server's offer.

    Nothing is said on a channel after its close, which a thread may just have had in mind: sshd
    would end the connection.

    Attributes:
        wire: what it runs over.
        ended: done when its thread has ended, with the error that ended it; None: an orderly end.
        server_offers: the algorithms that the server has named so far, by paramiko's names.
        farewell: what the server said when it ended the connection, if it said anything.
    """

    def __init__(self, wire: Wire, without: Sequence[str] = ()) -> None:
        """Start nothing yet.

        Args:
            wire: what it runs over.
            without: algorithms of keys that must not prove who we are.
        """
        self._loop = asyncio.get_running_loop()
        self.wire = wire
        self.ended: asyncio.Future[BaseException | None] = self._loop.create_future()
        self.server_offers: Mapping[str, list[str]] = {}
        self.farewell = ""
        self._held: list[Any] = []
        self._closed_channels: set[int] = set()  # by the server's numbers
        disabled = {"pubkeys": list(without)}
        super().__init__(wire, disabled_algorithms=disabled, packetizer_class=_Packetizer)
        self.set_log_channel(LIBRARY_LOG)
        # Limits are set where a call is awaited: a person may think for longer than a server may.
        self.auth_timeout = None
        self.banner_timeout = self.clear_to_send_timeout = 3600.0

    def begin(self) -> asyncio.Future[None]:
        """Start to exchange keys; the future is done when that has worked or has ended."""
        done: asyncio.Future[None] = self._loop.create_future()

        def settle() -> None:
            if not done.done():
                done.set_result(None)

        self.start_client(event=Notice(self._loop, settle))
        return done

    def run(self) -> None:
        """Carry the connection, on a thread of its own, until it ends; paramiko calls this."""
        try:
            super().run()
        finally:
            self.active = False
            if self.auth_handler is not None:
                self.auth_handler.abort()  # so that nobody waits for an answer
            if self.completion_event is not None:
                self.completion_event.set()
            self.wire.release()
            tell(self._loop, self._tell_end, self.get_exception())

    def _tell_end(self, error: BaseException | None) -> None:
        if not self.ended.done():
            self.ended.set_result(error)

    def _send_user_message(self, data: Any) -> None:
        if threading.current_thread() is self:
            with self.clear_to_send_lock:
                if not self.clear_to_send.is_set():
                    self._put_off(data)
                    return
        super()._send_user_message(data)

    def _send_message(self, data: Any) -> None:
        content = data.asbytes()
        kind = content[0]
        if kind in _ON_A_CHANNEL:
            channel = int.from_bytes(content[1:5], "big")
            if channel in self._closed_channels:
                return
            if kind == MSG_CHANNEL_CLOSE:
                self._closed_channels.add(channel)
        super()._send_message(data)

    def _parse_channel_open_success(self, m: Any) -> None:
        m.get_int()
        self._closed_channels.discard(m.get_int())  # the server uses this number again
        m.rewind()
        super()._parse_channel_open_success(m)

    def _put_off(self, data: Any) -> None:
        if len(self._held) == _HELD_MESSAGES:
            raise SSHException("the server asks and asks, and does not exchange keys")
        self._held.append(data)

    def _parse_newkeys(self, m: Any) -> None:
        super()._parse_newkeys(m)
        held, self._held = self._held, []
        for data in held:
            self._send_user_message(data)

    def _really_parse_kex_init(self, m: Any, ignore_first_byte: bool = False) -> Any:
        offers = super()._really_parse_kex_init(m, ignore_first_byte)
        if not ignore_first_byte:  # then it is our own
            self.server_offers = offers
        return offers

    def _parse_disconnect(self, m: Any) -> None:
        super()._parse_disconnect(m)
        m.rewind()
        m.get_int()
        self.farewell = m.get_text()
