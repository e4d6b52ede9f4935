"""One running kernel with all that belongs to it: supervisor, local ports, its hold on a host.

The verbs that Jupyter, the command line and programs need, without Jupyter. All of it runs on the
background loop; :attr:`LiveKernel.returncode` may be read from anywhere.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Coroutine
from typing import Any

from sshpyk_core.config import KernelConfig
from sshpyk_core.errors import HostError, KernelStartError
from sshpyk_core.host import Host, HostState, Places
from sshpyk_core.hosts import hosts
from sshpyk_core.kernel_ports import KernelPorts
from sshpyk_core.launch_request import KernelFacts, Launch, supervisor_options
from sshpyk_core.link.supervisor import SupervisorClient
from sshpyk_core.link.watcher import SpoolFull
from sshpyk_core.spool_warning import spool_warning

__all__ = ["GONE_RETURNCODE", "SIGKILL", "LiveKernel"]

SIGKILL = 9
"""The same on every system, also on one that does not know it by name."""

ANSWER_PATIENCE = 5.0
"""Seconds that a signal or the end of a supervisor is waited for before the caller goes on."""

GONE_RETURNCODE = -SIGKILL
"""What a kernel counts as having ended with when its supervisor vanished with it."""

log = logging.getLogger(__name__)


class LiveKernel:
    """A kernel from its first start to its end, over restarts and lost connections."""

    def __init__(self, config: KernelConfig, logger: logging.Logger | Any = log) -> None:
        """Start nothing yet.

        Args:
            config: from the kernel spec.
            logger: where the user sees warnings.
        """
        self.returncode: int | None = None
        self._config = config
        self._log = logger
        self._host: Host | None = None
        self._supervisor: SupervisorClient | None = None
        self._ports = KernelPorts(config, logger)
        self._exited: asyncio.Future[int] | None = None
        self._busy = asyncio.Lock()
        self._starting: asyncio.Task[dict[str, Any]] | None = None
        self._ending = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def directory(self) -> str | None:
        """The supervisor's directory on the host, while there is one."""
        return self._supervisor.directory if self._supervisor is not None else None

    # --- start and restart -------------------------------------------------------------------

    async def start(self, launch: Launch) -> KernelFacts:
        """Start the kernel, or start it again in the same place after it has ended.

        Local ports that are bound already stay.

        Raises:
            SshpykError: with everything undone, on this machine and on the host.
        """
        async with self._busy:
            patience = hosts.get(self._config.target, self._config.timers).patience
            again = self._supervisor is not None and self._supervisor.gone is None
            work = self._start_again(launch) if again else self._start_first(launch)
            self._starting = asyncio.create_task(work)
            try:
                facts = await patience.wait_for(self._starting, self._config.launch_timeout)
            except asyncio.TimeoutError as error:
                raise self._too_late() from error
            except asyncio.CancelledError as error:
                if self._ending:
                    raise self._not_started("it was ended meanwhile") from error
                raise
            finally:
                self._starting = None
            assert self._supervisor is not None
            self._supervisor.start_seen = True
            return KernelFacts.read(facts, self._ports.address, self._ports.five)

    def _too_late(self) -> KernelStartError:
        said = f"it had not started after {self._config.launch_timeout:g} s"
        state = hosts.get(self._config.target).state
        if state in (HostState.RECONNECTING, HostState.NEEDS_LOGIN):
            said += f", and the connection that was lost meanwhile is not back ({state.value})"
            return self._not_started(said, "Start it again when the host can be reached.")
        return self._not_started(
            said, "Give it more time with launch_timeout, or see where the host hangs."
        )

    def _not_started(self, said: str, fix: str = "") -> KernelStartError:
        tried = f"start the kernel {self._config.remote_kernel_name}"
        return KernelStartError(self._config.ssh_host_alias, tried, said, fix)

    async def _start_first(self, launch: Launch) -> dict[str, Any]:
        config = self._config
        host = hosts.get(config.target)
        supervisor = SupervisorClient(config.ssh_host_alias, self)
        bound_before = self._ports.bound
        try:
            await self._ports.listen(launch, supervisor)
            await self._let_go()
            self._renew()
            places = Places(config.named_python, config.remote_dir)
            options, request = supervisor_options(config), launch.request(config)
            facts = await host.start_kernel(supervisor, places, options, request)
            self._host, self._supervisor = host, supervisor
            await self._ports.lead_to(host, launch, facts["ports"])
        except BaseException:
            if not bound_before:
                self._ports.unbind()
            if self._supervisor is supervisor:
                await asyncio.shield(self._end_all())
            raise
        return facts

    async def _start_again(self, launch: Launch) -> dict[str, Any]:
        supervisor = self._supervisor
        assert supervisor is not None
        if self._host is not None and self.returncode is not None:
            # A restarter repeats at once what fails at once: it is not to ask each time.
            self._host.try_again()
        elif self._host is not None:
            await self._host.log_in()
        if self.returncode is None:
            await self.signal(SIGKILL)
            await self.wait()
        before = self.returncode
        self._renew()
        try:
            return await supervisor.command("launch", request=launch.request(self._config))
        except BaseException as error:
            if isinstance(error, KernelStartError) and self.returncode is not None:
                # Jupyter's restarter counts the deaths of a kernel that it has restarted; an
                # exception would make it try for ever.
                self._log.warning("%s", error)
                return supervisor.facts
            if self.returncode is None and before is not None:
                # Nothing is known to run: the kernel is as dead as it was.
                self._ended(before)
            raise

    def _renew(self) -> None:
        self.returncode = None
        self._exited = asyncio.get_running_loop().create_future()

    # --- running -----------------------------------------------------------------------------

    def exited(self, returncode: int) -> None:
        """Take note of how the kernel's process ended."""
        self._ended(returncode)

    def _ended(self, returncode: int) -> None:
        self.returncode = returncode
        if self._exited is not None and not self._exited.done():
            self._exited.set_result(self.returncode)

    def started_late(self) -> None:
        """Take note that a restart that was given up here is done after all."""
        if self.returncode is not None:
            self._renew()

    def spool_full(self, full: SpoolFull) -> None:
        """Tell the user that output was lost."""
        words = spool_warning(self._config.remote_kernel_name, full)
        self._log.warning("%s: %s", self._config.ssh_host_alias, words)

    def reattached(self) -> None:
        """Open the forwards again, which do not outlive a connection."""
        if self._host is not None:
            self._ports.reattached(self._host)

    def supervisor_gone(self, reason: str) -> None:
        """Take note that the kernel is gone, and tell the user why."""
        if self._supervisor is not None:
            if self._supervisor.gone is None:
                return  # it was that of an earlier kernel, which had been let go
            lost = "Its variables are lost; restart it to go on."
            self._log.warning("%s: the kernel %s is gone: %s. %s", *self._names, reason, lost)
        if self.returncode is None:
            self._ended(GONE_RETURNCODE)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def wait(self) -> int:
        """Return the exit status of the process that runs now; minus a signal's number."""
        assert self._exited is not None
        returncode = await asyncio.shield(self._exited)
        if self._supervisor is not None:
            self._supervisor.turn_away()
        return returncode

    async def signal(self, signum: int) -> None:
        """Send a signal to the kernel's process group; it arrives even if the link is down now.

        Args:
            signum: as this machine numbers it.
        """
        if self._supervisor is None or self.returncode is not None:
            return
        known = {each.value: each.name for each in signal.Signals}
        name = known.get(signum, "SIGKILL" if signum == SIGKILL else "")
        result = self._supervisor.command("signal", signum=int(signum), name=name)
        if not self._supervisor.connected:
            if self._host is not None:
                self._host.try_again()
            late = "%s cannot be reached now: the kernel %s gets signal %d when it is back"
            self._log.warning(late, *self._names, signum)
            return
        try:
            await asyncio.wait_for(asyncio.shield(result), ANSWER_PATIENCE)
        except (HostError, asyncio.TimeoutError) as error:
            said = str(error) or f"no answer within {ANSWER_PATIENCE:g} s"
            self._log.warning("%s: the kernel %s, signal %d: %s", *self._names, signum, said)

    # --- the end -----------------------------------------------------------------------------

    async def end(self) -> None:
        """Stop the kernel and let go of everything; may be called twice.

        While the host cannot be reached, the supervisor is told as soon as it can.
        """
        self._ending = True
        try:
            if self._starting is not None:
                self._starting.cancel()
            async with self._busy:
                await self._end_all()
        finally:
            self._ending = False

    async def _end_all(self) -> None:
        await self._ports.aclose()
        await self._let_go()

    async def _let_go(self) -> None:
        supervisor, self._supervisor = self._supervisor, None
        host, self._host = self._host, None
        if supervisor is not None and host is not None:
            supervisor.end_streams()
            stopping = self._spawn(self._stop(host, supervisor))
            _, missing = await asyncio.wait([stopping], timeout=ANSWER_PATIENCE)
            if missing:
                last = "If this program ends before, it runs on until detached_timeout."
                late = "%s cannot be reached now: the kernel %s is stopped when it is back. %s"
                self._log.warning(late, *self._names, last)

    @property
    def _names(self) -> tuple[str, str]:
        """The host and the kernel there, as the user knows them."""
        return self._config.ssh_host_alias, self._config.remote_kernel_name

    async def _stop(self, host: Host, supervisor: SupervisorClient) -> None:
        exited = self._exited
        await host.stop(supervisor)
        # That may take long, and a kernel that was started meanwhile is another.
        if self.returncode is None and self._exited is exited:
            self._ended(GONE_RETURNCODE)
