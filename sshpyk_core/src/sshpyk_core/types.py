"""The values that cross the hooks, and what a transport's objects must be able to do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

__all__ = [
    "NO_EXIT_STATUS",
    "Address",
    "ByteReader",
    "ByteWriter",
    "Finding",
    "Forward",
    "KeptLogin",
    "Prompter",
    "Question",
    "RemoteProcess",
    "Session",
    "Step",
    "Target",
    "TcpAddress",
    "UnixAddress",
]


NO_EXIT_STATUS = 255
"""The exit status when none arrived; ssh(1) says the same."""


@dataclass(frozen=True)
class Target:
    """What a kernel spec says about a host: equal targets share one session and one link.

    Attributes:
        alias: the name that ``ssh ALIAS`` takes.
        transport: the name of the transport that reaches it.
        ssh_config: path of the ssh config file to read instead of the user's own.
        ssh: the ssh program to run or to ask for the host's settings; None means the one on PATH.
        options: the transport's own options, as the kernel spec gives them (JSON values).
    """

    alias: str
    transport: str = "openssh"
    ssh_config: str | None = None
    ssh: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __hash__(self) -> int:
        """Equal targets hash alike, whatever the order of their options."""
        options = json.dumps(self.options, sort_keys=True, default=str)
        return hash((self.alias, self.transport, self.ssh_config, self.ssh, options))


@dataclass(frozen=True)
class TcpAddress:
    """A TCP endpoint; port 0 asks whoever binds it to choose, where that is possible."""

    host: str
    port: int

    def __str__(self) -> str:
        """As people write it."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class UnixAddress:
    """A unix-domain socket."""

    path: str

    def __str__(self) -> str:
        """As people write it."""
        return self.path


Address = TcpAddress | UnixAddress


Step = Literal["", "settings", "name", "port", "host key", "login"]
"""A part of the way to a session, in their order; empty where it is none, or not known."""


@dataclass(frozen=True)
class Finding:
    """One result of a check.

    Attributes:
        level: ``ok``, ``info``, ``warning`` or ``error``.
        cause: what was found, as one sentence.
        fix: what to do about it, best a command; empty where nothing is wrong.
        step: which part of the way to a session it is about.
    """

    level: Literal["ok", "info", "warning", "error"]
    cause: str
    fix: str = ""
    step: Step = ""


@dataclass(frozen=True)
class KeptLogin:
    """A connection that a transport keeps open for later sessions.

    Attributes:
        since: when it was made, in seconds since the epoch.
    """

    since: float


@dataclass(frozen=True)
class Question:
    """Something that only a person knows.

    Attributes:
        kind: ``password`` of an account; ``passphrase`` of a private key; ``code``, whatever else a
            server asks during a login (RFC 4256), such as one that is valid once; ``host key``,
            whether to trust it; ``confirm``, yes or no.
        text: the question as a person should read it.
        about: whose answer it is: ``user@host:port`` for a password, the key file's path for a
            passphrase; empty where an answer is good for this one time only.
        secret: whether the answer must not be shown while it is typed.
    """

    kind: Literal["password", "passphrase", "code", "host key", "confirm"]
    text: str
    about: str = ""
    secret: bool = True


class Prompter(Protocol):
    """Whom a transport asks for what only a person knows."""

    async def ask(self, question: Question) -> str | None:
        """Ask one question; None means that nobody is there to answer or that they declined.

        To ask the same question again within one login says that the first answer was wrong.
        """
        ...


class ByteReader(Protocol):
    """The reading end of a remote process's output; asyncio.StreamReader is one."""

    async def read(self, n: int = -1) -> bytes:
        """Return at least one and at most ``n`` bytes (-1: all that is left), b"" at the end."""
        ...


class ByteWriter(Protocol):
    """The writing end of a remote process's input; asyncio.StreamWriter is one."""

    def write(self, data: bytes) -> None:
        """Take the bytes; never blocks."""
        ...

    async def drain(self) -> None:
        """Wait until it is sensible to write more; raises OSError when the channel is gone."""
        ...

    def close(self) -> None:
        """Half-close: the remote process reads end of file after what was written."""
        ...


@runtime_checkable
class RemoteProcess(Protocol):
    """A command that runs on the host over one exec channel, without a terminal."""

    @property
    def stdin(self) -> ByteWriter:
        """Its standard input."""
        ...

    @property
    def stdout(self) -> ByteReader:
        """Its standard output, bytes 0 to 255 untouched."""
        ...

    @property
    def stderr(self) -> ByteReader:
        """Its standard error, apart from its output."""
        ...

    async def wait(self) -> int:
        """Return the exit status.

        Minus the signal's number when a signal ended it and the transport is told so (capability
        EXIT_SIGNALS); :data:`NO_EXIT_STATUS` when the connection ended before the command did.
        """
        ...

    async def terminate(self) -> None:
        """Close the channel and free what belongs to it here; harmless when it has ended."""
        ...


@runtime_checkable
class Session(Protocol):
    """One live, authenticated connection that a transport made to a target."""

    @property
    def target(self) -> Target:
        """What it is connected to."""
        ...

    @property
    def closed(self) -> asyncio.Future[str]:
        """Done when the session has ended, with the reason as a phrase; never an exception."""
        ...

    async def aclose(self) -> None:
        """End it and free all that it holds; may be called twice."""
        ...


@runtime_checkable
class Forward(Protocol):
    """A local address whose connections come out at the remote destination."""

    @property
    def address(self) -> Address:
        """The address that is really bound here."""
        ...

    async def aclose(self) -> None:
        """Stop listening; may be called twice."""
        ...
