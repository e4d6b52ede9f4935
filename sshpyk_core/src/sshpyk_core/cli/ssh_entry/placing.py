"""An entry put into the text of an ssh config file; all that is there stays byte for byte."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence

from sshpyk_core.cli.ssh_entry.wanted import Setting

__all__ = ["entry", "placed"]


def entry(host: str, settings: Sequence[Setting]) -> str:
    """Give the text of an entry: each line with a comment on why above it."""
    lines = [f"Host {host}"]
    for each in settings:
        lines += [f"  # {each.why}", f"  {each.keyword} {each.value}"]
    return "\n".join(lines) + "\n"


def placed(content: bytes, host: str, text: str) -> bytes:
    """Put an entry before the first that is for all hosts, since the first value counts.

    Args:
        content: of the file, with whatever line ends.
        host: whom the entry is for.
        text: the entry, from :func:`entry`.
    """
    lines = re.findall(rb"[^\n]*\n|[^\n]+", content)
    at = next((n for n, line in enumerate(lines) if _is_for_more(line, host)), len(lines))
    while 0 < at < len(lines) and lines[at - 1].startswith(b"#"):  # what is said of it
        at -= 1
    newline = b"\r\n" if lines and lines[0].endswith(b"\r\n") else b"\n"
    before, after = b"".join(lines[:at]), b"".join(lines[at:])
    if before and not before.endswith(b"\n"):
        before += newline
    if before and lines[at - 1].strip():
        before += newline
    own = text.encode().replace(b"\n", newline)
    return before + own + (newline + after if after else b"")


def _is_for_more(line: bytes, host: str) -> bool:
    """Say whether a line begins an entry that may be for this host among others."""
    found = re.match(rb"\s*(host|match)(?:\s*=\s*|\s+)(.*)", line, re.IGNORECASE | re.DOTALL)
    if not found:
        return False
    if found[1].lower() == b"match":
        return True
    patterns = found[2].decode(errors="replace").replace('"', " ").split()
    return any(re.search(r"[*?]", each) and _matches(host, each) for each in patterns)


def _matches(host: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(host.lower(), pattern.lower().replace("[", "[[]"))
