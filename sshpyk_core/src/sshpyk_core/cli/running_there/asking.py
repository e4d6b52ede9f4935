"""All hosts asked at once what runs there: one connection to each, kept until it is not needed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from sshpyk_core.cli.destinations import Destination
from sshpyk_core.cli.status import LiveStatus
from sshpyk_core.errors import HostUnreachableError, SshpykError
from sshpyk_core.prompting.person import find_person
from sshpyk_core.running_kernels import RunningKernels, running_kernels
from sshpyk_core.types import Prompter
from sshpyk_core.visiting import Visit, visiting

__all__ = ["HostAnswer", "asking", "asking_live"]


@dataclass(frozen=True)
class HostAnswer:
    """What came of asking one host.

    Attributes:
        destination: the host.
        label: its alias, with the transport where another one leads to the same alias.
        running: what runs there; None when it could not be asked.
        visit: the connection to it, while it is kept.
        error: why it could not be asked.
        leave: ends the connection.
    """

    destination: Destination
    label: str
    running: RunningKernels | None = None
    visit: Visit | None = None
    error: SshpykError | None = None
    leave: Callable[[], None] = lambda: None


class _Call:
    """One host that is asked."""

    def __init__(self, destination: Destination, label: str, person: Prompter | None) -> None:
        self.destination = destination
        self.label = label
        self.answer: asyncio.Future[HostAnswer] = asyncio.get_running_loop().create_future()
        self._leave = asyncio.Event()
        self.task = asyncio.create_task(self._ask(person))

    async def _ask(self, person: Prompter | None) -> None:
        destination = self.destination
        try:
            async with visiting(
                destination.target, person=person, places=destination.places
            ) as visit:
                running = await running_kernels(visit.link, destination.directories)
                if not self.answer.done():
                    leave = self._leave.set
                    answer = HostAnswer(destination, self.label, running, visit, None, leave)
                    self.answer.set_result(answer)
                    await self._leave.wait()
        except SshpykError as error:
            self.failed(error)

    def failed(self, error: SshpykError) -> None:
        if not self.answer.done():
            self.answer.set_result(HostAnswer(self.destination, self.label, error=error))

    def late(self, limit: float) -> None:
        """Give it up."""
        if not self.answer.done():
            self.task.cancel()
            said = f"it was not done within {limit:g} s"
            fix = "A larger --timeout waits longer."
            alias = self.destination.target.alias
            self.failed(HostUnreachableError(alias, "ask what runs there", said, fix))


@asynccontextmanager
async def asking(
    destinations: Sequence[Destination],
    *,
    limit: float,
    person: Prompter | None = None,
    waiting_for: Callable[[list[str]], None] = lambda labels: None,
) -> AsyncIterator[list[HostAnswer]]:
    """Ask hosts what runs there, and stay connected meanwhile.

    Args:
        destinations: the hosts.
        limit: seconds that each may take; a login with a person has limits of its own.
        person: whom to ask where a host wants a password; for one host only, as a question would
            hold up the others.
        waiting_for: told the hosts that have not answered, each time that one has.

    Returns:
        An answer of each, in the same order.
    """
    person = person if len(destinations) == 1 else None
    aliases = Counter(each.target.alias for each in destinations)
    calls = [_Call(each, _label(each, aliases), person) for each in destinations]
    try:
        await _answered(calls, None if person else limit, waiting_for)
        for call in calls:
            call.late(limit)
        yield [call.answer.result() for call in calls]
    finally:
        for call in calls:
            if call.answer.done():
                call.answer.result().leave()
            if not call.answer.done() or call.answer.result().visit is None:
                call.task.cancel()
        await asyncio.gather(*(call.task for call in calls), return_exceptions=True)


@asynccontextmanager
async def asking_live(
    destinations: Sequence[Destination], limit: float
) -> AsyncIterator[list[HostAnswer]]:
    """Do the same, with a live line until all have answered, and ask whoever is at the terminal."""
    status = LiveStatus("Looking for kernels")
    async with AsyncExitStack() as stack:
        with status:
            answers = await stack.enter_async_context(
                asking(
                    destinations,
                    limit=limit,
                    person=status.prompter(find_person()),
                    waiting_for=lambda labels: status.say(f"Asking {', '.join(labels)}"),
                )
            )
        yield answers


async def _answered(
    calls: list[_Call], limit: float | None, waiting_for: Callable[[list[str]], None]
) -> None:
    loop = asyncio.get_running_loop()
    deadline = None if limit is None else loop.time() + limit
    while late := [call for call in calls if not call.answer.done()]:
        left = None if deadline is None else deadline - loop.time()
        if left is not None and left <= 0:
            return
        waiting_for([call.label for call in late])
        # The tasks too: one that fails with what is not ours is never to be waited for.
        waits: list[asyncio.Future[object]] = []
        for call in late:
            waits += [call.answer, call.task]  # type: ignore[list-item]
        await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        for call in late:
            if call.task.done() and not call.answer.done():
                call.task.result()


def _label(destination: Destination, aliases: Counter[str]) -> str:
    target = destination.target
    return f"{target.alias} ({target.transport})" if aliases[target.alias] > 1 else target.alias
