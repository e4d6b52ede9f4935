"""What the verbs of a kernel do: process, ports and conversation; on the background loop."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

from sshpyk_core.api.conversation import Conversation
from sshpyk_core.api.exchange import Exchange, Feed
from sshpyk_core.api.values import Message, Result
from sshpyk_core.config import KernelConfig
from sshpyk_core.errors import KernelEndedError, KernelStartError, KernelTimeoutError
from sshpyk_core.kernel.connection_file import connection_info
from sshpyk_core.kernel.launch_request import KernelFacts, Launch
from sshpyk_core.kernel.live_kernel import LiveKernel

__all__ = ["BackgroundKernel"]

SHUTDOWN_PATIENCE = 5.0
"""Seconds that a kernel may take to end when it is asked to, where its spec gives none."""

LISTEN_PATIENCE = 2.0
"""Seconds that attaching waits for a sign of a kernel, which may be one that is busy."""

BEGIN_PATIENCE = 1.0
"""Seconds until code that is given up counts as not begun: nothing is interrupted then."""


class BackgroundKernel:
    """What the verbs of :class:`.Kernel` do; use it on the background loop only.

    Attributes:
        id: of its supervisor.
        name: of its kernel spec on the host.
        alias: of its host.
        closed: whether it was left or stopped.
        conversation: with it, as it runs now.
    """

    conversation: Conversation

    def __init__(
        self,
        config: KernelConfig,
        live: LiveKernel,
        facts: KernelFacts,
        launch: Launch | None = None,
    ) -> None:
        """Begin to talk to a kernel that runs.

        Args:
            config: as it was started.
            live: the kernel.
            facts: what is known of it.
            launch: what it was started with; None if it was attached to.
        """
        assert live.directory is not None
        self.id = live.directory.rstrip("/").rpartition("/")[2]
        self.name = config.remote_kernel_name
        self.alias = config.ssh_host_alias
        self._config = config
        self._live = live
        self._launch = launch or Launch(facts.connection)
        self._facts = facts
        self._keeps = config.persistent or launch is None
        self.closed = False
        self._talk(keep_missed=launch is None)

    @property
    def returncode(self) -> int | None:
        """How its process ended; None while it runs."""
        return self._live.returncode

    # --- running code ------------------------------------------------------------------------

    async def execute(self, code: str) -> Exchange:
        """Send code when it has its turn, to the process that runs now."""
        self._check_open("run code in")
        if self._process_over:
            await asyncio.wait([self._watching])
        if self._watching.done() and self._live.returncode is None:
            # Another program has restarted it: what was asked before is lost, but it runs.
            before = self.conversation
            self._talk()
            await before.aclose()
        return await self.conversation.execute(code)

    async def begin(self, code: str) -> None:
        """Send code, and wait until the kernel has begun with it."""
        exchange = await self.execute(code)
        await exchange.begun.wait()
        exchange.drop()
        await self._raise_if_over(exchange)

    @staticmethod
    async def _raise_if_over(exchange: Exchange) -> None:
        if exchange.over:
            await exchange.more()

    async def run(self, code: str, timeout: float | None) -> Result:
        """Run code and put together what comes of it."""
        try:
            return await asyncio.wait_for(self._result(code), timeout)
        except asyncio.TimeoutError as error:
            raise KernelTimeoutError(
                self.alias,
                f"run code in the kernel {self.name}",
                f"it was not done after {timeout:g} s, and is interrupted if it had begun",
                "Give it more time, or begin it and come back.",
            ) from error

    async def _result(self, code: str) -> Result:
        exchange = await self.execute(code)
        messages: list[Message] = []
        try:
            while await exchange.more():
                messages.append(exchange.messages.popleft())
        except asyncio.CancelledError:
            await self._give_up(exchange)
            raise
        finally:
            exchange.drop()
        return Result.of(messages, cut_short=exchange.cut_short)

    async def _give_up(self, exchange: Exchange) -> None:
        """Interrupt code that nobody waits for any more, and nothing else that may run."""
        try:
            await asyncio.wait_for(exchange.begun.wait(), BEGIN_PATIENCE)
        except asyncio.TimeoutError:
            return
        if not exchange.done_there:
            await self.interrupt()

    async def read_missed(self, follow: bool) -> Feed:
        """Give what was missed, and let it come to its end, now or later."""
        self._check_open("read what was missed of")
        if follow:
            self.conversation.follow()
        else:
            self.conversation.release()
        return self.conversation.missed

    # --- the process -------------------------------------------------------------------------

    async def interrupt(self) -> None:
        """Interrupt what runs."""
        self._check_open("interrupt")
        if self._facts.interrupt_mode == "message":
            self.conversation.ask("interrupt_request", {})
        else:
            await self._live.signal(signal.SIGINT)

    async def wait(self) -> int:
        """Wait for the end of its process."""
        self._check_open("wait for")
        return await self._live.wait()

    async def restart(self) -> None:
        """Ask the process to end, then start another in its place."""
        self._check_open("restart")
        await self._shut_down(restart=True)
        await self._hang_up("it was restarted")
        self._facts = await self._live.start(self._launch)
        self._talk()
        await self.answers()

    async def answers(self) -> None:
        """Wait until the kernel answers.

        Raises:
            KernelStartError: it has not within ``launch_timeout``.
        """
        patience = self._config.launch_timeout
        try:
            await asyncio.wait_for(self.conversation.heard(), patience)
        except asyncio.TimeoutError as error:
            tried, said = (
                f"start the kernel {self.name}",
                f"it runs, but is silent for {patience:g} s",
            )
            raise KernelStartError(self.alias, tried, said) from error

    async def listens(self) -> None:
        """Wait until what it publishes comes here; not long, as some answer only when idle."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.conversation.heard(), LISTEN_PATIENCE)

    async def leave(self) -> None:
        """Let go of it without stopping it."""
        if not self.closed:
            self.closed = True
            await self._hang_up("it was left")
            await self._live.leave()

    async def stop(self) -> None:
        """Stop it."""
        if not self.closed:
            self.closed = True
            await self._shut_down(restart=False)
            await self._hang_up("it was stopped")
            await self._live.end()

    async def aclose(self) -> None:
        """Leave or stop it."""
        await (self.leave() if self._keeps else self.stop())

    async def _shut_down(self, *, restart: bool) -> None:
        """Have the kernel end in order; what does not, is killed by whoever comes next."""
        if self._live.returncode is None:
            self.conversation.ask("shutdown_request", {"restart": restart})
            patience = self._config.shutdown_time or SHUTDOWN_PATIENCE
            await asyncio.wait([self._watching], timeout=patience)

    # --- talking -----------------------------------------------------------------------------

    def _talk(self, *, keep_missed: bool = False) -> None:
        self.conversation = Conversation(connection_info(self._facts), keep_missed=keep_missed)
        self._process_over = False
        self._watching = asyncio.create_task(self._watch(self.conversation))

    async def _hang_up(self, why: str) -> None:
        self._watching.cancel()
        await asyncio.wait([self._watching])
        self.conversation.fail(self._ended(why))
        await self.conversation.aclose()

    async def _watch(self, conversation: Conversation) -> None:
        """Tell those who wait for the kernel when it has ended."""
        returncode = await self._live.wait()
        self._process_over = True
        await conversation.last_words()
        conversation.fail(self._ended(how_it_ended(returncode), "Restart it to go on."))

    def _check_open(self, tried: str) -> None:
        if self.closed:
            said = "this program has let go of it"
            raise KernelEndedError(self.alias, f"{tried} the kernel {self.name}", said)

    def _ended(self, said: str, fix: str = "") -> KernelEndedError:
        return KernelEndedError(self.alias, f"go on with the kernel {self.name}", said, fix)


def how_it_ended(returncode: int) -> str:
    """Say what an exit status means."""
    if returncode >= 0:
        return f"its process ended with status {returncode}"
    names = {each.value: each.name for each in signal.Signals}
    name = names.get(-returncode, "SIGKILL" if returncode == -9 else f"signal {-returncode}")
    return f"its process was ended by {name}"
