"""The contract with transport authors: six hooks, all ``async def``, the first result counts.

A transport is an importable MODULE that an entry point of the group ``sshpyk.transports`` names.
It holds one implementation of each hook, marked with :data:`hookimpl`, and no state: state lives
in the :class:`~sshpyk_core.types.Session` that ``sshpyk_connect`` returns. Implementations take
the arguments by exactly these names, without defaults.

Errors are those of :mod:`sshpyk_core.errors`; whatever else an implementation raises is a defect
of the transport and is shown as one.
"""

from __future__ import annotations

import pluggy

from sshpyk_core.types import (
    Address,
    Finding,
    Forward,
    Prompter,
    RemoteProcess,
    Session,
    Target,
)

__all__ = ["PROJECT_NAME", "hookimpl", "hookspec"]

PROJECT_NAME = "sshpyk"

hookspec = pluggy.HookspecMarker(PROJECT_NAME)
hookimpl = pluggy.HookimplMarker(PROJECT_NAME)


@hookspec(firstresult=True)
async def sshpyk_connect(target: Target, prompter: Prompter | None) -> Session:  # type: ignore[empty-body]
    """Make a live, authenticated session to a target.

    Called for the first kernel on a target, and at every reconnect.

    Args:
        target: what the kernel spec says about the host.
        prompter: whom to ask for a password or about a host key; None means that nobody can be
            asked, and an implementation must then fail rather than wait.

    Raises:
        ConnectError: the subclass that fits, with the fix for the user.
    """


@hookspec(firstresult=True)
async def sshpyk_upload(session: Session, content: bytes, path: str, mode: int) -> None:
    """Write a file on the host, whole or not at all.

    Called when the host lacks this version of the remote package, and for the files that a kernel
    spec lists. The file appears under its name only when it is complete, with its mode set.

    Args:
        session: from ``sshpyk_connect`` of the same transport.
        content: the bytes of the file.
        path: absolute path on the host; its directory exists.
        mode: permission bits, such as 0o600.

    Raises:
        UploadError: with what the host said.
    """


@hookspec(firstresult=True)
async def sshpyk_launch(session: Session, command: str) -> RemoteProcess:  # type: ignore[empty-body]
    """Run a command on the host over one exec channel, without a terminal.

    Called to start the bridge, and for one-shot remote commands.

    Args:
        session: from ``sshpyk_connect`` of the same transport.
        command: one line for the user's login shell, already quoted for any shell.

    Raises:
        LaunchError: the server refuses the channel, or the session is gone.
    """


@hookspec(firstresult=True)
async def sshpyk_forward(session: Session, listen: Address, destination: Address) -> Forward:  # type: ignore[empty-body]
    """Listen here and carry each connection to a destination as seen from the host.

    Called for ports that the user asked for, and for a kernel's own five when its spec says
    ``"channels": "forward"``.

    Args:
        session: from ``sshpyk_connect`` of the same transport.
        listen: the local address to bind; port 0 asks for any free port.
        destination: where the host connects to.

    Raises:
        ForwardError: the address is taken, or the server refuses.
    """


@hookspec(firstresult=True)
async def sshpyk_signal(session: Session, pid: int, signum: int) -> bool:  # type: ignore[empty-body]
    """Send a signal to a process of the host.

    Called when the supervisor cannot be asked over the link (hung, orphaned).

    Args:
        session: from ``sshpyk_connect`` of the same transport.
        pid: a process; a negative one is a process group.
        signum: the signal as the host numbers it; 0 only asks whether the process is there.

    Returns:
        Whether it was delivered.
    """


@hookspec(firstresult=True)
async def sshpyk_diagnose(target: Target) -> list[Finding]:  # type: ignore[empty-body]
    """Say what stands between this machine and a session to the target.

    Called by commands that check a host. Asks nobody and changes nothing.

    Args:
        target: what the kernel spec says about the host.
    """
