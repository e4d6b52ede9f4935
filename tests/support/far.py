"""A host with kernels on it, as a test sees it: its server, and the specs that lead to it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sshpyk_core.types import Target

from support import kernels, processes
from support.embedded_host import EmbeddedHost
from support.local import LocalSide
from support.processes import Process
from support.sshd import SSHServer
from support.ways import Way

__all__ = ["OVER_SSH", "FarSide", "MakeFarSide", "RemoteHost", "is_listening", "state_of"]

RemoteHost = SSHServer | EmbeddedHost
OVER_SSH = Way("openssh", "sshd")


@dataclass(frozen=True)
class FarSide:
    """One server and the local kernel specs that lead to its kernels.

    Attributes:
        server: the host.
        local: where those specs are written.
        way: over which transport.
    """

    server: RemoteHost
    local: LocalSide
    way: Way = OVER_SSH

    @property
    def target(self) -> Target:
        """What to connect to."""
        return Target(self.server.alias, self.way.transport, str(self.server.ssh_config))

    def install(
        self,
        name: str,
        remote_name: str = "python3",
        *,
        kernel_json: Mapping[str, Any] | None = None,
        **config: Any,
    ) -> None:
        """Write a local kernel spec for a kernel of this host.

        Args:
            name: of the local spec.
            remote_name: of the kernel on the host.
            kernel_json: further keys of the local kernel.json.
            config: further keys of the stanza.
        """
        stanza = {
            "ssh_host_alias": self.server.alias,
            "ssh_config": str(self.server.ssh_config),
            "remote_kernel_name": remote_name,
            "transport": self.way.transport,
            **config,
        }
        kernels.install_spec(self.local.data_dir, name, stanza, **(kernel_json or {}))

    def supervisors(self) -> list[Path]:
        """Give the directories of the supervisors that there are."""
        return sorted((self.server.home / ".cache/sshpyk/supervisors").glob("*"))

    def bridges(self) -> list[Process]:
        """Give the bridges; a supervisor has the same command line, but no connection."""
        detached = self.server.detached()
        found = [each for each in self.server.processes() if " bridge " in each.command]
        return [each for each in found if each not in detached]

    def left_behind(self, timeout: float = 10) -> list[Process | Path]:
        """Wait until no supervisor and no kernel is there; return what is left of them then."""
        return [*processes.wait_gone(self.server.detached, timeout), *self.supervisors()]


MakeFarSide = Callable[..., FarSide]
"""What the fixture ``make_far`` gives: takes the arguments of the way's server."""


def state_of(supervisor: Path) -> dict[str, Any]:
    """Give what a supervisor's state file says; ``supervisor`` is its directory."""
    content: dict[str, Any] = json.loads((supervisor / "state.json").read_text())
    return content


def is_listening(port: int) -> bool:
    """Say whether a port of this machine takes connections."""
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
