"""Lists of patterns as ssh_config(5) has them (its section PATTERNS)."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

__all__ = ["matches"]


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether one of the patterns fits, and none of those with a ``!`` does."""
    found = False
    for pattern in patterns:
        negated = pattern.startswith("!")
        if _regex(pattern[negated:]).fullmatch(name):
            if negated:
                return False
            found = True
    return found


@functools.lru_cache(maxsize=4096)
def _regex(pattern: str) -> re.Pattern[str]:
    wildcards = {"*": ".*", "?": "."}
    parts = re.findall(r"\*+|[^*]", pattern)
    return re.compile("".join(wildcards.get(p[0], re.escape(p)) for p in parts), re.DOTALL)
