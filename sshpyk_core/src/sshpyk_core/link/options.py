"""How a supervisor is to behave, as the program that starts it says."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SupervisorOptions"]


@dataclass(frozen=True)
class SupervisorOptions:
    """The fields are those of the request that starts it, see ``remote.bridge``.

    Attributes:
        remote_dir: directory on the host to try first for its files.
        spool_limit: bytes that it may keep on disk while nobody takes them.
        spool_memory: bytes that it may keep in memory before that.
        detached_timeout: seconds without anybody attached after which it ends its kernel.
        persistent: never do so while its kernel runs.
        owner: for whom it runs, as its state file tells people.
    """

    remote_dir: str | None
    spool_limit: int
    spool_memory: int
    detached_timeout: float
    owner: str
    persistent: bool = False
