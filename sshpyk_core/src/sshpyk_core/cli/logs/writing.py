"""What a kernel wrote: to a pipe as it is, to a terminal without what that would obey."""

from __future__ import annotations

import asyncio
import codecs
import os
import re
import sys

from sshpyk_core.prompting import own_thread

__all__ = ["Output", "TerminalText"]

_COLOUR = r"\x1b\[[0-9;:]*m"
_PARTS = re.compile(rf"({_COLOUR})|\r\n|[\s\S]")
_UNFINISHED = re.compile(r"(\r|\x1b(\[[0-9;:]{0,40})?)\Z")
_RESET = "\x1b[0m"


class TerminalText:
    """Turns bytes into text that a terminal may get: lines, tabs, and colours if wanted.

    A carriage return, with which progress bars go back, begins a new line. What else a terminal
    would obey becomes a question mark.
    """

    def __init__(self, *, colours: bool) -> None:
        """Begin; without ``colours`` they are left out."""
        self._colours = colours
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""
        self._coloured = False

    def feed(self, data: bytes) -> str:
        """Take the next bytes; give what is certain of them."""
        text = self._rest + self._decode(data)
        unfinished = _UNFINISHED.search(text)
        cut = unfinished.start() if unfinished else len(text)
        self._rest = text[cut:]
        return "".join(self._shown(match) for match in _PARTS.finditer(text[:cut]))

    def end(self) -> str:
        """Give what was not certain, and undo colours."""
        text, self._rest = self._rest + self._decode(b"", True), ""
        shown = "".join(self._shown(match) for match in _PARTS.finditer(text))
        return shown + (_RESET if self._coloured else "")

    def _shown(self, match: re.Match[str]) -> str:
        part = match[0]
        if match[1]:
            self._coloured = self._colours
            return part if self._colours else ""
        if part in ("\r\n", "\r", "\n"):
            return "\n"
        return part if part.isprintable() or part == "\t" else "?"


class Output:
    """Standard output: a terminal or anything else. What blocks it holds up nothing else."""

    def __init__(self) -> None:
        """Find out what it is."""
        self._text: TerminalText | None = None
        if sys.stdout.isatty():
            self._text = TerminalText(colours=not os.environ.get("NO_COLOR"))

    async def write(self, data: bytes) -> None:
        """Write what the kernel wrote."""
        if self._text is not None:
            await self._put(self._text.feed(data).encode(errors="replace"))
        else:
            await self._put(data)

    def end(self) -> None:
        """Put a terminal's colours back."""
        if self._text is not None:
            sys.stdout.write(self._text.end())
            sys.stdout.flush()

    @staticmethod
    async def _put(data: bytes) -> None:
        def put() -> None:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

        if data:
            await asyncio.shield(own_thread.begin(put, "writes the log"))
