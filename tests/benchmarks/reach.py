"""How far each transport should reach; what is not here is only measured."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Reach", "reach_of"]


@dataclass(frozen=True)
class Reach:
    """What is asked of one transport.

    Attributes:
        start: how many times as long as locally a warm start or a restart may take; None: no limit.
        execute: milliseconds that a cell may take longer.
        output: the share of local output throughput that it should have.
        idle: percent of a core that ten idle kernels may cost.
        comeback: seconds, beyond those of a handshake, until bytes come again.
        memory: MB that an idle supervisor may take.
    """

    start: float | None = 1.25
    execute: float = 2.0
    output: float = 0.7
    idle: float = 1.0
    comeback: float = 1.0
    memory: float = 15.0


_REACHES = {
    "openssh": Reach(execute=1.0),
    "paramiko": Reach(start=None, output=0.5),
}


def reach_of(transport: str) -> Reach:
    """Give what is asked of a transport."""
    return _REACHES.get(transport, Reach())
