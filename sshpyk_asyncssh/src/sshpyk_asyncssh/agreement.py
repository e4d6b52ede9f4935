"""Whether client and server have algorithms in common, by what they said at first.

asyncssh finds that out too, in a task; when the server, which sees it as well, hangs up before that
task has ended, asyncssh tells of a lost connection and of nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import asyncssh

__all__ = ["disagreement"]

_LISTS = (
    "key exchange",
    "host key",
    "encryption",
    "encryption",
    "MAC",
    "MAC",
    "compression",
    "compression",
)
"""What the name lists of a KEXINIT are about, in their order (RFC 4253, section 7.1)."""

_COOKIE_END = 1 + 16

_SEALING = ("gcm@openssh.com", "chacha20-poly1305@openssh.com")
"""Ends of the names of ciphers that need no MAC."""


def disagreement(connection: object) -> asyncssh.KeyExchangeFailed | None:
    """Give asyncssh's own error for a connection that failed because of its algorithms.

    Args:
        connection: asyncssh's, which keeps what was said, where nothing public tells.

    Returns:
        None when it failed for another reason, or when that is not known.
    """
    ours, theirs = (
        list(_name_lists(getattr(connection, f"_{side}_kexinit", b"")))
        for side in ("client", "server")
    )
    sealed = False
    for what, offered, known in zip(_LISTS, ours, theirs, strict=False):
        common = [each for each in offered if each in known]
        if not common and not (what == "MAC" and sealed):
            words = f"sent {','.join(offered)} and received {','.join(known)}"
            return asyncssh.KeyExchangeFailed(f"No matching {what} algorithm found, {words}")
        if what == "encryption":
            sealed = common[0].endswith(_SEALING)
    return None


def _name_lists(message: bytes) -> Iterator[Sequence[str]]:
    rest = message[_COOKIE_END:]
    for _ in _LISTS if len(rest) >= 4 * len(_LISTS) else ():
        size = int.from_bytes(rest[:4], "big")
        yield rest[4 : 4 + size].decode("ascii", "replace").split(",")
        rest = rest[4 + size :]
