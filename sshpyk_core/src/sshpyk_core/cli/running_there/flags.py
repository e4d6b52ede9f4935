"""The flags of the commands about kernels that run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import click

from sshpyk_core.cli.completing import complete_host_or_name
from sshpyk_core.cli.running_there.ids import WantedId
from sshpyk_core.cli.target_flags import TargetFlags, target_flags

__all__ = ["TIMEOUT", "Looking", "looking_flags", "timeout_flag"]

F = TypeVar("F", bound=Callable[..., Any])

TIMEOUT = 30.0
"""Seconds that a host may take."""

timeout_flag: Callable[[F], F] = click.option(
    "--timeout",
    type=click.FloatRange(min=1, max=3600),
    metavar="SECONDS",
    default=TIMEOUT,
    show_default=True,
    help="How long to wait for a host where nobody is asked anything.",
)


@dataclass(frozen=True)
class Looking:
    """How a kernel is looked for.

    Attributes:
        host: where those are whose ID names no host; None for all hosts that are known.
        flags: how hosts are reached.
        limit: seconds that each may take.
    """

    host: str | None
    flags: TargetFlags
    limit: float

    def on_host(self, ids: Sequence[WantedId]) -> list[WantedId]:
        """Let ``--host`` stand for the hosts of those IDs that name none."""
        return [each if each.host else replace(each, host=self.host) for each in ids]


def looking_flags(command: F) -> F:
    """Let a command take the flags of its search for kernels, as its argument ``looking``."""

    @functools.wraps(command)
    def with_flags(
        *args: Any, host: str | None, flags: TargetFlags, timeout: float, **others: Any
    ) -> Any:
        return command(*args, looking=Looking(host, flags, timeout), **others)

    host_flag = click.option(
        "--host",
        metavar="HOST",
        shell_complete=complete_host_or_name,
        help="Ask this host only; the same as HOST:ID.",
    )
    decorated: Any = host_flag(target_flags(timeout_flag(with_flags)))
    return decorated  # type: ignore[no-any-return]
