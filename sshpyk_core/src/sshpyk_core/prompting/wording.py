"""What a question looks like on a screen, and what counts as a yes."""

from __future__ import annotations

__all__ = ["is_yes", "readable"]


def readable(text: str) -> str:
    """Show control characters as ``?``: a server's words must not steer a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text.replace("\r\n", "\n"))


def is_yes(answer: str) -> bool:
    """Tell whether the answer to a question of the kind ``confirm`` agrees."""
    return answer.strip().lower() in ("y", "yes")
