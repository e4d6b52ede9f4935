"""What a bridge says first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["BridgeHello"]

MAX_PATH = 4096
"""Characters of a path that is believed."""


@dataclass(frozen=True)
class BridgeHello:
    """What the bridge says of itself and of its host.

    Attributes:
        host: the host's own name.
        boot_id: changes when the host is restarted.
        python: the version of the interpreter that runs it.
        pid: its process.
        protocol: the version of the wire format.
        executable: the path of that interpreter; empty where it is not known.
        package: the path of the remote package.
        machine: tells machines of one name apart; empty where the host does not tell.
    """

    host: str
    boot_id: str
    python: str
    pid: int
    protocol: int
    executable: str = ""
    package: str = ""
    machine: str = ""

    @classmethod
    def read(cls, hello: Mapping[str, Any]) -> BridgeHello:
        """Make the value of what it said."""
        return cls(
            host=str(hello.get("host", "")),
            boot_id=str(hello.get("boot_id", "")),
            python=str(hello.get("python", "")),
            pid=int(hello.get("pid", 0)),
            protocol=int(hello.get("protocol", 0)),
            executable=_path(hello.get("executable")),
            package=_path(hello.get("package")),
            machine=_path(hello.get("machine")),
        )


def _path(told: object) -> str:
    """Give a path that can stand in a command and on a terminal; empty where it cannot."""
    return told if isinstance(told, str) and told.isprintable() and len(told) <= MAX_PATH else ""
