"""ServerAliveInterval of ssh_config(5): a server that is silent for too long is given up.

paramiko can send such questions, and does not look for the answers.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from sshpyk_paramiko.chain import Hop
from sshpyk_paramiko.gone import GONE
from sshpyk_paramiko.workers import Workers

__all__ = ["watch"]

_QUESTION = "keepalive@openssh.com"


async def watch(hops: Sequence[Hop], workers: Workers, give_up: Callable[[str], None]) -> None:
    """Watch the connections whose settings want it, until cancelled.

    Args:
        hops: the connections.
        workers: for what blocks.
        give_up: called once, with the reason as a phrase, when one of them does not answer.
    """
    wanted = [hop for hop in hops if hop.settings.server_alive_interval > 0]
    if wanted:
        await asyncio.gather(*(_watch(hop, workers, give_up) for hop in wanted))


async def _watch(hop: Hop, workers: Workers, give_up: Callable[[str], None]) -> None:
    interval = hop.settings.server_alive_interval
    wire = hop.connection.wire
    asking: asyncio.Task[None] | None = None
    unanswered, reads = 0, wire.reads
    try:
        while unanswered <= hop.settings.server_alive_count_max:
            await asyncio.sleep(interval)
            if wire.reads != reads:
                unanswered, reads = 0, wire.reads
                continue
            unanswered += 1
            if asking is None or asking.done():
                asking = asyncio.create_task(_ask(hop, workers))
        give_up(f"{hop.settings.alias} gave no sign of life for {interval * unanswered} s")
    finally:
        if asking is not None:
            asking.cancel()


async def _ask(hop: Hop, workers: Workers) -> None:
    with contextlib.suppress(*GONE):
        # That it is refused is an answer as well.
        await workers.run(
            "ask for a sign of life", lambda: hop.connection.global_request(_QUESTION)
        )
