"""One running kernel with all that belongs to it: supervisor, local ports, its hold on a host.

The verbs that Jupyter, the command line and programs need, without Jupyter. All of it runs on the
background loop; :attr:`LiveKernel.returncode` may be read from anywhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, TypeVar

from sshpyk_core.config import KernelConfig
from sshpyk_core.errors import KernelStartError
from sshpyk_core.host import Host, Places
from sshpyk_core.kernel.hold import GONE_RETURNCODE, LEFT_RETURNCODE, KernelHold
from sshpyk_core.kernel.joining import Terms, join
from sshpyk_core.kernel.kernel_file import KernelFile
from sshpyk_core.kernel.launch_request import (
    KernelFacts,
    Launch,
    LocalPlace,
    MessageSecurity,
    request_again,
    supervisor_options,
)
from sshpyk_core.kernel.life import KernelLife
from sshpyk_core.kernel.signalling import SIGKILL, send_signal
from sshpyk_core.kernel.spool_warning import spool_warning
from sshpyk_core.kernel.start_in_time import in_time
from sshpyk_core.link.supervisor import SupervisorClient
from sshpyk_core.link.watcher import SpoolFull

__all__ = ["GONE_RETURNCODE", "LEFT_RETURNCODE", "SIGKILL", "LiveKernel"]

T = TypeVar("T")

log = logging.getLogger(__name__)


class LiveKernel:
    """A kernel from its first start to its end, over restarts and lost connections."""

    def __init__(self, config: KernelConfig, logger: logging.Logger | Any = log) -> None:
        """Start nothing yet.

        Args:
            config: from the kernel spec.
            logger: where the user sees warnings.
        """
        self._life = KernelLife()
        self._config = config
        self._log = logger
        self._hold = KernelHold(config, self._life, logger)
        self._busy = asyncio.Lock()
        self._starting: asyncio.Task[Any] | None = None
        self._joined: MessageSecurity | None = None
        self._as_it_was = False
        self._ending = False

    @property
    def returncode(self) -> int | None:
        """How the kernel's process ended, minus a signal's number; None while it may run."""
        return self._life.returncode

    @property
    def directory(self) -> str | None:
        """The supervisor's directory on the host, while there is one."""
        return self._hold.supervisor.directory if self._hold.supervisor is not None else None

    def describe(self) -> KernelFile | None:
        """Give what leads to the kernel from another program; None while there is none."""
        host, directory = self._hold.host, self.directory
        if host is None or host.hello is None or directory is None:
            return None
        return KernelFile.of(self._config, directory, host.hello, self._life.since)

    def cut(self) -> None:
        """Close the clients' connections at once; what they say from now on goes nowhere."""
        self._hold.cut()

    @property
    def reachable(self) -> bool:
        """Whether its host can be reached now, as far as is known."""
        return self._hold.supervisor is not None and self._hold.supervisor.connected

    # --- start and restart -------------------------------------------------------------------

    async def start(self, launch: Launch) -> KernelFacts:
        """Start the kernel, or start it again in the same place after it has ended.

        Local ports that are bound already stay.

        Raises:
            SshpykError: with everything undone, on this machine and on the host.
        """
        async with self._busy:
            again = self._hold.lasts
            work = self._start_again(launch) if again else self._start_first(launch)
            facts = await self._in_time("start", work)
            assert self._hold.supervisor is not None
            self._hold.supervisor.start_seen = True
            return self._facts(facts, self._joined or launch.connection)

    async def attach(
        self, directory: str, place: LocalPlace, *, exclusive: bool = False, as_it_was: bool = True
    ) -> KernelFacts:
        """Attach to a kernel that runs on the host, started by this or another program.

        Args:
            directory: of its supervisor, as :mod:`.running_kernels` gives it.
            place: where clients are to find it here.
            exclusive: have it only if no other program is attached.
            as_it_was: start it again as it was started, and not as :meth:`start` is told then.

        Raises:
            KernelEndedError: the supervisor is there, but its kernel has ended.
            KernelTakenError: it is wanted alone, and another program is attached.
            SupervisorGoneError: there is no such kernel any more.
            SupervisorUnreachableError: its supervisor does not answer.
            SshpykError: what else failed; nothing has changed then, here or there.
        """
        async with self._busy:
            if self._hold.lasts:
                raise RuntimeError("this object has a kernel already")
            terms = Terms(directory, exclusive, place.must_encrypt)
            work = self._hold.take(place, self, partial(join, terms), self._hold.leave)
            try:
                self._joined = await self._in_time("attach to", work)
                self._as_it_was = as_it_was
                supervisor = self._hold.supervisor
                assert supervisor is not None
                missed = supervisor.status.get("missed")
                facts = self._facts(supervisor.facts, self._joined, missed)
            except BaseException:
                if self._hold.lasts:  # it had just been done when it was cancelled
                    await asyncio.shield(self._hold.leave())
                self._life.forget()
                raise
            if supervisor.status.get("pid") is None:
                self._life.ended(int(supervisor.status.get("returncode") or 0))
            return facts

    def _facts(
        self, facts: Mapping[str, Any], connection: MessageSecurity, missed: object = None
    ) -> KernelFacts:
        five, address = self._hold.ports.five, self._hold.ports.address
        return KernelFacts.read(facts, address, five, connection, missed)

    async def _in_time(self, tried: str, work: Coroutine[Any, Any, T]) -> T:
        self._starting = starting = asyncio.create_task(work)
        try:
            return await in_time(starting, self._config, tried, lambda: self._ending)
        finally:
            self._starting = None

    async def _start_first(self, launch: Launch) -> dict[str, Any]:
        options, request = supervisor_options(self._config), launch.request(self._config)

        def start(host: Host, supervisor: SupervisorClient, places: Places) -> Any:
            return host.start_kernel(supervisor, places, options, request)

        facts: dict[str, Any] = await self._hold.take(launch.place, self, start, self._hold.stop)
        self._joined = None
        return facts

    async def _start_again(self, launch: Launch) -> dict[str, Any]:
        supervisor = self._hold.supervisor
        assert supervisor is not None
        if self._hold.host is not None and self.returncode is not None:
            # A restarter repeats at once what fails at once: it is not to ask each time.
            self._hold.host.try_again()
        elif self._hold.host is not None:
            await self._hold.host.log_in()
        if self.returncode is None:
            if self._life.started_by_other:
                return supervisor.facts
            await self.signal(SIGKILL)
            await self.wait()
        before = self.returncode
        self._life.renew()
        try:
            request = request_again(launch, self._config, self._joined, as_it_was=self._as_it_was)
            # With a number, so that of two programs which find it dead only one starts it.
            request["after"] = supervisor.generation
            return await supervisor.command("launch", request=request)
        except BaseException as error:
            if isinstance(error, KernelStartError) and self.returncode is not None:
                # Jupyter's restarter counts the deaths of a kernel that it has restarted; an
                # exception would make it try for ever.
                self._log.warning("%s", error)
                return supervisor.facts
            if self.returncode is None and before is not None:
                # Nothing is known to run: the kernel is as dead as it was.
                self._life.ended(before)
            raise

    # --- running -----------------------------------------------------------------------------

    def exited(self, returncode: int) -> None:
        """Take note of how the kernel's process ended."""
        self._life.ended(returncode)

    def started_late(self) -> None:
        """Take note that it runs again: a restart given up here is done, or another's is."""
        if self.returncode is not None:
            self._life.renew(by_other=True)

    def spool_full(self, full: SpoolFull) -> None:
        """Tell the user that output was lost."""
        words = spool_warning(self._config.remote_kernel_name, full)
        self._log.warning("%s: %s", self._config.ssh_host_alias, words)

    def reattached(self) -> None:
        """Open the forwards again, which do not outlive a connection."""
        if self._hold.host is not None:
            self._hold.ports.reattached(self._hold.host)

    def supervisor_gone(self, reason: str) -> None:
        """Take note that the kernel is gone, and tell the user why."""
        if self._hold.supervisor is not None:
            if self._hold.supervisor.gone is None:
                return  # it was that of an earlier kernel, which had been let go
            lost = "Its variables are lost; restart it to go on."
            if self._hold.supervisor.runs_on:
                lost = "It runs on there: `sshpyk attach` leads to it."
            self._log.warning("%s: the kernel %s is gone: %s. %s", *self._names, reason, lost)
        if self.returncode is None:
            self._life.ended(GONE_RETURNCODE)
        self._life.is_last()

    async def wait(self) -> int:
        """Return the exit status of the process that runs now; minus a signal's number."""
        returncode = await self._life.wait()
        if self._hold.supervisor is not None:
            self._hold.supervisor.turn_away()
        return returncode

    @property
    def shared(self) -> bool:
        """Whether other programs were attached when its process ended; they may start it again."""
        supervisor = self._hold.supervisor
        if supervisor is None or supervisor.gone is not None:
            return False
        return bool(supervisor.status.get("others"))

    async def started_anew(self, patience: float) -> bool:
        """Wait, after its end, for another program to start it again; say whether one has.

        Args:
            patience: seconds to wait.
        """
        return await self._life.started_anew(patience)

    async def signal(self, signum: int) -> None:
        """Send a signal to the kernel's process group; it arrives even if the link is down now.

        Args:
            signum: as this machine numbers it.
        """
        host, supervisor = self._hold.host, self._hold.supervisor
        if host is not None and supervisor is not None and self.returncode is None:
            kernel = self._config.remote_kernel_name
            await send_signal(host, supervisor, signum, kernel, self._log)

    # --- the end -----------------------------------------------------------------------------

    async def end(self) -> None:
        """Stop the kernel and let go of everything; may be called twice.

        While the host cannot be reached, the supervisor is told as soon as it can.
        """
        await self._finish(self._hold.stop)

    async def leave(self) -> None:
        """Let go of everything, and have the kernel stay; may be called twice.

        It waits for detached_timeout then, or for as long as it runs if it is persistent. A start
        that is under way is undone.
        """
        await self._finish(self._hold.leave)

    async def _finish(self, how: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._ending = True
        try:
            if self._starting is not None:
                self._starting.cancel()
            async with self._busy:
                await how()
        finally:
            self._ending = False

    @property
    def _names(self) -> tuple[str, str]:
        """The host and the kernel there, as the user knows them."""
        return self._config.ssh_host_alias, self._config.remote_kernel_name
