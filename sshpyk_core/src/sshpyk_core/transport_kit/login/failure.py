"""What a failed login means for the user, in the same words for every transport."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sshpyk_core.errors import AuthenticationError, ConnectError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.types import Target

__all__ = ["at_hop", "login_refused", "login_unanswered"]


def login_refused(
    settings: HostSettings, said: str, tried: Sequence[str], *, needs_person: bool
) -> AuthenticationError:
    """Make the error for a login that the host refused.

    Args:
        settings: the host.
        said: what the host or the library said.
        tried: what was offered, such as ``the key ~/.ssh/id_ed25519``; in order.
        needs_person: whether it wants what only a person knows, and nobody was there to ask.
    """
    offered = f"; tried: {', '.join(tried)}" if tried else "; there was no key to try"
    login = settings.login_line
    if needs_person:
        fix = (
            f"{settings.alias} needs login: it asks for what only you know, and nobody can be asked"
            f" here. Let a key do it (`ssh-copy-id {settings.alias}`, `ssh-add`), or keep the"
            " password in the system's keyring (`pip install 'sshpyk-core[keyring]'`)."
            f" In a terminal: `{login}`"
        )
    else:
        fix = (
            f"{settings.alias} needs login: log in once in a terminal to see what is missing:"
            f" `{login}`. Where that asks for a passphrase, load the key into an agent (`ssh-add`)."
        )
    return AuthenticationError(settings.alias, "log in", said + offered, fix)


def login_unanswered(settings: HostSettings, seconds: float) -> ConnectError:
    """Make the error for a host that let the time limit pass after it had asked for a secret.

    Not one for a host that cannot be reached: with those, a stored password would be given again
    without end, and some servers answer a wrong one in this way.

    Args:
        settings: the host.
        seconds: the limit.
    """
    fix = f"Does the host let anybody in at the moment? Try `{settings.login_line}` in a terminal."
    return ConnectError(settings.alias, "log in", f"no answer within {seconds:g} s", fix)


@contextmanager
def at_hop(target: Target, settings: HostSettings) -> Iterator[None]:
    """Name the jump host in what goes wrong with it; the target's own errors pass unchanged.

    Args:
        target: the host of the kernel spec.
        settings: the host of its route that is being dealt with.

    Raises:
        ConnectError: the one that was raised, for the target, of the same type.
    """
    try:
        yield
    except ConnectError as error:
        if settings.alias == target.alias:
            raise
        tried = f"{error.tried} (at its jump host {settings.alias})"
        raise type(error)(target.alias, tried, error.answer, error.fix) from error
