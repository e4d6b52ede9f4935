"""A login with a person, what is kept of it, and whether that lets the next one in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import click

from sshpyk_core.cli.status import LiveStatus
from sshpyk_core.connection import Plan
from sshpyk_core.declaration import Capability
from sshpyk_core.errors import (
    AuthenticationError,
    ConnectError,
    PluginError,
    UnknownHostKeyError,
)
from sshpyk_core.prompting.keyring_store import KeyringStore
from sshpyk_core.prompting.login import Login, Shared
from sshpyk_core.prompting.patience import Patience
from sshpyk_core.registry import default_registry
from sshpyk_core.transport import Transport, transport_for
from sshpyk_core.types import KeptLogin, Prompter, Question, Session, Target

__all__ = ["LoggedIn", "log_in"]


@dataclass(frozen=True)
class LoggedIn:
    """What holds after a login.

    Attributes:
        target: where to.
        kept: the connection that the transport keeps open; None where it keeps none.
        already: whether that was open before.
        questions: how many a person has answered.
        refusal: why the next login, with nobody to ask, does not get in; None when it does.
        keyring: what the system's keyring is called; None where nothing can be kept in one.
        keepers: the installed transports that keep logins; told only with a refusal.
    """

    target: Target
    kept: KeptLogin | None
    already: bool = False
    questions: int = 0
    refusal: ConnectError | None = None
    keyring: str | None = None
    keepers: tuple[str, ...] = ()

    @property
    def lasts(self) -> bool:
        """Whether later kernels get in without a question."""
        return self.refusal is None


class _Person:
    """A prompter that tells how often somebody answered, and when they have had enough.

    Attributes:
        answers: how many there were.
        left: set when a question was declined, as by Ctrl+C.
    """

    def __init__(self, person: Prompter) -> None:
        self._person = person
        self.answers = 0
        self.left = asyncio.Event()

    async def ask(self, question: Question) -> str | None:
        answer = await self._person.ask(question)
        if answer is None:
            self.left.set()
            await asyncio.get_running_loop().create_future()  # until the login is cancelled
        self.answers += 1
        return answer


async def log_in(
    target: Target, person: Prompter | None, status: LiveStatus, *, keep: bool
) -> LoggedIn:
    """Log in, keep of it what can be kept, and make sure that the next login needs nobody.

    Args:
        target: where to.
        person: whom to ask; None when nobody can be asked.
        status: the live line.
        keep: whether to have the transport keep the connection open.

    Raises:
        click.Abort: the person declined a question; nothing is left behind.
        SshpykError: what failed; likewise.
    """
    transport = transport_for(target)
    if keep and (open_already := await transport.kept_login(target)) is not None:
        return LoggedIn(target, open_already, already=True)
    wanted = transport.keeping(target) if keep else target
    prompter = status.prompter(person)
    asked = _Person(prompter) if prompter else None
    patience = Patience()
    login = Login(Shared(), asked, patience)
    try:
        status.say(f"Logging in to {target.alias} ...")
        await _log_in(Plan(transport, wanted, patience), login, asked)
        status.say(f"Seeing whether the next login to {target.alias} needs a question ...")
        kept = await transport.kept_login(target) if keep else None
        answers = asked.answers if asked else 0
        return await _judged(LoggedIn(target, kept, questions=answers), transport)
    except BaseException:
        if keep and login.let_in:  # else one that is kept now is another program's
            await asyncio.shield(_undo(transport, target))
        raise


async def _undo(transport: Transport, target: Target) -> None:
    """End the login that this command has kept; an older one, which does not work now, stays."""
    if await transport.kept_login(target) is not None:
        await transport.end_kept_login(target)


async def _log_in(plan: Plan, login: Login, person: _Person | None) -> None:
    """Log in and hang up."""
    try:
        await _unless_left(plan, login, person)
    except (AuthenticationError, UnknownHostKeyError) as error:
        if person is None:
            error.fix = (
                "Nobody can be asked here. Do this in a terminal, or on a desktop with an"
                f" SSH_ASKPASS program.\n{error.fix}"
            )
        raise


async def _unless_left(plan: Plan, login: Login, person: _Person | None) -> None:
    connecting = asyncio.create_task(_connect_and_hang_up(plan, login))
    leaving = asyncio.create_task((person.left if person else asyncio.Event()).wait())
    try:
        await asyncio.wait([connecting, leaving], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in (connecting, leaving):
            each.cancel()
        await asyncio.wait([connecting, leaving])
    if connecting.cancelled():
        raise click.Abort
    connecting.result()


async def _connect_and_hang_up(plan: Plan, login: Login) -> None:
    session: Session = await plan.log_in(login)
    await asyncio.shield(session.aclose())


async def _judged(done: LoggedIn, transport: Transport) -> LoggedIn:
    """Connect as another program would: with nothing in memory and nobody to ask."""
    patience = Patience()
    try:
        again = Login(Shared(), None, patience)
        await _connect_and_hang_up(Plan(transport, done.target, patience), again)
        refusal = None
    except ConnectError as error:
        refusal = error
    keyring = await KeyringStore().name()
    return LoggedIn(
        done.target,
        done.kept,
        questions=done.questions,
        refusal=refusal,
        keyring=keyring,
        keepers=_keepers() if refusal else (),
    )


def _keepers() -> tuple[str, ...]:
    found, registry = [], default_registry()
    for name in registry.names():
        try:
            if Capability.KEPT_LOGIN in registry.declaration(name).capabilities:
                found.append(name)
        except PluginError:  # `sshpyk transports` tells of it
            continue
    return tuple(found)
