"""Questions through the SSH_ASKPASS program, as ssh itself asks them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from sshpyk_core.prompting.askpass import Askpass, program
from sshpyk_core.types import Question
from support.askpass import AskpassProgram
from support.scripts import script

SECRET = Question("password", "me@host's password: ", "me@host:22")


async def ask(path: Path, question: Question = SECRET) -> str | None:
    return await Askpass(str(path)).ask(question)


async def test_the_first_line_is_the_answer(tmp_path: Path) -> None:
    asks = AskpassProgram(tmp_path, {"*password*": "open sesame"})
    assert await ask(asks.path) == "open sesame"
    assert asks.asked() == ["|me@host's password: "]
    asks.path.write_text("#!/bin/sh\nprintf 'one\\r\\ntwo\\n'\n")
    assert await ask(asks.path) == "one"


async def test_a_failing_or_missing_program_declines(tmp_path: Path) -> None:
    asks = AskpassProgram(tmp_path, {})
    assert await ask(asks.path) is None
    assert await ask(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    ("does", "answer"),
    [("exit 0", "yes"), ("echo yes", "yes"), ("echo no", "no"), ("exit 1", "no")],
)
async def test_a_confirmation_has_the_hint_of_ssh(tmp_path: Path, does: str, answer: str) -> None:
    path = tmp_path / "askpass"
    script(path, f'#!/bin/sh\n[ "$SSH_ASKPASS_PROMPT" = confirm ] || exit 7\n{does}\n')
    assert await ask(path, Question("confirm", "Really?", secret=False)) == answer


async def test_cancelling_ends_the_program_with_what_it_started(tmp_path: Path) -> None:
    path, fifo = tmp_path / "askpass", tmp_path / "fifo"
    os.mkfifo(fifo)
    # It and its child hold the pipe open: end of file says that both have gone.
    script(path, f"#!/bin/sh\nexec 9>{fifo}\necho asking >&9\nsleep 600\n")
    asking = asyncio.create_task(ask(path))
    with await asyncio.to_thread(fifo.open) as pipe:
        assert await asyncio.to_thread(pipe.readline) == "asking\n"
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await asyncio.wait_for(asyncio.to_thread(pipe.read), 20) == ""


def test_the_program_is_looked_for_as_ssh_does(tmp_path: Path) -> None:
    usual = AskpassProgram(tmp_path, {}).path
    usual = usual.rename(tmp_path / "ssh-askpass")
    mine = AskpassProgram(tmp_path, {}).path
    path = {"PATH": str(tmp_path)}
    assert program(path) is None, "there is no desktop to show it on"
    assert program({**path, "DISPLAY": ":0"}) == str(usual)
    assert program({**path, "DISPLAY": ":0", "SSH_ASKPASS": str(mine)}) == str(mine)
    assert program({**path, "WAYLAND_DISPLAY": "w", "SSH_ASKPASS": "askpass"}) == str(mine)
    assert program({**path, "SSH_ASKPASS_REQUIRE": "force"}) == str(usual)
    assert program({**path, "SSH_ASKPASS_REQUIRE": "prefer"}) is None
    assert program({**path, "DISPLAY": ":0", "SSH_ASKPASS_REQUIRE": "never"}) is None
    assert program({"PATH": "", "DISPLAY": ":0"}) is None
