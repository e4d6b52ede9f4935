"""What a kernel may be doing while the line to it fails, and what has to come of it.

Each takes a running kernel and an outage, sends its cell, goes through the outage and returns when
the cell has ended; what the cell had to say was compared by then.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from sshpyk_core.testing.relay import Relay

from support.transcript import Transcript

__all__ = ["STATES", "Running", "State"]

MESSAGE_BYTES = 50_000_000
LINES = 2000


@dataclass(frozen=True)
class Running:
    """A kernel that runs.

    Attributes:
        heard: what its client hears.
        home: a directory that the kernel can read and we can write.
        relay: through which the kernel's host is reached, where there is one.
    """

    heard: Transcript
    home: Path
    relay: Relay | None = None


Outage = Callable[[], AbstractAsyncContextManager[None]]
State = Callable[[Running, Outage], Awaitable[None]]


async def idle(kernel: Running, outage: Outage) -> None:
    """Do nothing; the cell is sent while the line is down."""
    async with outage():
        cell = kernel.heard.execute("print('here')")
    await kernel.heard.finished(cell)
    _same(kernel.heard.text(cell), "here\n")


PRINTING = f"""
import os, time
number = 0
while number < {LINES} or not os.path.exists({{stop!r}}):
    print(f"line {{{{number}}}}\\n", end="", flush=True)
    number += 1
    time.sleep(0.0005)
print("lines:", number)
"""


async def printing(kernel: Running, outage: Outage) -> None:
    """Print a line after the other, until the line has been back for a moment."""
    stop = kernel.home / "stop"
    heard = kernel.heard
    cell = heard.execute(PRINTING.format(stop=str(stop)))
    await heard.until(lambda: "line 50\n" in heard.text(cell))
    async with outage():
        pass
    stop.touch()
    await heard.finished(cell)
    text = heard.text(cell)
    number = int(text.rpartition("lines: ")[2])
    assert number >= LINES
    _same(text, "".join(f"line {each}\n" for each in range(number)) + f"lines: {number}\n")


SILENT = """
for turn in range(2):
    with open({fifo!r}) as file:
        print(turn, file.read())
"""


async def silent(kernel: Running, outage: Outage) -> None:
    """Wait for something that comes while the line is down, and for more when it is back."""
    fifo = kernel.home / "fifo"
    os.mkfifo(fifo)
    cell = kernel.heard.execute(SILENT.format(fifo=str(fifo)))
    await kernel.heard.until(lambda: len(kernel.heard.of(cell)) >= 2)
    async with outage():
        await asyncio.to_thread(fifo.write_text, "while it was down")
    await asyncio.to_thread(fifo.write_text, "when it was back")
    await kernel.heard.finished(cell)
    _same(kernel.heard.text(cell), "0 while it was down\n1 when it was back\n")


async def waiting_for_input(kernel: Running, outage: Outage) -> None:
    """Ask twice; the first answer is given while the line is down."""
    heard = kernel.heard
    cell = heard.execute("print([input('first? '), input('second? ')])", allow_stdin=True)
    await heard.until(lambda: len(heard.stdin) == 1)
    async with outage():
        heard.client.input("one")
    await heard.until(lambda: len(heard.stdin) == 2)
    heard.client.input("two")
    await heard.finished(cell)
    _same(heard.text(cell), "['one', 'two']\n")
    assert [each["content"]["prompt"] for each in heard.stdin] == ["first? ", "second? "]


HUGE = f"""
import random
from IPython.display import display
content = random.Random({{seed}}).randbytes({MESSAGE_BYTES} // 2).hex()
display({{{{"text/plain": content}}}}, raw=True)
"""


async def in_a_huge_message(kernel: Running, outage: Outage) -> None:
    """Be half-way through a message of 50 MB, of which no more comes until the outage."""
    heard, relay = kernel.heard, kernel.relay
    assert relay is not None
    half = relay.silence(after_bytes=MESSAGE_BYTES // 2, sent_by="server")
    cell = heard.execute(HUGE.format(seed=1))
    await asyncio.wrap_future(half)
    async with outage():
        await asyncio.to_thread(relay.resume)
    await heard.finished(cell)
    shown = [each for each in heard.of(cell) if each["header"]["msg_type"] == "display_data"]
    assert len(shown) == 1
    text = shown[0]["content"]["data"]["text/plain"]
    assert len(text) == MESSAGE_BYTES
    wanted = random.Random(1).randbytes(MESSAGE_BYTES // 2).hex()
    assert _digest(text) == _digest(wanted)


STATES: dict[str, State] = {
    "idle": idle,
    "printing": printing,
    "silent": silent,
    "input": waiting_for_input,
    "50-MB": in_a_huge_message,
}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _same(got: str, wanted: str) -> None:
    """Make sure that two texts are equal; say where they are not, for they may be long."""
    if got == wanted:
        return
    pairs = enumerate(zip(got.splitlines(), wanted.splitlines(), strict=False))
    where = next((number for number, (mine, other) in pairs if mine != other), None)
    at = slice(max(0, (where or 0) - 2), (where or 0) + 3)
    raise AssertionError(
        f"{len(got)} characters instead of {len(wanted)}; they differ in line {where}: "
        f"{got.splitlines()[at]} instead of {wanted.splitlines()[at]}"
    )
