"""A client of forwarded ports."""

from __future__ import annotations

import asyncio
import sys

from sshpyk_core.testing.conformance.runner import within
from sshpyk_core.types import Address, TcpAddress

__all__ = ["dial", "exchange", "refuses"]

EXCHANGE_SECONDS = 30.0


async def dial(address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to an address of this machine."""
    if isinstance(address, TcpAddress):
        return await asyncio.open_connection(address.host, address.port)
    if sys.platform == "win32":
        raise OSError("asyncio has no unix-domain sockets on Windows")
    return await asyncio.open_unix_connection(address.path)


async def exchange(address: Address, content: bytes) -> bytes:
    """Send something and the end of file; give what comes back until its end."""

    async def talk() -> bytes:
        reader, writer = await dial(address)
        try:
            _, answer = await asyncio.gather(_send(writer, content), reader.read())
            return answer
        finally:
            writer.close()
            await writer.wait_closed()

    return await within(EXCHANGE_SECONDS, talk(), "an exchange through a forward")


async def refuses(address: Address) -> bool:
    """Tell whether nobody listens at an address of this machine."""
    try:
        _, writer = await dial(address)
    except OSError:
        return True
    writer.close()
    await writer.wait_closed()
    return False


async def _send(writer: asyncio.StreamWriter, content: bytes) -> None:
    writer.write(content)
    await writer.drain()
    writer.write_eof()
