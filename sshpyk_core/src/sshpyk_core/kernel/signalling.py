"""A signal to a kernel of this program; it arrives even if the link is down now."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import Any

from sshpyk_core.errors import HostError
from sshpyk_core.host import Host
from sshpyk_core.link.supervisor import SupervisorClient

__all__ = ["SIGKILL", "send_signal"]

SIGKILL = 9
"""The same on every system, also on one that does not know it by name."""

ANSWER_PATIENCE = 5.0
"""Seconds that the answer is waited for before the caller goes on."""


async def send_signal(
    host: Host,
    supervisor: SupervisorClient,
    signum: int,
    kernel: str,
    logger: logging.Logger | Any,
) -> None:
    """Send a signal to a kernel's process group.

    Args:
        host: where it runs.
        supervisor: the kernel's.
        signum: as this machine numbers it.
        kernel: its name, for messages.
        logger: where the user sees that it comes late, or what went wrong.
    """
    names = host.target.alias, kernel
    known = {each.value: each.name for each in signal.Signals}
    name = known.get(signum, "SIGKILL" if signum == SIGKILL else "")
    result = supervisor.command("signal", signum=int(signum), name=name)
    if not supervisor.connected:
        host.try_again()
        late = "%s cannot be reached now: the kernel %s gets signal %d when it is back"
        logger.warning(late, *names, signum)
        return
    try:
        await asyncio.wait_for(asyncio.shield(result), ANSWER_PATIENCE)
    except (HostError, asyncio.TimeoutError) as error:
        said = str(error) or f"no answer within {ANSWER_PATIENCE:g} s"
        logger.warning("%s: the kernel %s, signal %d: %s", *names, signum, said)
