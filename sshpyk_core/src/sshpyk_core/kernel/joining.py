"""Attaching to a kernel that another program has had started."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from sshpyk_core.answers import Reader
from sshpyk_core.errors import (
    KernelEndedError,
    KernelStartError,
    RemoteError,
    SupervisorUnreachableError,
)
from sshpyk_core.host import Host, Places
from sshpyk_core.kernel.launch_request import MessageSecurity
from sshpyk_core.link.attachment import Joining
from sshpyk_core.link.link import Link
from sshpyk_core.link.supervisor import SupervisorClient
from sshpyk_core.remote.wire import PORTS
from sshpyk_core.running_kernels import tell

__all__ = ["Terms", "join"]

TRIED = "attach to the kernel"

PATIENCE = 10.0
"""Seconds that a supervisor may take to let a program in."""

LEAVE_PATIENCE = 2.0
"""Seconds that it may take to hear that a program lets go of it again."""


@dataclass(frozen=True)
class Terms:
    """What is to be attached to, and on which terms.

    Attributes:
        directory: the supervisor's, as :mod:`.running_kernels` gives it.
        exclusive: have it only if no other program is attached.
        must_encrypt: have it only if its clients talk to it encrypted.
    """

    directory: str
    exclusive: bool = False
    must_encrypt: bool = False


async def join(
    terms: Terms, host: Host, supervisor: SupervisorClient, places: Places
) -> MessageSecurity:
    """Attach to the kernel of a supervisor that runs already.

    Args:
        terms: which one, and how.
        host: where it runs.
        supervisor: a fresh one.
        places: for the bridge, if one has to be started.

    Returns:
        What the kernel's clients must use.

    Raises:
        KernelEndedError: its supervisor is there, but the kernel has ended.
        KernelStartError: it does not encrypt, and its clients must.
        KernelTakenError: it is wanted alone, and another program is attached.
        SupervisorGoneError: it is no longer there.
        SupervisorUnreachableError: it is there, but does not answer.
        HostError: what else failed; nothing has changed then, here or there.
    """
    try:
        link = await host.link_for(supervisor, places)
        joining, connection = await _ask(link, terms)
        if terms.must_encrypt and not joining.facts["encrypted"]:
            said = "it does not encrypt, and transport_encryption is 'required'"
            fix = "Start another, or set transport_encryption to 'auto'."
            raise KernelStartError(host.target.alias, TRIED, said, fix)
        await asyncio.wait_for(supervisor.join(link, joining), PATIENCE)
        status = Reader(link.host, supervisor.status, "status")
        # It may have been started anew since it was asked.
        supervisor.generation = status["generation"].integer()
        for each in ("pid", "returncode"):
            status[each].maybe(Reader.integer)
    except asyncio.TimeoutError as error:
        await asyncio.shield(_undo(host, supervisor))
        said = f"its supervisor did not answer within {PATIENCE:g} s"
        raise SupervisorUnreachableError(host.target.alias, TRIED, said) from error
    except BaseException:
        await asyncio.shield(_undo(host, supervisor))
        raise
    return connection


async def _undo(host: Host, supervisor: SupervisorClient) -> None:
    """Let go of a supervisor, which is to keep nothing for this program."""
    if supervisor.connected:
        await asyncio.wait([supervisor.command("leave")], timeout=LEAVE_PATIENCE)
    await host.release(supervisor)


async def _ask(link: Link, terms: Terms) -> tuple[Joining, MessageSecurity]:
    try:
        told = Reader(link.host, dict(await tell(link, terms.directory, "join")), "join")
    except RemoteError as error:
        if error.kind == "ended":
            fix = "Start it again where it was started, or start another kernel."
            raise KernelEndedError(link.host, TRIED, error.answer, fix) from error
        if error.kind == "request":
            fix = "It was started by an older sshpyk, which knows no joining: start another."
            raise RemoteError(link.host, TRIED, error.answer, fix) from error
        raise
    facts = told["facts"]
    known: dict[str, Any] = dict(facts.document())
    known["ports"] = {name: _port(facts["ports"][name]) for name in PORTS}
    known["generation"] = facts["generation"].integer()
    known["encrypted"] = facts["encrypted"].flag()
    known["pid"] = facts["pid"].integer()
    known["kernel_name"] = facts["kernel_name"].plain()
    known["interrupt_mode"] = facts["interrupt_mode"].plain()
    known["argv"] = list(facts["argv"].each(Reader.text))
    known["metadata"] = facts["metadata"].document()
    joining = Joining(terms.directory, told["token"].secret(), known, terms.exclusive)
    return joining, _security(told["connection"], encrypted=known["encrypted"])


def _port(reader: Reader) -> int:
    number = reader.integer()
    if not 0 < number < 65536:
        raise reader.wrong("a port")
    return number


def _security(connection: Reader, *, encrypted: bool) -> MessageSecurity:
    return MessageSecurity(
        key=connection["key"].secret(),
        signature_scheme=connection["signature_scheme"].plain(),
        encryption="auto" if encrypted else "disabled",
        curve_publickey=connection["curve_publickey"].plain() if encrypted else "",
        curve_secretkey=connection["curve_secretkey"].secret() if encrypted else "",
    )
