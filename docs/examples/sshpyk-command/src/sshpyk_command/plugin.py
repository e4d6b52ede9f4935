"""The six hooks."""

from __future__ import annotations

import asyncio

from sshpyk_core.declaration import Declaration
from sshpyk_core.errors import ConfigError, ConnectError, ForwardError
from sshpyk_core.hookspecs import hookimpl
from sshpyk_core.transport_kit import remote_command
from sshpyk_core.types import Address, Finding, Forward, Prompter, Target

from sshpyk_command.options import Options
from sshpyk_command.process import CommandProcess
from sshpyk_command.session import CommandSession

DECLARATION = Declaration(options=Options)

CHECK_SECONDS = 10.0


@hookimpl
async def sshpyk_connect(target: Target, prompter: Prompter | None) -> CommandSession:
    """Make sure that commands run; there is nothing to log in to."""
    session = CommandSession(target)
    await session.check()
    return session


@hookimpl
async def sshpyk_upload(session: CommandSession, content: bytes, path: str, mode: int) -> None:
    """Write a file by a command, as the kit does it."""
    await remote_command.upload(session.target.alias, session.launch, content, path, mode)


@hookimpl
async def sshpyk_launch(session: CommandSession, command: str) -> CommandProcess:
    """Run a command by the local command of the kernel spec."""
    return await session.launch(command)


@hookimpl
async def sshpyk_forward(session: CommandSession, listen: Address, destination: Address) -> Forward:
    """Refuse: a command has three streams and no ports."""
    said = "the command transport does not forward ports"
    fix = 'Leave "channels" at "relay": a kernel needs no forwards then.'
    raise ForwardError(session.target.alias, f"forward {listen} to {destination}", said, fix)


@hookimpl
async def sshpyk_signal(session: CommandSession, pid: int, signum: int) -> bool:
    """Send a signal by a command, as the kit does it."""
    return await remote_command.send_signal(session.target.alias, session.launch, pid, signum)


@hookimpl
async def sshpyk_diagnose(target: Target) -> list[Finding]:
    """Try what a connection would need."""
    try:
        line = await asyncio.wait_for(CommandSession(target).check(), CHECK_SECONDS)
    except asyncio.TimeoutError:
        cause = f"no command ran within {CHECK_SECONDS:.0f} s"
        return [Finding("error", cause, "Try the command of the kernel spec in a terminal.")]
    except ConfigError as error:
        return [Finding("error", str(error), "Correct the kernel spec.")]
    except ConnectError as error:
        return [Finding("error", f"could not {error.tried}: {error.answer}", error.fix)]
    return [Finding("ok", f"`{line}` runs commands on {target.alias}")]
