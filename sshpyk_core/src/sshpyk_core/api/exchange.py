"""One request to a kernel and the messages that belong to it; lives on the background loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from sshpyk_core.api.values import Message

__all__ = ["Exchange", "Feed", "is_idle", "state_in"]


class Feed:
    """Messages on their way to whoever iterates over them, on whatever thread.

    Attributes:
        messages: those not taken yet; taking from the left is safe from any thread.
    """

    def __init__(self) -> None:
        """Have nothing yet."""
        self.messages: deque[Message] = deque()
        self._changed = asyncio.Event()
        self._over = False
        self._error: Exception | None = None
        self._wanted = True

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self._over

    def put(self, message: Message) -> None:
        """Add a message, if anybody still wants it."""
        if self._wanted and not self._over:
            self.messages.append(message)
            self._changed.set()

    def end(self, error: Exception | None = None) -> None:
        """Say that nothing more comes, and why where that is an error; the first word counts."""
        if not self._over:
            self._over, self._error = True, error
            self._changed.set()

    def drop(self) -> None:
        """Keep nothing: nobody reads this any more."""
        self._wanted = False
        self.messages.clear()

    async def more(self) -> bool:
        """Wait for messages; return False when there are none and none will come.

        Raises:
            HostError: why none will come, after the last message was taken.
        """
        while not self.messages:
            if self._over:
                if self._error is not None:
                    raise self._error
                return False
            self._changed.clear()
            await self._changed.wait()
        return True


class Exchange(Feed):
    """An ``execute_request``: over when its reply and the kernel's ``idle`` are there.

    Attributes:
        id: of the request's message.
        begun: set when the kernel has begun with it, or nothing more comes.
        cut_short: whether messages are missing.
        reply: the ``execute_reply``, once it is there.
    """

    def __init__(self, message_id: str, when_over: Callable[[], None]) -> None:
        """Wait for the first message.

        Args:
            message_id: of the request.
            when_over: called once, when nothing more will come.
        """
        super().__init__()
        self.id = message_id
        self.begun = asyncio.Event()
        self.cut_short = False
        self.reply: Message | None = None
        self._idle = False
        self._when_over = when_over

    @property
    def done_there(self) -> bool:
        """Whether the kernel is done with it, though not all of it may have come."""
        return self.over or self._idle or self.reply is not None

    def published(self, message: Message) -> None:
        """Take a message of the iopub channel."""
        self.begun.set()
        self.put(message)
        if is_idle(message):
            self._idle = True
            self._check()

    def replied(self, message: Message) -> None:
        """Take the reply, which comes on another channel and so perhaps before the output."""
        self.reply = message
        self._check()

    def give_up_on_idle(self) -> None:
        """Take note that ``idle`` will not come: it was published and is lost."""
        if not self.over and not self._idle:
            self._idle = self.cut_short = True
            self._check()

    def give_up_on_reply(self) -> None:
        """Take note that the reply will not come: the kernel has answered what came after."""
        if self.reply is None:
            self.cut_short = True
            self.end()

    def _check(self) -> None:
        if self.reply is not None and self._idle:
            self.put(self.reply)
            self.end()

    def end(self, error: Exception | None = None) -> None:
        """Let the next one have its turn as well."""
        if not self.over:
            super().end(error)
            self.begun.set()
            self._when_over()


def state_in(message: Message) -> str:
    """Give the state of the kernel that a message tells of; empty for those that tell none."""
    if message["header"]["msg_type"] != "status":
        return ""
    return str(message["content"].get("execution_state", ""))


def is_idle(message: Message) -> bool:
    """Say whether with this message the kernel is done with its parent."""
    return state_in(message) == "idle"
