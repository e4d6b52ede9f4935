"""The embedded server's listener on the loop of the test, so that its turns count at both ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh
from sshpyk_core.testing.client_files import ClientEntry, known_hosts_line, write_private
from sshpyk_core.testing.exec_session import ExecSettings
from sshpyk_core.testing.listener import Listener, ListenerSettings
from sshpyk_core.testing.logins import LoginSettings

__all__ = ["Destination", "LoopServer", "serving_here"]


@dataclass(frozen=True)
class LoopServer:
    """A server on this loop.

    Attributes:
        listener: accepts connections, and cuts them.
        alias: its name in ``ssh_config``.
        ssh_config: the client's config file.
    """

    listener: Listener
    alias: str
    ssh_config: Path


@asynccontextmanager
async def serving_here(directory: Path) -> AsyncIterator[LoopServer]:
    """Serve until the block is left; the files of a client go into the directory."""
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    user_key = asyncssh.generate_private_key("ssh-ed25519")
    commands = ExecSettings("/bin/sh", {}, directory, None)
    settings = ListenerSettings(commands, 10, True, True, LoginSettings(None, (), True))
    authorized = asyncssh.import_authorized_keys(user_key.export_public_key().decode())
    listener = Listener(settings, host_key, authorized)
    port = await listener.open(0)
    key, known_hosts, config = (directory / name for name in ("user_key", "known_hosts", "config"))
    write_private(key, user_key.export_private_key())
    line = known_hosts_line(port, host_key.export_public_key().decode())
    known_hosts.write_text(line, encoding="ascii")
    entry = ClientEntry("here", port, "jupyter", key, known_hosts)
    config.write_text(str(entry), encoding="utf-8")
    try:
        yield LoopServer(listener, entry.alias, config)
    finally:
        await listener.close()


class Destination:
    """Where forwards lead to: it greets, and closes a connection when the other side has.

    Attributes:
        connections: what serves those that have come; done when they are closed.
    """

    def __init__(self) -> None:
        """Serve nobody yet."""
        self.connections: list[asyncio.Task[None]] = []

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection; for ``asyncio.start_server``."""
        self.connections.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"!")
        try:
            with contextlib.suppress(ConnectionError):
                await reader.read()
        finally:
            writer.close()
