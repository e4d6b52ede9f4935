"""The targets that HOST or NAME stands for."""

from __future__ import annotations

from sshpyk_core.cli.destinations import destination, known_destinations
from sshpyk_core.cli.target_flags import TargetFlags
from sshpyk_core.types import Target

__all__ = ["targets_of"]


def targets_of(word: str, flags: TargetFlags) -> list[Target]:
    """Give the target of a kernel spec, else each one that kernel specs reach a host as.

    A login holds for one target. So a host by its alias stands for all targets of that alias that
    our kernel specs have; for the alias alone where there are none.

    Args:
        word: HOST or NAME.
        flags: what wins over the kernel specs.

    Raises:
        ConfigError: it cannot be a host, or the kernel spec is wrong.
    """
    named = destination(word, flags)
    if named.spec is not None:
        return [named.target]
    known = [each.target for each in known_destinations(flags)]
    return [each for each in known if each.alias == word] or [named.target]
