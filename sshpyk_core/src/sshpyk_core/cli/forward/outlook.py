"""What is to be known of a host before a port here is taken for one of its ports."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sshpyk_core.errors import ForwardError, LaunchError
from sshpyk_core.port_forward import LOOPBACK, PortForward
from sshpyk_core.types import Address, TcpAddress
from sshpyk_core.visiting import Reached

__all__ = ["Outlook", "look"]

REFUSAL_SECONDS = 0.5
"""So long a connection must stay open for somebody to be there."""

GREETING_SECONDS = 5.0
"""So long an SSH server may take to greet, and a command to say where we are."""

MAX_OUTPUT_BYTES = 65536

# Clients first, as sshd(8) sets it.
_CONNECTION = re.compile(rb"^(\S+) \d+ (\S+) (\d+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Outlook:
    """What was found.

    Attributes:
        this_machine: the host is this very machine.
        silent: where nothing listens now.
    """

    this_machine: bool
    silent: frozenset[PortForward]


@dataclass(frozen=True)
class _Server:
    """The SSH server as the host sees it, and whether it serves its own machine."""

    address: TcpAddress
    this_machine: bool


async def look(reached: Reached, wishes: Sequence[PortForward]) -> Outlook:
    """Try the ports through others here, which lead nowhere else by mistake.

    Args:
        reached: the host.
        wishes: what is to be forwarded.

    Raises:
        ForwardError: it seems that the server forwards nothing, or this transport does not.
    """
    server = await _server(reached)
    closed = await asyncio.gather(*(_is_closed(reached, each.destination) for each in wishes))
    silent = frozenset(wish for wish, is_closed in zip(wishes, closed, strict=True) if is_closed)
    if server is not None and len(silent) == len(wishes) and not await _greets(reached, server):
        alias = reached.session.target.alias
        ports = "forward " + ", ".join(each.there(alias) for each in wishes)
        said = "what connects there is closed at once, and the server cannot even reach itself"
        fix = (
            "Perhaps it forwards nothing: the host's administrator can allow it"
            " (AllowTcpForwarding).\n"
            "Or it forwards to certain ports only (PermitOpen), and nothing listens there yet:"
            " start that first."
        )
        raise ForwardError(alias, ports, said, fix)
    return Outlook(server is not None and server.this_machine, silent)


async def _is_closed(reached: Reached, destination: Address) -> bool:
    """Say whether a connection there is closed at once."""
    said = await _first_bytes(reached, destination, REFUSAL_SECONDS)
    return said == b""


async def _greets(reached: Reached, server: _Server) -> bool:
    """Say whether the server can be reached through itself; it greets whoever connects."""
    return bool(await _first_bytes(reached, server.address, GREETING_SECONDS))


async def _first_bytes(reached: Reached, destination: Address, seconds: float) -> bytes | None:
    """Connect to a destination; give what it says first, b"" when it closes, None for silence."""
    forward = await reached.forward(TcpAddress(LOOPBACK, 0), destination)
    try:
        assert isinstance(forward.address, TcpAddress)
        reader, writer = await asyncio.open_connection(LOOPBACK, forward.address.port)
        try:
            return await asyncio.wait_for(reader.read(1), seconds)
        except asyncio.TimeoutError:
            return None
        finally:
            writer.close()
    except OSError:
        return b""
    finally:
        await forward.aclose()


async def _server(reached: Reached) -> _Server | None:
    """Ask the host which server this is; None when it does not tell."""
    try:
        process = await reached.transport.launch(reached.session, "exec printenv SSH_CONNECTION")
    except LaunchError:
        return None
    try:
        process.stdin.close()
        said = await asyncio.wait_for(process.stdout.read(MAX_OUTPUT_BYTES), GREETING_SECONDS)
    except (OSError, asyncio.TimeoutError):
        return None
    finally:
        await process.terminate()
    found = _CONNECTION.findall(said)
    if not found:
        return None
    client, host, port = found[-1]
    address = TcpAddress(host.decode("ascii", "replace"), min(int(port[:5]), 65535))
    return _Server(address, client == host)
