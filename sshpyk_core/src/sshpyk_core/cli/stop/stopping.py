"""The end of one kernel: its supervisor is told, or ended by force; then its end is waited for."""

from __future__ import annotations

from sshpyk_core.cli.running_there.finding import Found
from sshpyk_core.errors import (
    RemoteError,
    SupervisorGoneError,
    SupervisorUnreachableError,
)
from sshpyk_core.remains import Remains, confirm, end_by_force
from sshpyk_core.running_kernels import tell

__all__ = ["stop"]

END_WAIT = 15.0
"""Seconds that a supervisor may take to end itself and its kernel."""


async def stop(found: Found, *, force: bool) -> str:
    """Stop a kernel, and wait until nothing of it is left.

    Args:
        found: the kernel.
        force: end the supervisor by signals where it does not answer.

    Returns:
        What was done, as the end of a sentence about the kernel.

    Raises:
        HostError: it could not be stopped.
    """
    link, directory = found.visit.link, found.kernel.directory
    if force and not found.kernel.answers:
        left, done = await _by_force(found), "was ended by force"
    else:
        try:
            await tell(link, directory, "stop")
        except SupervisorGoneError:
            return "had ended already"
        except SupervisorUnreachableError as error:
            if not force:
                raise _unreachable(found, error) from error
            left, done = await _by_force(found), "was ended by force"
        else:
            left, done = await confirm(link, directory, END_WAIT), "is stopped"
            if left.lives and force:
                left, done = await _by_force(found), "was ended by force"
    if left.lives:
        fix = "" if force else f"End it by force: sshpyk stop --force {found.id}"
        said = f"it was told to end, but {left.words}"
        raise RemoteError(link.host, f"stop {found}", said, fix)
    return done


async def _by_force(found: Found) -> Remains:
    visit = found.visit
    return await end_by_force(visit.transport, visit.session, visit.link, found.kernel.directory)


def _unreachable(found: Found, error: SupervisorUnreachableError) -> RemoteError:
    if found.kernel.elsewhere:
        fix = "Use a host alias of that machine."
    else:
        fix = f"End it by force: sshpyk stop --force {found.id}"
    return RemoteError(error.host, f"stop {found}", error.answer, fix)
