"""How long a start may take, and why a kernel is not there when it took longer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sshpyk_core.config import KernelConfig
from sshpyk_core.errors import KernelStartError, SshpykError
from sshpyk_core.host import HostState
from sshpyk_core.hosts import hosts

__all__ = ["in_time"]

T = TypeVar("T")


async def in_time(
    work: asyncio.Task[T], config: KernelConfig, tried: str, is_ending: Callable[[], bool]
) -> T:
    """Await what belongs to a start, for as long as one may take.

    Args:
        work: undoes what it has done when it is cancelled.
        config: says how long, and what for.
        tried: "start" or the like.
        is_ending: whether somebody has asked for the end meanwhile.

    Raises:
        KernelStartError: it took too long, or was ended.
        SshpykError: what came out of it.
    """
    try:
        host = hosts.get(config.target, config.timers)
    except SshpykError:
        work.cancel()  # it has not begun
        raise
    try:
        return await host.patience.wait_for(work, config.launch_timeout)
    except asyncio.TimeoutError as error:
        raise _too_late(config, tried, host.state) from error
    except asyncio.CancelledError as error:
        if is_ending():
            raise _not_started(config, tried, "it was ended meanwhile") from error
        raise


def _too_late(config: KernelConfig, tried: str, state: HostState) -> KernelStartError:
    said = f"it had not started after {config.launch_timeout:g} s"
    if state in (HostState.RECONNECTING, HostState.NEEDS_LOGIN):
        said += f", and the connection that was lost meanwhile is not back ({state.value})"
        return _not_started(config, tried, said, "Start it again when the host can be reached.")
    fix = "Give it more time with launch_timeout, or see where the host hangs."
    return _not_started(config, tried, said, fix)


def _not_started(config: KernelConfig, tried: str, said: str, fix: str = "") -> KernelStartError:
    what = f"{tried} the kernel {config.remote_kernel_name}"
    return KernelStartError(config.ssh_host_alias, what, said, fix)
