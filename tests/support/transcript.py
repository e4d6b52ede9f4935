"""All that one client of a kernel hears, held against what a kernel has to say, message by message.

Between :func:`begin` and :func:`end` nothing may be missing, come twice or out of order.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from jupyter_client.asynchronous import AsyncKernelClient

__all__ = ["Transcript", "begin", "end", "listening"]

PATIENCE = 90.0

Message = dict[str, Any]


class Transcript:
    """What one client hears on the channels on which kernels speak, from now on.

    Attributes:
        client: whose transcript it is.
        iopub: messages, in the order in which they came.
        shell: likewise.
        stdin: likewise.
        asked: the ids of the cells that this client has sent since :func:`begin`.
    """

    def __init__(self, client: AsyncKernelClient) -> None:
        self.client = client
        self.iopub: list[Message] = []
        self.shell: list[Message] = []
        self.stdin: list[Message] = []
        self.asked: list[str] = []
        self._idle: set[str] = set()
        self._changed = asyncio.Event()

    async def hear(self) -> None:
        """Listen for ever."""
        await asyncio.gather(
            self._take(self.client.get_iopub_msg, self.iopub),
            self._take(self.client.get_shell_msg, self.shell),
            self._take(self.client.get_stdin_msg, self.stdin),
        )

    async def _take(self, get: Callable[[], Awaitable[Message]], into: list[Message]) -> None:
        while True:
            message = await get()
            into.append(message)
            if message["content"].get("execution_state") == "idle":
                self._idle.add(_parent(message))
            self._changed.set()

    async def until(self, heard: Callable[[], bool]) -> None:
        """Wait until something was heard."""

        async def wait() -> None:
            while not heard():
                self._changed.clear()
                await self._changed.wait()

        try:
            await asyncio.wait_for(wait(), PATIENCE)
        except asyncio.TimeoutError:
            kinds = [_kind(message) for message in self.iopub[-20:]]
            replies = [_kind(message) for message in self.shell]
            raise AssertionError(f"not heard; iopub ends with {kinds}, shell: {replies}") from None

    def execute(self, code: str, **options: Any) -> str:
        """Send a cell; return its id."""
        message_id = self.client.execute(code, **options)
        self.asked.append(message_id)
        return str(message_id)

    async def finished(self, message_id: str) -> None:
        """Wait for the reply to a cell of this client, and for ``idle``."""
        await self.until(lambda: self.is_idle_after(message_id) and self.is_replied(message_id))

    def is_replied(self, message_id: str) -> bool:
        """Say whether the reply to a cell is there."""
        return any(_parent(message) == message_id for message in self.shell)

    def is_idle_after(self, message_id: str) -> bool:
        """Say whether a cell's last message is there."""
        return message_id in self._idle

    def of(self, message_id: str) -> list[Message]:
        """Give the messages on iopub that belong to a cell."""
        return [message for message in self.iopub if _parent(message) == message_id]

    def text(self, message_id: str) -> str:
        """Give all that a cell has printed so far."""
        return "".join(
            message["content"]["text"]
            for message in self.of(message_id)
            if _kind(message) == "stream" and message["content"]["name"] == "stdout"
        )

    def check(self, cells: list[str]) -> None:
        """Make sure that it is what the kernel has said.

        Args:
            cells: the ids of the cells of all clients, in the order in which they ran.
        """
        ids = [message["header"]["msg_id"] for message in self.iopub + self.shell + self.stdin]
        assert len(set(ids)) == len(ids), "some messages came twice"
        # Not more: xeus says that it is idle after a cell when it has begun with the next one.
        begun = list(dict.fromkeys(map(_parent, self.iopub)))
        assert begun == cells, f"messages of {begun} instead of {cells}"
        for cell in cells:
            _check_cell(self.of(cell))
        replies = [(_kind(each), _parent(each), each["content"]["status"]) for each in self.shell]
        wanted = [("execute_reply", cell, "ok") for cell in self.asked]
        assert replies == wanted, f"{replies} instead of {wanted}"
        assert all(_parent(message) in self.asked for message in self.stdin)

    def forget(self) -> None:
        """Begin anew."""
        for each in (self.iopub, self.shell, self.stdin, self.asked):
            each.clear()  # type: ignore[attr-defined]


def _check_cell(messages: list[Message]) -> None:
    """Make sure that a cell's messages are enclosed as they have to be."""
    kinds = [_kind(message) for message in messages]
    frame = kinds[:2] + kinds[-1:]
    assert frame == ["status", "execute_input", "status"], f"{frame}"
    assert kinds.count("status") == 2
    assert kinds.count("execute_input") == 1
    states = [message["content"]["execution_state"] for message in (messages[0], messages[-1])]
    assert states == ["busy", "idle"]


def _kind(message: Message) -> str:
    return str(message["header"]["msg_type"])


def _parent(message: Message) -> str:
    return str((message["parent_header"] or {}).get("msg_id"))  # iopub_welcome has none


@asynccontextmanager
async def listening(client: AsyncKernelClient) -> AsyncIterator[Transcript]:
    """Write down what a client hears; nobody else may receive its messages meanwhile."""
    transcript = Transcript(client)
    hearing = asyncio.create_task(transcript.hear())
    try:
        yield transcript
        assert not hearing.done()
    finally:
        hearing.cancel()
        await asyncio.wait([hearing])


async def begin(*transcripts: Transcript) -> None:
    """Wait until nothing of before is under way any more: what comes from now on counts.

    Args:
        transcripts: of all clients of one kernel.
    """
    await _marked(transcripts)
    for transcript in transcripts:
        transcript.forget()


async def end(*transcripts: Transcript, cells: list[str]) -> None:
    """Wait until all was heard, and check it.

    Args:
        transcripts: of all clients of one kernel.
        cells: the ids of the cells that they have sent, in the order in which they ran.
    """
    markers = await _marked(transcripts)
    for transcript in transcripts:
        transcript.check(cells + markers)
    heard = [[each["header"]["msg_id"] for each in one.iopub] for one in transcripts]
    assert all(each == heard[0] for each in heard), "the clients have heard different messages"


async def _marked(transcripts: tuple[Transcript, ...]) -> list[str]:
    markers = []
    for transcript in transcripts:
        markers.append(transcript.execute("pass"))
        await transcript.finished(markers[-1])
    for transcript, marker in itertools.product(transcripts, markers):
        await transcript.until(lambda t=transcript, m=marker: t.is_idle_after(m))
    return markers
