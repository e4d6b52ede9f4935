"""Who answers in one login: memory, the keyring, a person; how often; what is kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import keyring.core
import pytest
from sshpyk_core.prompting import login as login_module
from sshpyk_core.prompting.keyring_store import KeyringStore
from sshpyk_core.prompting.login import Login, Shared
from sshpyk_core.prompting.patience import Patience
from sshpyk_core.types import Question
from support.file_keyring import BACKEND, FILE, MOOD, FileKeyring, kept
from support.prompters import Somebody

ABOUT = "me@host:22"
PASSWORD = Question("password", "me@host's password: ", ABOUT)
CODE = Question("code", "Code: ")
KEEP = "Keep the password for me@host:22 in the keyring"


@pytest.fixture
def file_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the library use a keyring in a file."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", BACKEND)
    monkeypatch.setenv(FILE, str(tmp_path / "keyring.json"))
    keyring.core.init_backend()
    FileKeyring.going_on.clear()
    yield
    FileKeyring.going_on.set()
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    keyring.core.init_backend()


def begin(shared: Shared, somebody: Somebody | None = None) -> Login:
    return Login(shared, somebody, Patience())


async def logged_in(shared: Shared, *answers: str) -> Somebody:
    """Have somebody give a password that turns out to be right, and what is asked after it."""
    somebody = Somebody(*answers)
    login = begin(shared, somebody)
    assert await login.ask(PASSWORD) == answers[0]
    await login.accepted()
    return somebody


async def test_what_let_in_is_remembered_and_nobody_is_asked_again() -> None:
    shared = Shared()
    assert begin(shared).prompter is None
    await logged_in(shared, "right")
    recalling = begin(shared)
    assert recalling.prompter is recalling
    assert not recalling.in_person
    assert await recalling.ask(PASSWORD) == "right"
    other = Question("password", "x", "me@other:22")
    assert await recalling.ask(other) is None


async def test_what_did_not_let_in_is_not_remembered() -> None:
    shared = Shared()
    somebody = Somebody("wrong")
    login = begin(shared, somebody)
    await login.ask(PASSWORD)
    login.refused()
    assert not shared.memory


async def test_a_remembered_answer_is_given_once_and_forgotten_when_wrong() -> None:
    shared = Shared()
    await logged_in(shared, "old")
    recalling = begin(shared)
    assert await recalling.ask(PASSWORD) == "old"
    assert await recalling.ask(PASSWORD) is None
    assert begin(shared).prompter is None
    await logged_in(shared, "old")
    login = begin(shared, Somebody("new"))
    assert [await login.ask(PASSWORD) for _ in range(2)] == ["old", "new"]
    await login.accepted()
    assert await begin(shared).ask(PASSWORD) == "new"


async def test_a_login_that_failed_after_one_answer_forgets_it() -> None:
    shared = Shared()
    await logged_in(shared, "old")
    recalling = begin(shared)
    await recalling.ask(PASSWORD)
    recalling.refused()
    assert not shared.memory


async def test_a_question_is_asked_three_times_in_all() -> None:
    shared = Shared()
    await logged_in(shared, "old")
    somebody = Somebody(*"abcdef")
    login = begin(shared, somebody)
    assert [await login.ask(PASSWORD) for _ in range(4)] == ["old", "a", "b", None]
    assert [await login.ask(CODE) for _ in range(4)] == ["c", "d", "e", None]


async def test_codes_and_host_keys_are_never_remembered() -> None:
    shared = Shared()
    login = begin(shared, Somebody("1", "yes", "p"))
    for question in (CODE, Question("host key", "?", secret=False), Question("password", "?")):
        assert await login.ask(question) is not None
    await login.accepted()
    assert not shared.memory
    assert await begin(shared).ask(CODE) is None


async def test_further_connections_of_a_session_get_the_same_answer() -> None:
    shared = Shared()
    login = begin(shared, Somebody("right"))
    await login.ask(PASSWORD)
    await login.accepted()
    login.dismiss()
    assert [await login.ask(PASSWORD) for _ in range(5)] == ["right"] * 5
    assert await login.ask(CODE) is None


async def test_dismissing_closes_the_dialog() -> None:
    somebody = Somebody(thinks=True)
    login = begin(Shared(), somebody)
    asking = asyncio.create_task(login.ask(PASSWORD))
    await somebody.heard.wait()
    login.dismiss()
    assert await asking is None
    assert somebody.dismissed.is_set()
    assert await login.ask(PASSWORD) is None
    assert len(somebody.asked) == 1


async def test_cancelling_closes_the_dialog() -> None:
    somebody = Somebody(thinks=True)
    asking = asyncio.create_task(begin(Shared(), somebody).ask(PASSWORD))
    await somebody.heard.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert somebody.dismissed.is_set()


async def test_a_dialog_that_nobody_answers_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login_module, "ANSWER_PATIENCE", 0.1)
    somebody = Somebody(thinks=True)
    login = begin(Shared(), somebody)
    assert await login.ask(PASSWORD) is None
    assert somebody.dismissed.is_set()
    assert await login.ask(CODE) is None


async def test_a_person_is_asked_one_question_at_a_time() -> None:
    shared = Shared()
    first, second = Somebody(thinks=True), Somebody("answer")
    thinking = begin(shared, first)
    asking = asyncio.create_task(thinking.ask(PASSWORD))
    await first.heard.wait()
    waiting = asyncio.create_task(begin(shared, second).ask(CODE))
    await asyncio.wait([waiting], timeout=0.05)
    assert second.asked == []
    thinking.dismiss()
    assert await waiting == "answer"
    assert await asking is None


async def test_secrets_do_not_show() -> None:
    shared = Shared()
    login = begin(shared, Somebody("hunter2"))
    await login.ask(PASSWORD)
    await login.accepted()
    assert "hunter2" not in f"{shared!r} {login!r} {vars(login)!r} {shared.memory!r}"


# The keyring


@pytest.mark.usefixtures("file_keyring")
async def test_the_keyring_takes_what_worked_where_the_person_agrees() -> None:
    somebody = await logged_in(Shared(), "right", "yes")
    assert [question.kind for question in somebody.asked] == ["password", "confirm"]
    assert KEEP in somebody.asked[1].text
    assert kept() == {ABOUT: "right"}
    another_process = begin(Shared())
    assert await another_process.ask(PASSWORD) == "right"
    assert await another_process.ask(PASSWORD) is None
    unneeded = Somebody()
    login = begin(Shared(), unneeded)
    assert await login.ask(PASSWORD) == "right"
    await login.accepted()
    assert unneeded.asked == []


@pytest.mark.usefixtures("file_keyring")
async def test_what_a_person_does_not_want_kept_is_offered_once() -> None:
    shared = Shared()
    await logged_in(shared, "right", "no")
    assert kept() == {}
    shared.memory.drop((PASSWORD.kind, ABOUT), "right")
    again = await logged_in(shared, "right", "yes")
    assert len(again.asked) == 1
    assert kept() == {}


@pytest.mark.usefixtures("file_keyring")
async def test_a_wrong_entry_is_replaced() -> None:
    await logged_in(Shared(), "old", "yes")
    somebody = Somebody("new", "yes")
    login = begin(Shared(), somebody)
    assert [await login.ask(PASSWORD) for _ in range(2)] == ["old", "new"]
    await login.accepted()
    assert kept() == {ABOUT: "new"}


@pytest.mark.usefixtures("file_keyring")
async def test_a_reconnect_tries_what_the_keyring_has_beside_a_wrong_memory() -> None:
    shared = Shared()
    await logged_in(shared, "new", "yes")
    shared.memory.put((PASSWORD.kind, ABOUT), "old")
    recalling = begin(shared)
    assert [await recalling.ask(PASSWORD) for _ in range(3)] == ["old", "new", None]


@pytest.mark.usefixtures("file_keyring")
async def test_a_broken_keyring_is_no_answer_and_a_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(MOOD, "broken")
    with caplog.at_level(logging.DEBUG):
        await logged_in(Shared(), "right", "yes")
    assert "could not read me@host:22 from the keyring: OSError" in caplog.text
    assert "could not write me@host:22 to the keyring: OSError" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.usefixtures("file_keyring")
async def test_a_hanging_keyring_is_no_answer_and_is_not_asked_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(MOOD, "hanging")
    shared = Shared(keyring=KeyringStore(limit_seconds=0.2))
    login = begin(shared, Somebody("right", "yes"))
    assert await login.ask(PASSWORD) == "right"
    await login.accepted()
    assert "no answer within 0.2 s" in caplog.text
    assert "an earlier call still hangs" in caplog.text


async def test_a_keyring_that_keeps_nothing_is_not_offered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    keyring.core.init_backend()
    assert len((await logged_in(Shared(), "right")).asked) == 1


# Patience


async def test_time_that_a_person_takes_does_not_count() -> None:
    patience = Patience()
    asked, answered = asyncio.Event(), asyncio.Event()

    async def work() -> str:
        with patience.asking():
            asked.set()
            await answered.wait()
        return "done"

    waiting = asyncio.create_task(patience.wait_for(work(), 0.2))
    await asked.wait()
    await asyncio.wait([waiting], timeout=0.5)
    assert not waiting.done()
    answered.set()
    assert await waiting == "done"


async def test_time_before_and_after_a_question_counts_together() -> None:
    patience = Patience()
    ended = asyncio.Event()

    async def work() -> None:
        try:
            for _ in range(100):
                await asyncio.sleep(0.05)
                with patience.asking():
                    await asyncio.sleep(0)
        finally:
            ended.set()

    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(patience.wait_for(work(), 0.2), 4)
    assert ended.is_set()


async def test_what_the_work_raises_is_raised() -> None:
    async def work() -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await Patience().wait_for(work(), 5)
