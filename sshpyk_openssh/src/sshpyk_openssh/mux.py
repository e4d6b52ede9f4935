"""The protocol of ssh's control socket, as a client (OpenSSH, PROTOCOL.mux, version 4).

Talking to the control master ourselves, rather than through ``ssh -S``, gives what that cannot: the
moment when a session is open, the reason of a refusal apart from a command's own exit status, and
the certainty that no second connection is made when the master has gone (``ssh`` makes one).
It is also the machine's own interface: no program to start, no text to parse.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import struct
import sys
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeVar

from sshpyk_core.types import Address, UnixAddress

__all__ = ["MuxConnection", "MuxRefusedError", "MuxTimeoutError", "forward_body", "session_body"]

_T = TypeVar("_T")

_VERSION = 4
_PORT_OF_UNIX_SOCKET = 0xFFFFFFFE
_NO_ESCAPE_CHARACTER = 0xFFFFFFFF
_LOCAL_FORWARD = 1
_MAX_PACKET_BYTES = 256 * 1024
# A master that is stopped or wedged still accepts connections, and never answers.
_ANSWER_LIMIT_SECONDS = 5.0
_STOP_LIMIT_SECONDS = 3.0
# Here the server has to answer too, over a network that may be slow.
_SESSION_LIMIT_SECONDS = 60.0


class Message(IntEnum):
    """The message types that are used here."""

    HELLO = 0x00000001
    NEW_SESSION = 0x10000002
    ALIVE_CHECK = 0x10000004
    TERMINATE = 0x10000005
    OPEN_FORWARD = 0x10000006
    CLOSE_FORWARD = 0x10000007
    OK = 0x80000001
    PERMISSION_DENIED = 0x80000002
    FAILURE = 0x80000003
    EXIT = 0x80000004
    ALIVE = 0x80000005
    SESSION_OPENED = 0x80000006


@dataclass(frozen=True)
class _Reply:
    kind: int
    body: bytes


class MuxRefusedError(Exception):
    """The control master said no; the argument is its reason."""


class MuxTimeoutError(OSError):
    """The control master did not answer in time: it is stopped or stuck, or the network is."""


class MuxConnection:
    """One connection to a control socket: requests one at a time, and the wait for its end."""

    def __init__(self, sock: socket.socket) -> None:
        """Take over a connected socket; use :meth:`open` instead."""
        self._sock = sock
        self._requests = itertools.count(1)
        self._awaited: dict[int, asyncio.Future[_Reply]] = {}
        self._loop = asyncio.get_running_loop()
        self._reading: asyncio.Task[None] | None = None
        self.exit_status: asyncio.Future[int | None] = self._loop.create_future()
        self.ended: asyncio.Future[None] = self._loop.create_future()

    @classmethod
    async def open(cls, path: str) -> MuxConnection:
        """Connect to a control socket and agree on the version.

        Raises:
            MuxTimeoutError: who listens there does not answer.
            OSError: nobody listens there, or who does speaks something else.
        """
        if sys.platform == "win32":
            raise OSError("ssh has no control sockets on this platform")
        sock = socket.socket(socket.AF_UNIX)
        sock.setblocking(False)
        connection = cls(sock)
        try:
            await _within(_ANSWER_LIMIT_SECONDS, connection._greet(path))
        except BaseException:
            sock.close()
            raise
        connection._reading = asyncio.create_task(connection._read())
        return connection

    async def alive(self) -> int:
        """Return the pid of the control master."""
        body = await self._request(Message.ALIVE_CHECK, b"", Message.ALIVE)
        return int(struct.unpack(">I", body[:4])[0])

    async def stop_master(self) -> None:
        """Tell the control master to end, and wait until it has.

        Raises:
            MuxTimeoutError: it has not ended in time.
            MuxRefusedError: it will not.
        """
        await _within(_STOP_LIMIT_SECONDS, self._stop_master())

    async def open_forward(self, body: bytes) -> None:
        """Add the forward that :func:`forward_body` describes."""
        await self._request(Message.OPEN_FORWARD, body, Message.OK)

    async def close_forward(self, body: bytes) -> None:
        """Take the forward away; connections through it go on."""
        await self._request(Message.CLOSE_FORWARD, body, Message.OK)

    async def open_session(self, body: bytes, descriptors: Sequence[int]) -> None:
        """Run a command on copies of these three descriptors; one session for each connection."""
        request = self._ask(Message.NEW_SESSION, body, Message.SESSION_OPENED, descriptors)
        await _within(_SESSION_LIMIT_SECONDS, request)

    async def aclose(self) -> None:
        """Hang up; a session that runs over this connection is closed with it."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    async def _greet(self, path: str) -> None:
        await self._loop.sock_connect(self._sock, path)
        await self._send(struct.pack(">II", Message.HELLO, _VERSION))
        kind, body = await self._receive()
        if kind != Message.HELLO or body[:4] != struct.pack(">I", _VERSION):
            raise ConnectionError("the control master speaks another version of the protocol")

    async def _stop_master(self) -> None:
        with contextlib.suppress(OSError):
            await self._ask(Message.TERMINATE, b"", Message.OK)
        await asyncio.wait([self.ended])

    async def _request(self, kind: Message, body: bytes, expected: Message) -> bytes:
        """Ask for what the control master can answer alone."""
        return await _within(_ANSWER_LIMIT_SECONDS, self._ask(kind, body, expected))

    async def _ask(
        self, kind: Message, body: bytes, expected: Message, descriptors: Sequence[int] = ()
    ) -> bytes:
        if self.ended.done():
            raise ConnectionResetError("the control master is gone")
        number = next(self._requests)
        answer: asyncio.Future[_Reply] = self._loop.create_future()
        self._awaited[number] = answer
        try:
            await self._send(struct.pack(">II", kind, number) + body, descriptors)
            reply = await answer
        finally:
            self._awaited.pop(number, None)
        if reply.kind == expected:
            return reply.body
        reason = _first_text(reply.body)
        raise MuxRefusedError(reason or f"the control master answered {reply.kind:#x}")

    async def _send(self, message: bytes, descriptors: Sequence[int] = ()) -> None:
        await self._loop.sock_sendall(self._sock, struct.pack(">I", len(message)) + message)
        for descriptor in descriptors:
            await self._send_descriptor(descriptor)

    async def _send_descriptor(self, descriptor: int) -> None:
        if sys.platform == "win32":
            raise OSError("descriptors cannot be passed on this platform")
        while True:
            try:
                socket.send_fds(self._sock, [b"\0"], [descriptor])
            except BlockingIOError:
                await _writable(self._loop, self._sock)
            else:
                return

    async def _read(self) -> None:
        try:
            while True:
                self._dispatch(*await self._receive())
        except (OSError, struct.error):
            pass  # gone or broken, which is what the futures below say
        finally:
            self._sock.close()
            for answer in self._awaited.values():
                if not answer.done():
                    answer.set_exception(ConnectionResetError("the control master is gone"))
            _settle(self.exit_status, None)
            _settle(self.ended, None)

    def _dispatch(self, kind: int, body: bytes) -> None:
        number = struct.unpack(">I", body[:4])[0]
        if kind == Message.EXIT:
            _settle(self.exit_status, struct.unpack(">I", body[4:8])[0])
        elif number in self._awaited:
            _settle(self._awaited[number], _Reply(kind, body[4:]))

    async def _receive(self) -> tuple[int, bytes]:
        (length,) = struct.unpack(">I", await self._exactly(4))
        if not 8 <= length <= _MAX_PACKET_BYTES:
            raise ConnectionError("the control master broke the protocol")
        message = await self._exactly(length)
        return struct.unpack(">I", message[:4])[0], message[4:]

    async def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = await self._loop.sock_recv(self._sock, count - len(data))
            if not more:
                raise ConnectionResetError("the control master hung up")
            data += more
        return data


def session_body(command: str, environment: Sequence[str], *, agent: bool) -> bytes:
    """Describe a session without a terminal.

    Args:
        command: what the login shell runs.
        environment: ``NAME=value`` each, which the server may ignore.
        agent: forward the authentication agent, where the master was told to.
    """
    flags = struct.pack(">IIIII", 0, 0, int(agent), 0, _NO_ESCAPE_CHARACTER)
    words = [_text(""), flags, _text(""), _text(command), *map(_text, environment)]
    return b"".join(words)


def forward_body(listen: Address, destination: Address) -> bytes:
    """Describe a local forward: listen here, connect there."""
    return struct.pack(">I", _LOCAL_FORWARD) + _address(listen) + _address(destination)


def _address(address: Address) -> bytes:
    if isinstance(address, UnixAddress):
        return _text(address.path) + struct.pack(">I", _PORT_OF_UNIX_SOCKET)
    return _text(address.host) + struct.pack(">I", address.port)


def _text(text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    return struct.pack(">I", len(data)) + data


def _first_text(data: bytes) -> str:
    length = int.from_bytes(data[:4], "big")
    return data[4 : 4 + length].decode(errors="replace")


def _settle(future: asyncio.Future[_T], value: _T) -> None:
    if not future.done():
        future.set_result(value)


async def _within(seconds: float, work: Coroutine[Any, Any, _T]) -> _T:
    """Give up in time; before Python 3.12, asyncio.wait_for could swallow a cancellation."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task], timeout=seconds)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    if task.cancelled():
        raise MuxTimeoutError(f"ssh's control master did not answer within {seconds:g} s")
    return task.result()


async def _writable(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
    ready = loop.create_future()
    loop.add_writer(sock, lambda: _settle(ready, None))
    try:
        await ready
    finally:
        loop.remove_writer(sock)
