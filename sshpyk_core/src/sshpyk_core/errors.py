"""Every exception that sshpyk raises on purpose.

.. code-block:: text

    SshpykError
    ├── ConfigError                     the kernel spec says something impossible
    ├── KernelFileError                 a file that leads to a kernel cannot be used
    ├── LocalSpecError                  a kernel spec here cannot be found, read or written
    ├── PluginError                     a transport or plugin breaks the contract of the hooks
    │   └── UnknownTransportError       no installed distribution provides that transport
    └── HostError                       something failed on or on the way to a host
        ├── ConnectError                no session could be made
        │   ├── HostNotFoundError       the name does not resolve
        │   ├── HostUnreachableError    refused, timed out, no route
        │   ├── HostKeyError            the host could not prove who it is
        │   │   ├── UnknownHostKeyError
        │   │   └── ChangedHostKeyError
        │   └── AuthenticationError     the host did not accept who we are: needs login
        ├── SessionError                a live session failed or refused
        │   ├── UploadError
        │   ├── LaunchError             the server would not run a command
        │   └── ForwardError
        ├── LinkError                   the wire between here and the supervisors
        │   └── LinkLostError           the connection went away while an answer was awaited
        └── RemoteError                 the remote package says why it could not
            ├── RemotePythonError       no interpreter that can run the remote package
            ├── RemoteDirectoryError    no directory there that can be written
            ├── KernelSpecNotFoundError
            ├── KernelStartError        the kernel did not start, or died at once
            ├── KernelEndedError        the kernel has ended, so nothing more can be asked of it
            ├── KernelTakenError        a kernel that is wanted alone is in use by another program
            ├── KernelTimeoutError      code took longer than it was given
            ├── SupervisorGoneError     the supervisor is no longer there
            └── SupervisorUnreachableError  it is there, but cannot be talked to now

A :class:`HostError` says what was tried, on which host, what came back and what to do.
"""

from __future__ import annotations

__all__ = [
    "AuthenticationError",
    "ChangedHostKeyError",
    "ConfigError",
    "ConnectError",
    "ForwardError",
    "HostError",
    "HostKeyError",
    "HostNotFoundError",
    "HostUnreachableError",
    "KernelEndedError",
    "KernelFileError",
    "KernelSpecNotFoundError",
    "KernelStartError",
    "KernelTakenError",
    "KernelTimeoutError",
    "LaunchError",
    "LinkError",
    "LinkLostError",
    "LocalSpecError",
    "PluginError",
    "RemoteDirectoryError",
    "RemoteError",
    "RemotePythonError",
    "SessionError",
    "SshpykError",
    "SupervisorGoneError",
    "SupervisorUnreachableError",
    "UnknownHostKeyError",
    "UnknownTransportError",
    "UploadError",
]


class SshpykError(Exception):
    """The root: catch this to catch whatever sshpyk raises on purpose."""

    def cause_and_fix(self) -> tuple[str, str]:
        """Split the message at its line ``Fix: ...``; the second part is empty without one."""
        cause, _, fix = str(self).partition("\nFix: ")
        return cause, fix


class ConfigError(SshpykError):
    """A kernel spec's ``config`` stanza holds an unknown key or an impossible value."""


class KernelFileError(SshpykError):
    """A file that leads to a kernel is missing, not ours, or leads elsewhere."""


class LocalSpecError(SshpykError):
    """A kernel spec of this machine cannot be found, read or written, or is not ours."""


class PluginError(SshpykError):
    """A transport or plugin does not keep to the hook specifications."""


class UnknownTransportError(PluginError):
    """A kernel spec names a transport that no installed distribution provides."""


class HostError(SshpykError):
    """Something that was tried on a host failed.

    Args:
        host: the alias as the kernel spec names it.
        tried: what was tried, as a phrase ("connect", "upload the remote package to /tmp/x").
        answer: what came back, verbatim where it came from another program.
        fix: what the user can do about it, best a command; empty when there is nothing to say.
    """

    def __init__(self, host: str, tried: str, answer: str, fix: str = "") -> None:
        """Keep the parts: the command line shows them one by one."""
        super().__init__(host, tried, answer, fix)
        self.host = host
        self.tried = tried
        self.answer = answer.strip()
        self.fix = fix

    def __str__(self) -> str:
        """All parts as one message."""
        message = f"{self.host}: could not {self.tried}: {self.answer or 'no reason was given'}"
        return f"{message}\n{self.fix}" if self.fix else message


class ConnectError(HostError):
    """No session could be made."""


class HostNotFoundError(ConnectError):
    """The host's name does not resolve."""


class HostUnreachableError(ConnectError):
    """The host's name resolves, but nobody answers there."""


class HostKeyError(ConnectError):
    """The host could not prove that it is the one we mean."""


class UnknownHostKeyError(HostKeyError):
    """The host's key is in no known hosts file."""


class ChangedHostKeyError(HostKeyError):
    """The host's key is another than the one in the known hosts file."""


class AuthenticationError(ConnectError):
    """The host accepted none of our credentials: the user needs to log in."""


class SessionError(HostError):
    """A live session failed, or the server refused something."""


class UploadError(SessionError):
    """A file could not be written on the host."""


class LaunchError(SessionError):
    """The server would not run a command."""


class ForwardError(SessionError):
    """The server or this machine would not forward a port."""


class LinkError(HostError):
    """The wire between here and the remote package broke its own rules."""


class LinkLostError(LinkError):
    """The connection went away while an answer was awaited."""


class RemoteError(HostError):
    """The remote package says why it could not do what it was asked.

    Attributes:
        kind: a word for programs, as the remote package gave it; "" where it gave none.
    """

    kind: str = ""


class RemotePythonError(RemoteError):
    """The host has no interpreter that can run the remote package."""


class RemoteDirectoryError(RemoteError):
    """The host has no directory that the remote package may write to."""


class KernelSpecNotFoundError(RemoteError):
    """The host has no kernel spec of that name for that interpreter."""


class KernelStartError(RemoteError):
    """The kernel could not be started, or ended at once."""


class KernelEndedError(RemoteError):
    """The kernel that something was asked of has ended, or never ran."""


class KernelTakenError(RemoteError):
    """A kernel that was wanted alone is in use by another program."""


class KernelTimeoutError(RemoteError):
    """Code in a kernel took longer than the caller would wait."""


class SupervisorGoneError(RemoteError):
    """The supervisor that was asked for is no longer there."""


class SupervisorUnreachableError(RemoteError):
    """The supervisor that was asked for runs, but takes no connections now."""
