"""A kernel that this program holds: started or joined, interrupted, restarted, ended, left."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo

from sshpyk_core.background import background
from sshpyk_core.errors import ConfigError, RemoteError
from sshpyk_core.kernel import connection_file
from sshpyk_core.kernel.kernel_note import remove_note, usual_note, write_note
from sshpyk_core.kernel.launch_request import KernelFacts, Launch
from sshpyk_core.kernel.live_kernel import LiveKernel
from sshpyk_core.kernel_app.messages import ask
from sshpyk_core.kernel_app.wanted import Wanted

__all__ = ["HeldKernel"]

SHUTDOWN_SECONDS = 5.0
"""That a kernel may take to end by itself, if its spec does not say (``shutdown_time``)."""

INTERRUPT_SECONDS = 10.0
"""That a kernel may take to answer ``interrupt_request``."""


class HeldKernel:
    """The kernel, and its connection file while it can be reached from here."""

    def __init__(self, wanted: Wanted, logger: logging.Logger | Any) -> None:
        """Start nothing yet.

        Args:
            wanted: which kernel, and where it is to be found here.
            logger: where the user sees warnings.
        """
        self.wanted = wanted
        self._log = logger
        self._live = LiveKernel(wanted.config, logger)
        self._launch: Launch | None = None
        self._facts: KernelFacts | None = None
        self.note: Path | None = None
        """The file that leads to the kernel from other programs, once it is written."""

    @property
    def facts(self) -> KernelFacts:
        """What is known of the kernel, once :meth:`begin` is done."""
        assert self._facts is not None
        return self._facts

    @property
    def directory(self) -> str:
        """Of its supervisor, on the host; empty when there is none."""
        return self._live.directory or ""

    async def begin(self) -> None:
        """Start or join it, and write the connection file.

        Raises:
            SshpykError: with everything undone.
        """
        agreed = self.wanted.agreed
        self._launch = Launch(
            connection=agreed.connection if agreed else connection_file.new_security(),
            ip=agreed.ip if agreed else "127.0.0.1",
            wanted_ports=agreed.ports if agreed else {},
            session_name=os.environ.get("JPY_SESSION_NAME", ""),
            local_env=self.wanted.env,
        )
        if self.wanted.directory is None:
            self._facts = await background.run(self._live.start(self._launch))
        else:
            work = self._live.attach(self.wanted.directory, self._launch.place)
            self._facts = await background.run(work)
        try:
            self._write_file()
            if self.wanted.config.persistent:
                await self._write_note()
        except BaseException:
            await self.undo()
            raise

    def _write_file(self) -> None:
        agreed = self.wanted.agreed
        if agreed is not None and agreed.connection.key != self.facts.connection.key:
            raise ConfigError(
                f"{self.wanted.file} is another program's, and the kernel that runs has another "
                "key: name a file that does not exist"
            )
        if agreed is None or not agreed.whole:
            name = self.wanted.name or self.facts.kernel_name
            connection_file.write(self.wanted.file, self._info, name)

    async def _write_note(self) -> None:
        work = write_note(self._live, self.wanted.note, self.wanted.notes)
        self.note = await background.run(work)

    def _remove_note(self, directory: str) -> None:
        # It may be another program that has noted where the kernel is.
        usual = usual_note(directory.rpartition("/")[2])
        for note in filter(None, {self.note, self.wanted.note, usual}):
            remove_note(note, directory)

    async def undo(self) -> None:
        """Take back what was begun: stop what was started, leave what was joined."""
        if self.wanted.directory is None:
            await self._end()
        else:
            await self._leave()

    async def _end(self) -> None:
        directory = self._live.directory
        try:
            await background.run(self._live.end())
        finally:
            self._remove_file()
            if directory:
                self._remove_note(directory)

    def _remove_file(self) -> None:
        """Remove the connection file that leads nowhere now, unless it is another program's."""
        if self.wanted.agreed is None:
            with contextlib.suppress(OSError):
                self.wanted.file.unlink()

    @property
    def _info(self) -> KernelConnectionInfo:
        return connection_file.connection_info(self.facts)

    # --- while it runs -----------------------------------------------------------------------

    async def ended(self) -> int:
        """Wait for its end, after which no other program starts it again.

        Returns:
            Its exit status, minus a signal's number.
        """
        while True:
            returncode = await background.run(self._live.wait())
            if not self._live.shared:
                return returncode
            said = "%s has ended; another program that is attached may start it again"
            self._log.info(said, self.wanted.config.remote_kernel_name)
            patience = self.wanted.config.launch_timeout
            if not await background.run(self._live.started_anew(patience)):
                return returncode

    async def interrupt(self) -> None:
        """Interrupt it as its kernel spec on the host asks for.

        Raises:
            RemoteError: it has not answered.
        """
        if self.facts.interrupt_mode != "message":
            await background.run(self._live.signal(signal.SIGINT))
        elif not await ask(self._info, "interrupt_request", INTERRUPT_SECONDS):
            said = f"it has not answered an interrupt_request within {INTERRUPT_SECONDS:g} s"
            raise RemoteError(self.wanted.config.ssh_host_alias, "interrupt the kernel", said)

    async def restart(self) -> None:
        """Start it again in the same place: same ports, same connection file, no variables.

        Raises:
            SshpykError: it could not be started.
        """
        assert self._launch is not None
        await self._ask_to_end(restart=True)
        self._facts = await background.run(self._live.start(self._launch))

    async def _ask_to_end(self, *, restart: bool) -> None:
        """Let it end by itself, so that what it runs at its exit is run."""
        patience = self.wanted.config.shutdown_time or SHUTDOWN_SECONDS
        if self._live.returncode is not None or not self._live.reachable:
            return
        ended = asyncio.create_task(background.run(self._live.wait()))
        asked = asyncio.create_task(ask(self._info, "shutdown_request", patience, restart=restart))
        try:
            await asyncio.wait([ended], timeout=patience)
        finally:
            for each in (ended, asked):
                each.cancel()
            await asyncio.wait([ended, asked])

    # --- the end -----------------------------------------------------------------------------

    async def shut_down(self) -> None:
        """Let it end, and leave nothing on the host."""
        await self._ask_to_end(restart=False)
        await self._end()

    async def leave(self) -> None:
        """Let go of it: it runs on, and it is noted where."""
        try:
            if self.wanted.directory is None and self.note is None and self._facts is not None:
                await self._write_note()
        finally:
            await self._leave()

    async def bury(self) -> None:
        """Let go of it after its end, so that nothing stays on the host unless others hold it."""
        directory = self._live.directory
        await self._leave()
        if directory:
            self._remove_note(directory)

    async def _leave(self) -> None:
        try:
            await background.run(self._live.leave())
        finally:
            self._remove_file()
