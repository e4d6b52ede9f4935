"""A kernel started, asked who it is, and stopped: no code runs in it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sshpyk_core.config import KernelConfig
from sshpyk_core.errors import HostError, KernelSpecNotFoundError, KernelStartError
from sshpyk_core.kernel.launch_request import Launch, MessageSecurity, supervisor_options
from sshpyk_core.link.forwards import of_kernel
from sshpyk_core.link.link import Link
from sshpyk_core.link.listeners import Listeners
from sshpyk_core.link.supervisor import SupervisorClient
from sshpyk_core.link.watcher import SpoolFull
from sshpyk_core.remote.wire import PORTS
from sshpyk_core.transport import Transport
from sshpyk_core.types import Finding, Session

__all__ = ["Trial", "kernel_starts"]

_STOP_SECONDS = 10.0
_SHOWN = 400
_ALONE_SECONDS = 60.0
"""After so long a kernel of ours that nobody can stop any more ends by itself."""


@dataclass(frozen=True)
class Trial:
    """What came of a start.

    Attributes:
        spec: findings about the kernel spec on the host.
        start: findings about the kernel; empty when it was not started.
    """

    spec: list[Finding]
    start: list[Finding]


async def kernel_starts(
    transport: Transport, session: Session, link: Link, config: KernelConfig
) -> Trial:
    """Start the kernel of a kernel spec, ask it who it is, and stop it.

    Args:
        transport: that of the session.
        session: for ``"channels": "forward"``.
        link: over which it is started.
        config: of the kernel spec.
    """
    began = time.monotonic()
    watcher = _Watcher()
    supervisor = SupervisorClient(config.ssh_host_alias, watcher)
    try:
        async with _stopping(supervisor):
            facts = await asyncio.wait_for(
                _launch(supervisor, link, config, key := secrets.token_hex(32)),
                config.launch_timeout,
            )
            started = time.monotonic() - began
            argv = facts.get("argv")
            words = " ".join(map(str, argv if isinstance(argv, list) else []))[:_SHOWN]
            spec = [Finding("ok", f"{config.remote_kernel_name} is {words}")]
            async with _ports(transport, session, supervisor, config, facts) as (ip, ports):
                left = config.launch_timeout - started
                info = await _asked(ip, ports, key, watcher, max(1.0, left))
    except KernelSpecNotFoundError as error:
        return Trial([_failed(error, config)], [])
    except asyncio.TimeoutError:
        cause = f"it had not started after {config.launch_timeout:g} s"
        fix = "Give it more time with launch_timeout, or see where the host hangs."
        return Trial([], [Finding("error", cause, fix)])
    except KernelStartError as error:
        return Trial([], [_failed(error, config)])
    answered = time.monotonic() - began
    if info is None:
        return Trial(spec, [_silent(config, watcher, answered)])
    who = " ".join(str(info.get(key) or "") for key in ("implementation", "implementation_version"))
    cause = f"started in {started:.1f} s, answered after {answered:.1f} s: {who[:80]}; stopped"
    return Trial(spec, [Finding("ok", cause)])


def _failed(error: HostError, config: KernelConfig) -> Finding:
    alias = config.ssh_host_alias
    fix = error.fix or f"Its own words say why; look on the host: `ssh {alias}`"
    if isinstance(error, KernelSpecNotFoundError):
        fix = f"`sshpyk add {alias}` offers what is there, `sshpyk add {alias} --install-ipykernel`"
        fix += f" installs what is missing. {error.fix}"
    return Finding("error", f"could not {error.tried}: {error.answer}", fix)


def _silent(config: KernelConfig, watcher: _Watcher, seconds: float) -> Finding:
    if watcher.returncode is not None:
        cause = f"it started, but ended with status {watcher.returncode} before it answered"
    else:
        cause = f"it started, but did not answer who it is within {seconds:.0f} s"
    return Finding("error", cause, f"Start it by hand on the host: `ssh {config.ssh_host_alias}`")


async def _launch(
    supervisor: SupervisorClient, link: Link, config: KernelConfig, key: str
) -> dict[str, Any]:
    options = replace(supervisor_options(config), detached_timeout=_ALONE_SECONDS)
    launch = Launch(MessageSecurity(key), session_name="sshpyk doctor")
    spawned = supervisor.spawn(link, options)
    launched = supervisor.command("launch", request=launch.request(config))
    await spawned
    facts = await launched
    ports = facts.get("ports")
    ports = ports if isinstance(ports, dict) else {}
    good = all(type(port) is int and 0 < port < 65536 for port in ports.values())
    if not good or set(ports) != set(PORTS):
        raise KernelStartError(config.ssh_host_alias, "start the kernel", "its ports were not told")
    return facts


@asynccontextmanager
async def _stopping(supervisor: SupervisorClient) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await asyncio.shield(_stop(supervisor))


async def _stop(supervisor: SupervisorClient) -> None:
    if supervisor.spawned:
        await asyncio.wait([supervisor.command("stop")], timeout=_STOP_SECONDS)
    supervisor.release()


@asynccontextmanager
async def _ports(
    transport: Transport,
    session: Session,
    supervisor: SupervisorClient,
    config: KernelConfig,
    facts: dict[str, Any],
) -> AsyncIterator[tuple[str, dict[str, int]]]:
    """Bring the kernel's ports here, in the way that the kernel spec wants."""
    if config.channels == "forward":
        forwards = of_kernel("127.0.0.1", {}, facts["ports"])
        try:
            await forwards.open(partial(transport.forward, session))
            yield "127.0.0.1", dict(zip(PORTS, forwards.ports, strict=True))
        finally:
            await asyncio.shield(forwards.aclose())
        return
    listeners = Listeners("127.0.0.1", {})
    try:
        await listeners.serve(supervisor)
        yield listeners.address, listeners.ports
    finally:
        listeners.close()


async def _asked(
    ip: str, ports: dict[str, int], key: str, watcher: _Watcher, seconds: float
) -> dict[str, Any] | None:
    """Give what the kernel says of itself; None when it does not, or has ended."""
    from jupyter_client.asynchronous.client import AsyncKernelClient

    client = AsyncKernelClient()
    info: dict[str, Any] = {"ip": ip, "transport": "tcp", "key": key.encode()}
    info.update({f"{name}_port": port for name, port in ports.items()})
    client.load_connection_info(info)  # type: ignore[arg-type]  # a plain dict will do
    client.start_channels(iopub=False, stdin=False, hb=False, control=False)
    asking = asyncio.create_task(_ask(client))
    try:
        either: list[asyncio.Future[Any]] = [asking, watcher.ended]
        done, _ = await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        # An answer that is not one of Jupyter's protocol is none.
        return asking.result() if asking in done and not asking.exception() else None
    finally:
        asking.cancel()
        await asyncio.wait([asking])
        client.stop_channels()
        client.context.destroy(linger=0)


async def _ask(client: Any) -> dict[str, Any]:
    number = client.kernel_info()
    while True:
        reply = await client.get_shell_msg(timeout=None)
        if reply["parent_header"].get("msg_id") == number:
            return dict(reply["content"])


class _Watcher:
    """Waits for the kernel's end; see :class:`~sshpyk_core.link.watcher.KernelWatcher`."""

    def __init__(self) -> None:
        self.returncode: int | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def exited(self, returncode: int) -> None:
        self.returncode = returncode
        self._end()

    def started_late(self) -> None:
        pass

    def spool_full(self, full: SpoolFull) -> None:
        pass

    def supervisor_gone(self, reason: str) -> None:
        self._end()

    def reattached(self) -> None:
        pass

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
