"""The six hooks of the OpenSSH transport; the work is in the modules beside this one."""

from __future__ import annotations

import sys

from sshpyk_core.errors import ConfigError
from sshpyk_core.hookspecs import hookimpl
from sshpyk_core.types import (
    Address,
    Finding,
    Forward,
    Prompter,
    RemoteProcess,
    Session,
    Target,
)

from sshpyk_openssh import command as ssh_command
from sshpyk_openssh import diagnose, remote_command, single
from sshpyk_openssh import master as control_master
from sshpyk_openssh.session import MuxSession

__all__ = [
    "sshpyk_connect",
    "sshpyk_diagnose",
    "sshpyk_forward",
    "sshpyk_launch",
    "sshpyk_signal",
    "sshpyk_upload",
]


@hookimpl
async def sshpyk_connect(target: Target, prompter: Prompter | None) -> Session:
    """Use the user's open control master, start one of our own, or probe where there is none.

    With a prompter, ssh asks by its own means: on the terminal, or through SSH_ASKPASS (ssh(1)).
    """
    command = await ssh_command.prepare(target, prompter)
    multiplex = command.options.multiplex
    if sys.platform == "win32" and multiplex == "own":
        raise ConfigError("option 'multiplex': ssh has no control master on Windows")
    if sys.platform == "win32" or multiplex == "never":
        return await single.connect(command)
    master = await control_master.find_open(command) if multiplex == "auto" else None
    return MuxSession(command, master or await control_master.start(command))


@hookimpl
async def sshpyk_upload(session: Session, content: bytes, path: str, mode: int) -> None:
    """Write beside the file, count the bytes, and rename."""
    await remote_command.upload(remote_command.own(session), content, path, mode)


@hookimpl
async def sshpyk_launch(session: Session, command: str) -> RemoteProcess:
    """Run a command over a channel of the control master, or a connection of its own."""
    return await remote_command.own(session).launch(command)


@hookimpl
async def sshpyk_forward(session: Session, listen: Address, destination: Address) -> Forward:
    """Let ssh listen, on a port that is free where 0 was asked for."""
    return await remote_command.own(session).forward(listen, destination)


@hookimpl
async def sshpyk_signal(session: Session, pid: int, signum: int) -> bool:
    """Run kill(1) on the host."""
    return await remote_command.send_signal(remote_command.own(session), pid, signum)


@hookimpl
async def sshpyk_diagnose(target: Target) -> list[Finding]:
    """Check the program, the settings and the login."""
    return await diagnose.diagnose(target)
