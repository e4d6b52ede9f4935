"""What a bridge says first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["BridgeHello"]


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
    """

    host: str
    boot_id: str
    python: str
    pid: int
    protocol: int
    executable: str = ""
    package: str = ""

    @classmethod
    def read(cls, hello: Mapping[str, Any]) -> BridgeHello:
        """Make the value of what it said."""
        return cls(
            host=str(hello.get("host", "")),
            boot_id=str(hello.get("boot_id", "")),
            python=str(hello.get("python", "")),
            pid=int(hello.get("pid", 0)),
            protocol=int(hello.get("protocol", 0)),
            executable=str(hello.get("executable", "")),
            package=str(hello.get("package", "")),
        )
