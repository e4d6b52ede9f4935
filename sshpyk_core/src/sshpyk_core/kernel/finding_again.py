"""The kernel that a notebook has left running on a host: found again, and attached to."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from sshpyk_core.config import KernelConfig
from sshpyk_core.connection import Places
from sshpyk_core.errors import (
    KernelEndedError,
    KernelTakenError,
    LinkError,
    LinkLostError,
    RemoteError,
    SupervisorGoneError,
    SupervisorUnreachableError,
)
from sshpyk_core.hosts import hosts
from sshpyk_core.kernel.launch_request import KernelFacts, LocalPlace, owner
from sshpyk_core.kernel.live_kernel import LiveKernel
from sshpyk_core.running_kernels import RunningKernel, running_kernels

__all__ = ["attach_again"]

NOTICE_PATIENCE = 1.0
"""Seconds after which a supervisor is asked once more: that the program which held its kernel was
killed reaches it a moment later."""

log = logging.getLogger(__name__)


async def attach_again(
    live: LiveKernel,
    config: KernelConfig,
    session_name: str,
    place: LocalPlace,
    logger: logging.Logger | Any,
) -> KernelFacts | None:
    """Attach to the newest kernel of a notebook that runs and that nobody else is attached to.

    Args:
        live: without a kernel.
        config: its kernel spec.
        session_name: the notebook, as Jupyter calls it.
        place: where clients are to find the kernel here.
        logger: where the user is told what was found.

    Returns:
        What is known of it; None where there is none, so that another is to be started.

    Raises:
        HostError: the host cannot be reached.
    """
    for found in await _left_there(config, session_name):
        try:
            facts = await _attached(live, found, place)
        except KernelTakenError:
            taken = "%s: the kernel of %s is in use by another program: another one is started"
            logger.warning(taken, config.ssh_host_alias, session_name)
        except (KernelEndedError, SupervisorGoneError, SupervisorUnreachableError) as error:
            log.debug("%s", error)
        except LinkLostError:
            raise
        except (LinkError, RemoteError) as error:
            # Such as one of an older sshpyk: it must not keep the notebook from having a kernel.
            logger.warning("%s", error)
        else:
            again = "%s: %s goes on with the kernel %s that it left there, of %s"
            names = config.ssh_host_alias, session_name, facts.kernel_name
            logger.warning(again, *names, _at(found.since))
            return facts
    return None


def _at(seconds: float | None) -> str:
    """Word a time that the host tells, which may be none."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
    except (ValueError, OverflowError, OSError):
        return "a time unknown"


async def _left_there(config: KernelConfig, session_name: str) -> list[RunningKernel]:
    """Give the kernels of a notebook of ours, newest first."""
    host = hosts.get(config.target, config.timers)
    link = await host.link(Places(config.named_python, config.remote_dir))
    wanted = [config.remote_dir] if config.remote_dir else []
    fits = [
        each
        for each in (await running_kernels(link, wanted)).kernels
        if (each.session_name, each.owner) == (session_name, owner())
        and each.kernel == config.remote_kernel_name
        and each.pid is not None
        and each.answers
        and not each.elsewhere
    ]
    return sorted(fits, key=lambda each: each.since or 0.0, reverse=True)


async def _attached(live: LiveKernel, found: RunningKernel, place: LocalPlace) -> KernelFacts:
    try:
        return await live.attach(found.directory, place, exclusive=True, as_it_was=False)
    except KernelTakenError:
        await asyncio.sleep(NOTICE_PATIENCE)
        return await live.attach(found.directory, place, exclusive=True, as_it_was=False)
