"""The answers that this process remembers: never written anywhere, gone with the process."""

from __future__ import annotations

from collections import Counter

__all__ = ["MOST_MISSES", "Key", "Memory"]

MOST_MISSES = 3
"""How often in a row a stored answer may be given in vain; servers lock accounts after a few."""

Key = tuple[str, str]
"""A question's ``kind`` and ``about``."""


class Memory:
    """Passwords and passphrases that have let somebody in."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._answers: dict[Key, str] = {}
        self._misses: Counter[tuple[Key, str]] = Counter()

    def __bool__(self) -> bool:
        """Tell whether there is anything."""
        return bool(self._answers)

    def get(self, key: Key) -> str | None:
        """Give what was the right answer the last time."""
        return self._answers.get(key)

    def put(self, key: Key, answer: str) -> None:
        """Keep what was the right answer."""
        self._answers[key] = answer
        del self._misses[key, answer]

    def drop(self, key: Key, answer: str) -> None:
        """Forget an answer that was wrong, unless another has taken its place."""
        if self._answers.get(key) == answer:
            del self._answers[key]

    def missed(self, key: Key, answer: str) -> None:
        """Take note that a stored answer was given and let nobody in."""
        self._misses[key, answer] += 1

    def spent(self, key: Key, answer: str) -> bool:
        """Tell whether an answer was given in vain too often to be given again unasked."""
        return self._misses[key, answer] >= MOST_MISSES
