"""A host comes back when somebody can log in again, and only when it is the same host."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from support.client import make_key
from support.far import FarSide
from support.kernels import execute
from support.managers import READY, interrupted, started
from support.require import require_other_host

MakeFarSide = Callable[..., FarSide]

BUSY = "import time; print('busy', flush=True); time.sleep(600)"


class Said(logging.Handler):
    """What is logged, to be awaited."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._loop.call_soon_threadsafe(self._note, record.getMessage())

    def _note(self, message: str) -> None:
        self._records.append(message)
        self._changed.set()

    def containing(self, words: str) -> list[str]:
        return [each for each in self._records if words in each]

    async def wait_for(self, words: str) -> None:
        async def wait() -> None:
            while not self.containing(words):
                self._changed.clear()
                await self._changed.wait()

        await asyncio.wait_for(wait(), 30)


@contextmanager
def listened() -> Iterator[Said]:
    """Hear all that the core says of its connections."""
    logger = logging.getLogger("sshpyk_core")
    said, level = Said(), logger.level
    logger.addHandler(said)
    logger.setLevel(logging.DEBUG)
    try:
        yield said
    finally:
        logger.setLevel(level)
        logger.removeHandler(said)


async def test_after_a_needed_login_an_interrupt_connects_again(
    make_far: MakeFarSide, tmp_path: Path
) -> None:
    far = make_far()
    async with started() as (manager, client):
        with listened() as said:
            far.server.authorize(make_key(tmp_path / "another"))
            await asyncio.to_thread(far.server.cut)
            await said.wait_for("needs login")
            attempts = far.server.log().count("Connection from")
            assert await manager.is_alive()
            far.server.authorize(far.server.client.public_key)
            assert said.containing("connected again") == []
            await manager.interrupt_kernel()
            await said.wait_for("connected again")
            assert (await execute(client, "print('back')")).text == "back\n"
            cell = await interrupted(manager, client, BUSY)
            assert cell.reply["ename"] == "KeyboardInterrupt"
            assert len(said.containing("needs login")) == 1
            assert far.server.log().count("Connection from") == attempts + 1
    assert far.left_behind() == []


async def test_an_alias_that_leads_to_another_host_is_refused_while_kernels_run(
    make_far: MakeFarSide, tmp_path: Path
) -> None:
    program = tmp_path / "login"
    here = '#!/bin/sh\nexec sh -c "$SSH_ORIGINAL_COMMAND"\n'
    program.write_text(here)
    program.chmod(0o755)
    other = require_other_host(tmp_path, "elsewhere")
    far = make_far(sshd_config=[f"ForceCommand {program}"])
    async with started() as (manager, client):
        before = far.supervisors()
        with listened() as said:
            program.write_text(f"#!/bin/sh\nexec {other}\n")
            await asyncio.to_thread(far.server.cut)
            await said.wait_for("it is elsewhere now, but the kernels are on ")
            assert await manager.is_alive()
            program.write_text(here)
            await said.wait_for("connected again")
        assert (await execute(client, "print('same host')", timeout=READY)).text == "same host\n"
        assert far.supervisors() == before
    assert far.left_behind() == []
