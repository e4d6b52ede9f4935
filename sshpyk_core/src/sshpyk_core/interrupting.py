"""The interrupt of a kernel that this process has not started: as its kernel spec asks for it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sshpyk_core.errors import RemoteError
from sshpyk_core.running_kernels import tell
from sshpyk_core.types import TcpAddress
from sshpyk_core.visiting import Visit

if TYPE_CHECKING:
    from jupyter_client.asynchronous.client import AsyncKernelClient

__all__ = ["REPLY_PATIENCE", "interrupt"]

REPLY_PATIENCE = 10.0
"""Seconds that a kernel may take to answer ``interrupt_request``."""

TRIED = "interrupt the kernel"


async def interrupt(visit: Visit, directory: str) -> str:
    """Interrupt the kernel of a supervisor.

    Args:
        visit: to its host.
        directory: the supervisor's.

    Returns:
        How it was done: ``signal`` or ``message``.

    Raises:
        SupervisorGoneError: it has ended, and its kernel with it.
        RemoteError: there is no kernel now, or it does not answer.
        HostError: see :func:`.running_kernels.tell`.
    """
    access = await tell(visit.link, directory, "access")
    if access.get("interrupt_mode") == "message":
        await _by_message(visit, access)
        return "message"
    signum = int(signal.SIGINT)
    answer = await tell(visit.link, directory, "signal", signum=signum, name="SIGINT")
    if answer.get("delivered") is not True:
        raise RemoteError(visit.link.host, TRIED, "its process has ended", "Restart the kernel.")
    return "signal"


async def _by_message(visit: Visit, access: Mapping[str, Any]) -> None:
    """Send ``interrupt_request`` to the control channel, and wait for the reply."""
    from queue import Empty

    from jupyter_client.asynchronous.client import AsyncKernelClient
    from traitlets import TraitError

    connection = access.get("connection")
    port = connection.get("control_port") if isinstance(connection, dict) else None
    if not isinstance(connection, dict) or not isinstance(port, int) or not 0 < port < 65536:
        raise RemoteError(visit.link.host, TRIED, "its connection file cannot be read")
    here, there = TcpAddress("127.0.0.1", 0), TcpAddress("127.0.0.1", port)
    forward = await visit.transport.forward(visit.session, here, there)
    client = AsyncKernelClient()
    try:
        assert isinstance(forward.address, TcpAddress)
        local = {"transport": "tcp", "ip": "127.0.0.1", "control_port": forward.address.port}
        info: Any = {**connection, **local}
        client.load_connection_info(info)
        message = client.session.msg("interrupt_request", {})
        client.control_channel.send(message)
        await _reply_to(client, message["header"]["msg_id"])
    except Empty as error:
        said = f"it has not answered an interrupt_request within {REPLY_PATIENCE:g} s"
        raise RemoteError(visit.link.host, TRIED, said) from error
    except (TypeError, ValueError, TraitError) as error:
        said = f"it cannot be talked to: {type(error).__name__}"
        raise RemoteError(visit.link.host, TRIED, said) from error
    finally:
        client.stop_channels()
        await forward.aclose()


async def _reply_to(client: AsyncKernelClient, message_id: str) -> None:
    """Wait for the reply to a message.

    Raises:
        Empty: it does not come.
        ValueError: what comes is not signed with the kernel's key.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + REPLY_PATIENCE
    while True:
        reply = await client.get_control_msg(timeout=max(0.0, deadline - loop.time()))
        if reply["parent_header"].get("msg_id") == message_id:
            return
