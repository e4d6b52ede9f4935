"""What the suite needs to know of a real SSH server, and where it gets one with given settings."""

from __future__ import annotations

import enum
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

__all__ = ["RunningServer", "ServerFeature", "Servers", "Wanted"]


class ServerFeature(enum.Enum):
    """Something that a server can do, or can be told to do; tests that need it say so."""

    SESSION_LIMIT = "session-limit"
    """It can be told how many session channels a connection may hold open."""
    PASSWORDS = "passwords"
    """It can be told to let in by a password."""
    QUESTIONS = "questions"
    """It can be told to let in by answers to questions (keyboard-interactive, RFC 4256)."""
    NO_FORWARDS = "no-forwards"
    """It can be told to forward nothing."""
    EXIT_SIGNALS = "exit-signals"
    """It says which signal ended a command (RFC 4254, section 6.10)."""
    FORWARD_UNIX = "forward-unix"
    """It connects to unix-domain sockets for its clients (OpenSSH's PROTOCOL, section 2.4)."""
    QUICK_CHANNELS = "quick-channels"
    """It runs a command at once after a client has closed the channel of another one early."""


@dataclass(frozen=True)
class Wanted:
    """How one test wants its server to be.

    Attributes:
        max_sessions: how many session channels one connection may hold open.
        password: let in with this password.
        questions: prompts with their right answers; whoever knows all of them is let in.
        key: let in with the user's key.
        forwards: forward TCP and unix-domain sockets.
    """

    max_sessions: int = 10
    password: str | None = field(default=None, repr=False)
    questions: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    key: bool = True
    forwards: bool = True

    def features(self) -> frozenset[ServerFeature]:
        """List what a server must be able to do to be so."""
        asked = {
            ServerFeature.SESSION_LIMIT: self.max_sessions != Wanted.max_sessions,
            ServerFeature.PASSWORDS: self.password is not None,
            ServerFeature.QUESTIONS: bool(self.questions),
            ServerFeature.NO_FORWARDS: not self.forwards,
        }
        return frozenset(feature for feature, needed in asked.items() if needed)


@dataclass(frozen=True)
class RunningServer:
    """A real SSH server that listens on 127.0.0.1.

    Attributes:
        port: its TCP port.
        user: whom to log in as.
        user_key: the private key that it lets in, in a file without passphrase.
        host_key: its public host key, as a ``.pub`` file has it.
        python: the command of a Python >= 3.6 there, as a word that its shell finds.
        ssh_config: lines of ssh_config(5) that a client of this server needs.
        logins_at_once: how many connections may be logging in at the same time.
    """

    port: int
    user: str
    user_key: Path
    host_key: str
    python: str = "python3"
    ssh_config: tuple[str, ...] = ()
    logins_at_once: int = 10


class Servers(Protocol):
    """Where the suite gets its servers; a test class gives one as its fixture ``servers``."""

    @property
    def features(self) -> frozenset[ServerFeature]:
        """What the servers can do."""
        ...

    def start(self, wanted: Wanted) -> AbstractContextManager[RunningServer]:
        """Give a server for the time of one test; it may be shared where nothing special is wanted.

        Args:
            wanted: asks for nothing beyond ``features``.
        """
        ...
