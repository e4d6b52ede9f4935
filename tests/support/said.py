"""What the core says in its log, to be awaited."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Said", "listened"]


class Said(logging.Handler):
    """What is logged, to be awaited."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._records: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._loop.call_soon_threadsafe(self._note, (record.levelno, record.getMessage()))

    def _note(self, record: tuple[int, str]) -> None:
        self._records.append(record)
        self._changed.set()

    def containing(self, words: str) -> list[str]:
        return [message for _, message in self._records if words in message]

    def levels(self, words: str) -> list[int]:
        """Give the level of each message with these words."""
        return [level for level, message in self._records if words in message]

    async def wait_for(self, words: str, times: int = 1) -> str:
        """Wait until these words were logged so many times; give the first message with them."""

        async def wait() -> None:
            while len(self.containing(words)) < times:
                self._changed.clear()
                await self._changed.wait()

        await asyncio.wait_for(wait(), 30)
        return self.containing(words)[0]


@contextmanager
def listened(name: str = "sshpyk_core") -> Iterator[Said]:
    """Hear all that the core says of its connections, or what another logger is told."""
    logger = logging.getLogger(name)
    said, level = Said(), logger.level
    logger.addHandler(said)
    logger.setLevel(logging.DEBUG)
    try:
        yield said
    finally:
        logger.setLevel(level)
        logger.removeHandler(said)
