"""A running ProxyCommand (ssh_config(5)), and a socket whose other end it is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from asyncio.subprocess import Process, SubprocessStreamProtocol

from sshpyk_core.errors import ConnectError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.local_tool import kill_group
from sshpyk_core.transport_kit.route.proxy_tokens import proxy_command_words
from sshpyk_core.transport_kit.route.socket_pump import SocketPump

__all__ = ["ProxyConnection", "start_proxy_command"]

_END_LIMIT_SECONDS = 2.0
_SAID_BYTES = 4096
_BUFFER_BYTES = 256 * 1024


class _Protocol(SubprocessStreamProtocol):
    """Tells of the process's end at once, also while others hold its pipes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=_BUFFER_BYTES, loop=loop)
        self.ended: asyncio.Future[None] = loop.create_future()

    def process_exited(self) -> None:
        super().process_exited()
        if not self.ended.done():
            self.ended.set_result(None)


class ProxyConnection:
    """A running ProxyCommand and the socket that leads to it.

    Attributes:
        socket: connected, blocking; what is written to it the command reads, and the other way.
    """

    def __init__(
        self,
        near: socket.socket,
        transport: asyncio.SubprocessTransport,
        protocol: _Protocol,
        pump: SocketPump | None,
    ) -> None:
        """Wrap what :func:`start_proxy_command` started."""
        self.socket = near
        self._transport = transport
        self._ended = protocol.ended
        self._pump = pump
        self._process = Process(transport, protocol, asyncio.get_running_loop())
        self._said = b""
        self._listening = asyncio.create_task(self._listen())

    async def failure(self) -> str:
        """Say how the command ended and what it wrote to its standard error.

        For the message, when the connection has failed; waits a moment for the end of both.
        """
        await asyncio.wait([self._listening, self._ended], timeout=_END_LIMIT_SECONDS)
        await asyncio.wait([self._listening], timeout=_END_LIMIT_SECONDS / 10)
        status = self._transport.get_returncode()
        how = "runs" if status is None else f"ended with {status}"
        said = self._said.decode(errors="replace").strip()
        return f"its ProxyCommand {how}: {said}" if said else f"its ProxyCommand {how}"

    async def aclose(self) -> None:
        """End the command with all that it started, and close the socket; may be called twice.

        The session that uses the socket is closed before.
        """
        self.socket.close()
        try:
            if self._pump is not None:
                await self._pump.aclose()
            if not self._ended.done():
                self._hang_up()
                await asyncio.wait([self._ended], timeout=_END_LIMIT_SECONDS)
        finally:
            if not self._ended.done():
                kill_group(self._process)
            self._transport.close()
            self._listening.cancel()
            await asyncio.wait([self._listening, self._ended])

    def _hang_up(self) -> None:
        # As ssh ends it; a command that is a control master, say, then removes its socket.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGHUP)

    async def _listen(self) -> None:
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(_SAID_BYTES):
            self._said = (self._said + data)[-_SAID_BYTES:]


async def start_proxy_command(
    settings: HostSettings, *, pumped: bool = sys.platform == "win32"
) -> ProxyConnection:
    """Start a host's ProxyCommand, in a session of its own and cut off from the terminal.

    Args:
        settings: whose command.
        pumped: carry the bytes between the socket and pipes; else the socket itself is the
            command's standard input and output, which Windows cannot do.

    Raises:
        ConfigError: the host has no ProxyCommand, or one that cannot be run here.
        ConnectError: it cannot be started.
    """
    words = proxy_command_words(settings)
    loop = asyncio.get_running_loop()
    near, far = socket.socketpair()
    try:
        transport, protocol = await _start(loop, words, None if pumped else far)
        pump = None
        if pumped:
            assert protocol.stdin is not None
            assert protocol.stdout is not None
            pump = SocketPump(far, protocol.stdin, protocol.stdout)
    except BaseException as error:
        near.close()
        far.close()
        if isinstance(error, OSError):
            tried, said = "start its ProxyCommand", f"{words[0]}: {error.strerror}"
            raise ConnectError(settings.alias, tried, said, "Is SHELL a shell?") from error
        raise
    if not pumped:
        far.close()
    return ProxyConnection(near, transport, protocol, pump)


async def _start(
    loop: asyncio.AbstractEventLoop, words: list[str], far: socket.socket | None
) -> tuple[asyncio.SubprocessTransport, _Protocol]:
    ends = subprocess.PIPE if far is None else far.fileno()
    if sys.platform == "win32":
        return await loop.subprocess_shell(
            lambda: _Protocol(loop),
            words[0],
            stdin=ends,
            stdout=ends,
            stderr=subprocess.PIPE,
            creationflags=subprocess.CREATE_NO_WINDOW,
        )
    return await loop.subprocess_exec(
        lambda: _Protocol(loop),
        *words,
        stdin=ends,
        stdout=ends,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
