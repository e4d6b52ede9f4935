"""This program's hold on one kernel: host, supervisor, local ports; taken, stopped or left."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sshpyk_core.config import KernelConfig
from sshpyk_core.host import Host, Places
from sshpyk_core.hosts import hosts
from sshpyk_core.kept_tasks import KeptTasks
from sshpyk_core.kernel.launch_request import LocalPlace
from sshpyk_core.kernel.life import KernelLife
from sshpyk_core.kernel.ports import KernelPorts
from sshpyk_core.kernel.signalling import SIGKILL
from sshpyk_core.link.supervisor import SupervisorClient
from sshpyk_core.link.watcher import KernelWatcher

__all__ = ["GONE_RETURNCODE", "LEFT_RETURNCODE", "KernelHold"]

GONE_RETURNCODE = -SIGKILL
"""What a kernel counts as having ended with when its supervisor vanished with it."""

LEFT_RETURNCODE = 0
"""What a kernel counts as having ended with for a program that has left it running."""

STOP_PATIENCE = 5.0
"""Seconds that the end of a supervisor is waited for before the caller goes on."""

LEAVE_PATIENCE = 2.0
"""Seconds that a supervisor may take to hear that a program leaves."""

T = TypeVar("T")


class KernelHold:
    """Nothing at first; then one supervisor, and perhaps another when that is gone.

    Attributes:
        host: where the kernel runs, while there is one.
        supervisor: the kernel's, likewise.
        ports: those here.
    """

    def __init__(self, config: KernelConfig, life: KernelLife, logger: logging.Logger | Any):
        """Hold nothing yet."""
        self.host: Host | None = None
        self.supervisor: SupervisorClient | None = None
        self.ports = KernelPorts(config, logger)
        self._config = config
        self._life = life
        self._log = logger
        self._tasks = KeptTasks()

    @property
    def lasts(self) -> bool:
        """Whether there is a supervisor, as far as is known."""
        return self.supervisor is not None and self.supervisor.gone is None

    async def take(
        self,
        place: LocalPlace,
        watcher: KernelWatcher,
        get: Callable[[Host, SupervisorClient, Places], Awaitable[T]],
        undo: Callable[[], Awaitable[None]],
    ) -> T:
        """Have a supervisor, and ports here that lead to its kernel.

        Args:
            place: where clients are to find it here.
            watcher: told what becomes of the kernel.
            get: gets the supervisor, started or attached to; undoes what it did when it fails.
            undo: called when something fails after that.
        """
        config = self._config
        host = hosts.get(config.target)
        supervisor = SupervisorClient(config.ssh_host_alias, watcher)
        bound_before = self.ports.bound
        try:
            await self.ports.listen(place, supervisor)
            await self._stop()
            self._life.renew()
            got = await get(host, supervisor, Places(config.named_python, config.remote_dir))
            self.host, self.supervisor = host, supervisor
            await self.ports.lead_to(host, place, supervisor.facts["ports"])
        except BaseException:
            if not bound_before:
                self.ports.unbind()
            if self.supervisor is supervisor:
                await asyncio.shield(undo())
            raise
        return got

    def cut(self) -> None:
        """Close the clients' connections and the ports that they came to."""
        self.ports.unbind()
        if self.supervisor is not None:
            self.supervisor.end_streams()

    async def stop(self) -> None:
        """Stop the kernel; go on after a while if its host cannot be reached now."""
        await self.ports.aclose()
        await self._stop()

    async def _stop(self) -> None:
        supervisor, host = self._let_go()
        if supervisor is None or host is None:
            return
        process = self._life.process

        async def stop() -> None:
            await host.stop(supervisor)
            # That may take long, and a kernel that was started meanwhile is another.
            if self._life.returncode is None and self._life.process is process:
                self._life.ended(GONE_RETURNCODE)

        stopping = self._tasks.spawn(stop())
        _, missing = await asyncio.wait([stopping], timeout=STOP_PATIENCE)
        if missing:
            last = "If this program ends before, it runs on until detached_timeout."
            late = "%s cannot be reached now: the kernel %s is stopped when it is back. %s"
            names = self._config.ssh_host_alias, self._config.remote_kernel_name
            self._log.warning(late, *names, last)

    async def leave(self) -> None:
        """Let go of the kernel, which stays.

        A supervisor that cannot be told takes it for a lost connection, and waits for somebody
        just as well.
        """
        await self.ports.aclose()
        supervisor, host = self._let_go()
        if supervisor is not None and host is not None:
            # To its end also where the caller is cancelled: nobody else would let go of the host.
            await asyncio.shield(self._tasks.spawn(self._leave(supervisor, host)))

    async def _leave(self, supervisor: SupervisorClient, host: Host) -> None:
        told = gone = supervisor.gone is not None
        if not gone and supervisor.connected:
            result = supervisor.command("leave")
            done, _ = await asyncio.wait([result], timeout=LEAVE_PATIENCE)
            told = bool(done) and result.exception() is None
        await host.release(supervisor)
        if not told:
            late = "%s cannot be reached now: the kernel %s runs on there"
            names = self._config.ssh_host_alias, self._config.remote_kernel_name
            self._log.warning(late, *names)
        if self._life.returncode is None:
            self._life.ended(LEFT_RETURNCODE)

    def _let_go(self) -> tuple[SupervisorClient | None, Host | None]:
        supervisor, self.supervisor = self.supervisor, None
        host, self.host = self.host, None
        if supervisor is not None:
            supervisor.end_streams()
        return supervisor, host
