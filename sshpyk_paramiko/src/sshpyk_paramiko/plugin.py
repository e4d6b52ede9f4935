"""The six hooks of the paramiko transport; the work is in the modules beside this one."""

from __future__ import annotations

from sshpyk_core.declaration import Capability, Declaration
from sshpyk_core.hookspecs import hookimpl
from sshpyk_core.transport_kit import remote_command
from sshpyk_core.types import (
    Address,
    Finding,
    Forward,
    Prompter,
    RemoteProcess,
    Session,
    Target,
)

from sshpyk_paramiko import connect, diagnose
from sshpyk_paramiko.options import Options
from sshpyk_paramiko.session import ParamikoSession

__all__ = [
    "DECLARATION",
    "sshpyk_connect",
    "sshpyk_diagnose",
    "sshpyk_forward",
    "sshpyk_launch",
    "sshpyk_signal",
    "sshpyk_upload",
]

DECLARATION = Declaration(
    options=Options,
    capabilities=frozenset(
        {
            Capability.NETWORK,
            Capability.LOGIN,
            Capability.HOST_KEYS,
            Capability.SSH_CONFIG,
            Capability.JUMP_HOSTS,
            Capability.FORWARD_TCP,
        }
    ),
)


@hookimpl
async def sshpyk_connect(target: Target, prompter: Prompter | None) -> Session:
    """Connect host by host; each one's key is checked before anything is proved to it."""
    return await connect.connect(target, prompter)


@hookimpl
async def sshpyk_upload(session: Session, content: bytes, path: str, mode: int) -> None:
    """Write beside the file, count the bytes, and rename."""
    await remote_command.upload(session.target.alias, _own(session).launch, content, path, mode)


@hookimpl
async def sshpyk_launch(session: Session, command: str) -> RemoteProcess:
    """Run a command over a channel of the connection."""
    return await _own(session).launch(command)


@hookimpl
async def sshpyk_forward(session: Session, listen: Address, destination: Address) -> Forward:
    """Listen here, and open a channel for each connection."""
    return await _own(session).forward(listen, destination)


@hookimpl
async def sshpyk_signal(session: Session, pid: int, signum: int) -> bool:
    """Run kill(1) on the host."""
    return await remote_command.send_signal(session.target.alias, _own(session).launch, pid, signum)


@hookimpl
async def sshpyk_diagnose(target: Target) -> list[Finding]:
    """Check the settings, what paramiko cannot do for them, the way there and the login."""
    return await diagnose.diagnose(target)


def _own(session: Session) -> ParamikoSession:
    """Narrow a session to those that this transport makes.

    Raises:
        TypeError: another transport made it.
    """
    if isinstance(session, ParamikoSession):
        return session
    raise TypeError(f"{type(session).__name__} is not a session of the paramiko transport")
