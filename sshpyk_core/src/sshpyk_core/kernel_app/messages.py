"""What a kernel is asked by message, on its control channel, from this side of its ports."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from jupyter_client.connect import KernelConnectionInfo

if TYPE_CHECKING:
    from jupyter_client.asynchronous.client import AsyncKernelClient

__all__ = ["ask"]


async def ask(info: KernelConnectionInfo, kind: str, patience: float, **content: Any) -> bool:
    """Send one request to the control channel.

    Args:
        info: what clients connect with.
        kind: ``interrupt_request`` or ``shutdown_request``.
        patience: seconds that the reply is waited for.
        content: of the request.

    Returns:
        Whether the kernel has replied.
    """
    from jupyter_client.asynchronous.client import AsyncKernelClient

    client = AsyncKernelClient()
    client.load_connection_info(info)
    try:
        message = client.session.msg(kind, content)
        client.control_channel.send(message)
        await asyncio.wait_for(_reply_to(client, message["header"]["msg_id"]), patience)
    except asyncio.TimeoutError:
        return False
    finally:
        client.stop_channels()
        client.context.destroy(linger=0)
    return True


async def _reply_to(client: AsyncKernelClient, message_id: str) -> None:
    while True:
        reply = await client.get_control_msg()
        if reply["parent_header"].get("msg_id") == message_id:
            return
