"""What paramiko raises -> the error that fits, in one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from paramiko.ssh_exception import ChannelException, IncompatiblePeer
from sshpyk_core.errors import ConnectError, ForwardError, HostUnreachableError, LaunchError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.settings.algorithms import Algorithms
from sshpyk_core.types import Address

from sshpyk_paramiko.connection import Connection
from sshpyk_paramiko.gone import GONE

__all__ = ["connecting", "end_reason", "jumping", "launching"]

_PROHIBITED = 1
_NOT_OPENED = "Unable to open channel"
_NO_BANNER = "Error reading SSH protocol banner"
# The words of paramiko's IncompatiblePeer -> the keyword of ssh_config(5), ours, the server's.
_DISAGREEMENTS = {
    "kex algorithm": ("KexAlgorithms", "kex", "kex_algo_list"),
    "host key": ("HostKeyAlgorithms", "host_keys", "server_key_algo_list"),
    "ciphers": ("Ciphers", "ciphers", "server_encrypt_algo_list"),
    "macs": ("MACs", "macs", "server_mac_algo_list"),
}


@contextmanager
def connecting(
    settings: HostSettings, connection: Connection, algorithms: Algorithms
) -> Iterator[None]:
    """Say what it means when a connection fails before the login is done.

    Raises:
        ConnectError: for each error of paramiko or of the socket.
    """
    try:
        yield
    except IncompatiblePeer as error:
        raise _no_agreement(settings, connection, algorithms, str(error)) from error
    except GONE as error:
        raise _hung_up(settings, connection, error) from error


@contextmanager
def jumping(settings: HostSettings, through: str) -> Iterator[None]:
    """Say what it means when a jump host opens no channel to the next host.

    Args:
        settings: of the host that is to be reached.
        through: the jump host's alias.

    Raises:
        ConnectError: as HostUnreachableError, unless the jump host forbids it.
    """
    tried = f"connect through {through}"
    place = f"{settings.hostname} port {settings.port}"
    try:
        yield
    except ChannelException as error:
        said = f"{through} did not connect to {place}: {error.text}"
        if error.code == _PROHIBITED:
            fix = f"{through} must allow it: `AllowTcpForwarding` of its sshd_config(5)."
            raise ConnectError(settings.alias, tried, said, fix) from error
        fix = f"Is {place} up, and does {through} reach it by that name?"
        raise HostUnreachableError(settings.alias, tried, said, fix) from error
    except GONE as error:
        fix = f"Try it in a terminal: `{settings.login_line}`"
        raise ConnectError(settings.alias, tried, _words(error), fix) from error


@contextmanager
def launching(settings: HostSettings) -> Iterator[None]:
    """Say what it means when the server does not run a command.

    Raises:
        LaunchError: for each error of paramiko.
    """
    tried = "run a command"
    try:
        yield
    except GONE as error:
        said = error.text if isinstance(error, ChannelException) else _words(error)
        fix = f"Try it in a terminal: `{settings.login_line}`"
        if isinstance(error, ChannelException) or _NOT_OPENED in said:
            said = f"the server opens no session: {said}"
            fix = "The server may allow no further session on a connection (sshd's MaxSessions)."
        raise LaunchError(settings.alias, tried, said, fix) from error


def forward_lost(
    settings: HostSettings, listen: Address, destination: Address, said: str
) -> ForwardError:
    """Make the error for a forward that is asked of a session that has ended."""
    tried = f"forward {listen} to {destination}"
    fix = f"Try it in a terminal: `{settings.login_line}`"
    return ForwardError(settings.alias, tried, f"the session has ended: {said}", fix)


def no_unix(settings: HostSettings, listen: Address, destination: Address) -> ForwardError:
    """Make the error for a forward to a unix-domain socket of the host."""
    tried = f"forward {listen} to {destination}"
    fix = 'Use another transport for it: `"transport": "openssh"`.'
    return ForwardError(settings.alias, tried, "paramiko reaches no unix-domain sockets", fix)


def end_reason(error: BaseException | None, farewell: str) -> str:
    """Say in a phrase why a connection ended.

    Args:
        error: what ended paramiko's thread, if anything did.
        farewell: what the server said.
    """
    if farewell:
        return f"the server ended the connection: {farewell}"
    if error is None or isinstance(error, EOFError):
        return "the server closed the connection"
    return f"the connection broke: {_words(error)}"


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or "the connection was closed"


def _hung_up(settings: HostSettings, connection: Connection, error: BaseException) -> ConnectError:
    said = end_reason(error, connection.farewell)
    fix = (
        "The server, or what is in between, hung up before the login was done. It may be"
        " overloaded, refuse this address, or punish repeated attempts; try"
        f" `{settings.login_line}` in a while."
    )
    words = str(error)
    if _NO_BANNER in words:
        # Which one it is depends on what had been sent when it closed the connection.
        more = words.partition(_NO_BANNER)[2]
        said = f"the server closed the connection before it named its version of SSH {more}"
    if _NO_BANNER in words or "version" in words:
        fix = f"Is an SSH server at {settings.hostname}, port {settings.port}?"
    return ConnectError(settings.alias, "connect", said, fix)


def _no_agreement(
    settings: HostSettings, connection: Connection, algorithms: Algorithms, said: str
) -> ConnectError:
    for words, (keyword, ours, theirs) in _DISAGREEMENTS.items():
        if words in said:
            offered = ", ".join(getattr(algorithms, ours).offered)
            wanted = ", ".join(connection.server_offers.get(theirs, ["?"]))
            said = f"there is no common algorithm: we offer {offered}; the server {wanted}"
            fix = (
                f"Set {keyword} in the ssh configuration so that both have one, or use another"
                ' transport: `"transport": "openssh"`.'
            )
            return ConnectError(settings.alias, "connect", said, fix)
    return ConnectError(settings.alias, "connect", said, "Use another transport.")
