"""The six hooks of the OpenSSH transport; the work is in the modules beside this one."""

from __future__ import annotations

import sys

from sshpyk_core.declaration import Capability, Declaration, LoginKeeper
from sshpyk_core.errors import ConfigError
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

from sshpyk_openssh import askpass as ssh_askpass
from sshpyk_openssh import command as ssh_command
from sshpyk_openssh import diagnose, kept, single
from sshpyk_openssh import master as control_master
from sshpyk_openssh.command import SshCommand
from sshpyk_openssh.options import Options
from sshpyk_openssh.session import MuxSession
from sshpyk_openssh.single import SingleSession

__all__ = [
    "DECLARATION",
    "sshpyk_connect",
    "sshpyk_diagnose",
    "sshpyk_forward",
    "sshpyk_launch",
    "sshpyk_signal",
    "sshpyk_upload",
]

_KEEPER = LoginKeeper({"keep": True}, kept.find, kept.end, kept.appears)
# ssh has no control master on Windows.
_KEEPS_LOGINS = sys.platform != "win32"

DECLARATION = Declaration(
    options=Options,
    capabilities=frozenset(
        {
            *([Capability.KEPT_LOGIN] if _KEEPS_LOGINS else []),
            Capability.NETWORK,
            Capability.LOGIN,
            Capability.HOST_KEYS,
            Capability.SSH_CONFIG,
            Capability.JUMP_HOSTS,
            Capability.FORWARD_TCP,
            Capability.FORWARD_UNIX,
        }
    ),
    programs=("ssh",),
    keeper=_KEEPER if _KEEPS_LOGINS else None,
)


@hookimpl
async def sshpyk_connect(target: Target, prompter: Prompter | None) -> Session:
    """Use a control master that is open, start one of our own, or probe where there is none.

    The user's own comes first, then the one that is kept from an earlier login.

    With a prompter, ssh asks that one by way of SSH_ASKPASS (ssh(1)); on Windows it asks by itself.
    """
    command = await ssh_command.prepare(target, prompter)
    multiplex = command.options.multiplex
    if sys.platform == "win32" and multiplex == "own":
        raise ConfigError("option 'multiplex': ssh has no control master on Windows")
    alone = sys.platform == "win32" or multiplex == "never"
    open_already = None if alone else await _open_already(command)
    if open_already is not None:
        return MuxSession(command, open_already)
    askpass = await ssh_askpass.open_askpass(command, prompter)
    session: SingleSession | None = None
    try:
        if alone:
            session = await single.connect(command, askpass)
            return session
        begin = kept.start_kept if command.options.keep else control_master.start
        return MuxSession(command, await begin(command, askpass))
    finally:
        if session is None:  # else it asks at every connection
            await askpass.aclose()


@hookimpl
async def sshpyk_upload(session: Session, content: bytes, path: str, mode: int) -> None:
    """Write beside the file, count the bytes, and rename."""
    await remote_command.upload(session.target.alias, _own(session).launch, content, path, mode)


@hookimpl
async def sshpyk_launch(session: Session, command: str) -> RemoteProcess:
    """Run a command over a channel of the control master, or a connection of its own."""
    return await _own(session).launch(command)


@hookimpl
async def sshpyk_forward(session: Session, listen: Address, destination: Address) -> Forward:
    """Let ssh listen, on a port that is free where 0 was asked for."""
    return await _own(session).forward(listen, destination)


@hookimpl
async def sshpyk_signal(session: Session, pid: int, signum: int) -> bool:
    """Run kill(1) on the host."""
    return await remote_command.send_signal(session.target.alias, _own(session).launch, pid, signum)


@hookimpl
async def sshpyk_diagnose(target: Target) -> list[Finding]:
    """Check the program, the settings and the login."""
    return await diagnose.diagnose(target)


async def _open_already(command: SshCommand) -> control_master.Master | None:
    users = command.options.multiplex == "auto" and await control_master.find_open(command)
    return users or await kept.find_open(command)


def _own(session: Session) -> MuxSession | SingleSession:
    """Narrow a session to those that this transport makes.

    Raises:
        TypeError: another transport made it.
    """
    if isinstance(session, (MuxSession, SingleSession)):
        return session
    raise TypeError(f"{type(session).__name__} is not a session of the openssh transport")
