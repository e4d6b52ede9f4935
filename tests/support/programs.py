"""A program of its own that uses a kernel: to be suspended, interrupted or killed."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from support.managers import READY

__all__ = ["START", "Program", "program_with_kernel"]

START = """
import asyncio
from jupyter_client.manager import AsyncKernelManager

async def main():
    manager = AsyncKernelManager(kernel_name="far")
    try:
        await manager.start_kernel()
        print("started")
    finally:
        await manager.shutdown_kernel(now=True)

asyncio.run(main())
"""
"""Starts the kernel ``far``, says so, and shuts it down."""

PROGRAM = """
import sys
from jupyter_client.manager import KernelManager

manager = KernelManager(kernel_name=sys.argv[1])
manager.start_kernel()
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=60)
print("ready", file=sys.stderr, flush=True)
for line in sys.stdin:
    client.execute_interactive(line, timeout=60)
    print("done", file=sys.stderr, flush=True)
client.stop_channels()
manager.shutdown_kernel(now=True)
"""


class Program:
    """A program with a kernel; what it logs comes on its standard error.

    Attributes:
        lines: all that it has said there.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self._looked_at = 0
        self._changed = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr is not None
        try:
            async for line in self.process.stderr:
                self.lines.append(line.decode())
                self._changed.set()
        finally:
            self._changed.set()

    async def says(self, words: str) -> str:
        """Wait for a line with these words among those not looked at before."""

        async def wait() -> str:
            while True:
                while self._looked_at < len(self.lines):
                    self._looked_at += 1
                    if words in self.lines[self._looked_at - 1]:
                        return self.lines[self._looked_at - 1]
                assert not self._reading.done(), self.lines
                self._changed.clear()
                await self._changed.wait()

        return await asyncio.wait_for(wait(), READY)

    async def run(self, code: str) -> None:
        """Have it run a line of code; it says ``done`` after that."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{code}\n".encode())
        await self.process.stdin.drain()

    async def suspend(self, seconds: float) -> None:
        self.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self.process.send_signal(signal.SIGCONT)

    async def finish(self) -> int:
        """Let it shut its kernel down and exit; give its exit status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return await self.exited()

    async def exited(self) -> int:
        """Wait until it has exited and all that it said is there; give its exit status."""
        await asyncio.wait_for(asyncio.wait([self._reading]), READY)
        return await asyncio.wait_for(self.process.wait(), READY)

    async def kill(self) -> None:
        """Kill it, if it is not gone already; what it leaves is not awaited."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        self._reading.cancel()
        await asyncio.wait([self._reading])


@asynccontextmanager
async def program_with_kernel(name: str = "far") -> AsyncIterator[Program]:
    """Run a program that starts a kernel and says ``ready`` when that answers."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, name, stdin=-1, stdout=asyncio.subprocess.DEVNULL, stderr=-1
    )
    program = Program(process)
    try:
        yield program
    finally:
        await program.kill()
