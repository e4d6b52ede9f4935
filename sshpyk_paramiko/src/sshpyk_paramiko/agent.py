"""The user's ssh-agent (ssh-agent(1)): the keys that it has."""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
from typing import Any

import paramiko
from paramiko.agent import AgentKey, AgentSSH
from paramiko.pkey import PublicBlob
from paramiko.ssh_exception import SSHException
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.transport_kit.login.agent import agent_path

__all__ = ["Agent", "AgentKey", "open_agent", "with_certificate"]

log = logging.getLogger(__name__)

_CONNECT_LIMIT_SECONDS = 5.0


class Agent(AgentSSH):  # type: ignore[misc]
    """An agent behind a socket; paramiko's own class knows only the one of the environment."""

    def __init__(self, connection: socket.socket) -> None:
        """Ask for its keys; blocks.

        Raises:
            SSHException, OSError: it is no agent, or it has gone.
        """
        super().__init__()
        self._socket = connection
        self._connect(connection)

    def close(self) -> None:
        """Let it go; whoever waits for its answer gets to know."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._close()


def open_agent(settings: HostSettings) -> Any:
    """Connect to the agent; blocks.

    Returns:
        What has `get_keys` and `close`, as paramiko.Agent; None where there is no agent.
    """
    try:
        path = agent_path(settings)
        if sys.platform == "win32":
            return None if path is None else paramiko.Agent()
        return _connect(path) if path else None
    except (OSError, SSHException, ValueError) as error:
        log.info("%s: the ssh-agent cannot be used: %s", settings.alias, error)
        return None


def _connect(path: str) -> Agent:
    if sys.platform == "win32":
        raise OSError("an agent is no unix-domain socket here")
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(_CONNECT_LIMIT_SECONDS)
        connection.connect(path)
        agent = Agent(connection)
        connection.settimeout(None)  # to sign, it may have to ask its owner
    except BaseException:
        connection.close()
        raise
    return agent


def with_certificate(key: AgentKey, certificate: PublicBlob) -> AgentKey:
    """Return the same key, to be shown with a certificate."""
    shown = AgentKey(key.agent, key.blob, key.comment)
    shown.public_blob = certificate
    return shown
