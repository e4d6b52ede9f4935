"""The six hooks of the asyncssh transport; the work is in the modules beside this one."""

from __future__ import annotations

from sshpyk_core.declaration import Capability, Declaration
from sshpyk_core.hookspecs import hookimpl
from sshpyk_core.transport_kit import remote_command
from sshpyk_core.transport_kit.options import parse
from sshpyk_core.transport_kit.route.route import route
from sshpyk_core.transport_kit.settings.reader import SettingsReader
from sshpyk_core.types import (
    Address,
    Finding,
    Forward,
    Prompter,
    RemoteProcess,
    Session,
    Target,
)

from sshpyk_asyncssh import diagnose
from sshpyk_asyncssh.connect import Connector
from sshpyk_asyncssh.limits import KEPT
from sshpyk_asyncssh.options import Options
from sshpyk_asyncssh.session import AsyncsshSession

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
            Capability.EXIT_SIGNALS,
            Capability.FORWARD_TCP,
            Capability.FORWARD_UNIX,
        }
    ),
)


@hookimpl
async def sshpyk_connect(target: Target, prompter: Prompter | None) -> Session:
    """Read the settings, and log in to the target through its jump hosts."""
    options = parse(Options, target.options, "asyncssh")
    read = SettingsReader(target, options.overrides, KEPT)
    hosts = await route(target, read)
    read.warn()
    connections, lost = await Connector(target, prompter).connect(hosts)
    return AsyncsshSession(target, hosts[-1], options, connections, lost)


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
    """Check the settings, what asyncssh cannot do with them, and the way to a login."""
    return await diagnose.diagnose(target)


def _own(session: Session) -> AsyncsshSession:
    """Narrow a session to those that this transport makes.

    Raises:
        TypeError: another transport made it.
    """
    if isinstance(session, AsyncsshSession):
        return session
    raise TypeError(f"{type(session).__name__} is not a session of the asyncssh transport")
