"""What a failed attempt to connect meant: asyncssh's errors -> the errors of sshpyk."""

from __future__ import annotations

import asyncssh
from sshpyk_core.errors import AuthenticationError, ConnectError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.login.failure import login_refused, login_unanswered
from sshpyk_core.transport_kit.route.tcp import unreachable

from sshpyk_asyncssh.client import Client

__all__ = ["FAILURES", "connect_error", "no_answer"]

FAILURES = (asyncssh.Error, OSError, ValueError)
"""What asyncssh raises when a connection fails; ValueError where bytes make no sense."""


def connect_error(settings: HostSettings, client: Client | None, error: Exception) -> ConnectError:
    """Choose the error for what asyncssh raised.

    Args:
        settings: of the host.
        client: what asyncssh called back; None when it came not that far.
        error: one of FAILURES.
    """
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if isinstance(error, asyncssh.ChannelOpenError):
        return unreachable(settings, f"the host before it cannot connect to it: {error.reason}")
    if isinstance(error, asyncssh.KeyExchangeFailed):
        fix = (
            "Client and server share no algorithm: see `man ssh_config` for the setting that fits"
            " (Ciphers, MACs, KexAlgorithms, HostKeyAlgorithms)."
        )
        return ConnectError(settings.alias, "agree on algorithms", said, fix)
    if client is not None and client.login_began:
        if isinstance(error, asyncssh.PermissionDenied):
            return _refused(settings, client, said)
        if "Too many authentication failures" in said:
            refused = _refused(settings, client, said)
            fix = (
                "Offer fewer keys: set IdentitiesOnly and IdentityFile for this host in the ssh"
                f" configuration. {refused.fix}"
            )
            return AuthenticationError(settings.alias, refused.tried, refused.answer, fix)
    fix = (
        "The server, or a jump host, hung up before the login was done. It may be overloaded,"
        f" refuse this address, or punish repeated attempts; try `{settings.login_line}` in a"
        " while."
    )
    return ConnectError(settings.alias, "connect", said, fix)


def no_answer(settings: HostSettings, seconds: float, client: Client | None) -> ConnectError:
    """Make the error for a host that let the time limit pass."""
    if client is not None and client.questions.asked:
        return login_unanswered(settings, seconds)
    began = client is not None and client.login_began
    what = "the login was not done" if began else "it did not answer"
    return unreachable(settings, f"{what} within {seconds:.0f} s")


def _refused(settings: HostSettings, client: Client, said: str) -> AuthenticationError:
    locked = [str(lock.failure) for lock in client.identities.locks if lock.failure]
    needs_person = client.questions.needs_person
    words = "; ".join([said, *locked])
    return login_refused(settings, words, client.tried, needs_person=needs_person)
