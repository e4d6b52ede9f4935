"""Which hosts are asked what runs there."""

from __future__ import annotations

from collections.abc import Sequence

from sshpyk_core.cli.destinations import Destination, destination, known_destinations
from sshpyk_core.cli.target_flags import TargetFlags
from sshpyk_core.errors import ConfigError
from sshpyk_core.kernelspecs import look_up

__all__ = ["where"]


def where(words: Sequence[str | None], flags: TargetFlags) -> list[Destination]:
    """Give each host once.

    Args:
        words: each HOST or NAME; None is every host of our kernel specs.
        flags: what wins over the kernel specs.

    Raises:
        ConfigError: a word cannot be a host, or no kernel spec leads to any.
    """
    found: list[Destination] = []
    for word in dict.fromkeys(words):
        found += _of(word, flags) if word else known_destinations(flags)
    if not found:
        raise ConfigError(
            "no kernel spec here leads to a host\nName a HOST, or add its kernels: sshpyk add HOST"
        )
    return list({each.target: each for each in reversed(found)}.values())[::-1]


def _of(word: str, flags: TargetFlags) -> list[Destination]:
    """Reach a host as the kernel specs do that lead there, where some do."""
    spec = look_up(word)
    if spec is None or not spec.ours:
        known = [each for each in known_destinations(flags) if each.target.alias == word]
        if known:
            return known
    return [destination(word, flags)]
