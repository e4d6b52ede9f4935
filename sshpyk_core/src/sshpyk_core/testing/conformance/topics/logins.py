"""Credentials: which are asked for, how often, and what becomes of a refusal."""

from __future__ import annotations

import asyncio
import logging

from sshpyk_core.declaration import Capability
from sshpyk_core.errors import AuthenticationError
from sshpyk_core.testing.conformance.needs import needs, with_server
from sshpyk_core.testing.conformance.patience import patiently
from sshpyk_core.testing.conformance.runner import within
from sshpyk_core.testing.conformance.somebody import Nobody, Silent, Somebody
from sshpyk_core.testing.conformance.topic import Topic
from sshpyk_core.testing.conformance.trial import CONNECT_SECONDS, SOON_SECONDS, Trial

__all__ = ["Logins"]

SECRET = "open sesame 4711"
ROUND = (("First code: ", "111"), ("Second code: ", "222"))
MOST_QUESTIONS = 3


class Logins(Topic):
    """The prompter, and what ``sshpyk_connect`` does without one."""

    @needs(Capability.LOGIN, Capability.NETWORK)
    async def test_a_key_that_is_refused_is_told(self, trial: Trial) -> None:
        trial.server.files.offer_wrong_key()
        await trial.refused(AuthenticationError)
        await trial.refused(AuthenticationError, Nobody())
        trial.server.files.offer_right_key()
        async with trial.session() as session:
            await trial.works(session)

    @needs(Capability.LOGIN)
    @with_server(password=SECRET, key=False)
    async def test_a_password_is_asked_for_once(self, trial: Trial) -> None:
        somebody = Somebody(lambda question, before: SECRET)
        async with trial.session(somebody) as session:
            await trial.works(session)
        (question,) = somebody.questions
        assert question.kind == "password"
        assert question.secret
        assert question.text
        assert question.about.startswith(f"{trial.server.user}@")
        assert question.about.endswith(f":{trial.server.port}")

    @needs(Capability.LOGIN)
    @with_server(password=SECRET, key=False)
    async def test_a_wrong_password_is_asked_for_again_in_the_same_words(
        self, trial: Trial
    ) -> None:
        somebody = Somebody(lambda question, before: SECRET if before else "wrong")
        async with trial.session(somebody) as session:
            await trial.works(session)
        assert len(somebody.questions) == 2
        assert somebody.questions[0] == somebody.questions[1]

    @needs(Capability.LOGIN)
    @with_server(password=SECRET, key=False)
    async def test_wrong_passwords_come_to_an_end(self, trial: Trial) -> None:
        somebody = Somebody(lambda question, before: "wrong")
        await trial.refused(AuthenticationError, somebody)
        assert 1 <= len(somebody.questions) <= MOST_QUESTIONS

    @needs(Capability.LOGIN)
    @with_server(password=SECRET, key=False)
    async def test_declining_is_a_refusal_and_is_asked_only_once(self, trial: Trial) -> None:
        nobody = Nobody()
        await trial.refused(AuthenticationError, nobody)
        assert len(nobody.questions) == 1

    @needs(Capability.LOGIN)
    @with_server(password=SECRET, questions=ROUND, key=False)
    async def test_where_nobody_can_be_asked_nothing_waits(self, trial: Trial) -> None:
        refusal = trial.refused(AuthenticationError)
        await within(SOON_SECONDS, refusal, "a login without a prompter")

    @needs(Capability.LOGIN)
    @with_server(questions=ROUND, key=False)
    async def test_every_question_of_a_round_is_asked(self, trial: Trial) -> None:
        answers = dict(ROUND)
        somebody = Somebody(
            lambda question, before: next(
                (answers[text] for text in answers if text.strip() in question.text), None
            )
        )
        async with trial.session(somebody) as session:
            await trial.works(session)
        assert [question.kind for question in somebody.questions] == ["code", "code"]
        assert [question.about for question in somebody.questions] == ["", ""]

    @needs(Capability.LOGIN)
    @with_server(questions=(("Password: ", SECRET),), key=False)
    async def test_a_round_that_asks_for_the_password_alone_is_a_password(
        self, trial: Trial
    ) -> None:
        somebody = Somebody(lambda question, before: SECRET)
        async with trial.session(somebody) as session:
            await trial.works(session)
        assert [question.kind for question in somebody.questions] == ["password"]
        assert somebody.questions[0].about.startswith(f"{trial.server.user}@")

    @needs(Capability.LOGIN, Capability.NETWORK)
    async def test_the_passphrase_of_a_key_is_asked_for(self, trial: Trial) -> None:
        trial.server.protect_key(SECRET)
        somebody = Somebody(lambda question, before: SECRET)
        async with trial.session(somebody) as session:
            await trial.works(session)
        (question,) = somebody.questions
        assert question.kind == "passphrase"
        assert question.secret
        # Empty where a transport cannot be sure that it was not the server that asked.
        assert question.about in (str(trial.server.user_key), "")

    @needs(Capability.LOGIN, Capability.NETWORK)
    async def test_a_passphrase_that_nobody_gives_is_a_refusal(self, trial: Trial) -> None:
        trial.server.protect_key(SECRET)
        await within(SOON_SECONDS, trial.refused(AuthenticationError), "a login without a prompter")
        wrong = Somebody(lambda question, before: "wrong")
        await trial.refused(AuthenticationError, wrong)
        assert 1 <= len(wrong.questions) <= MOST_QUESTIONS

    @needs(Capability.LOGIN)
    @with_server(password=SECRET, key=False)
    async def test_a_login_that_is_cancelled_withdraws_its_question(self, trial: Trial) -> None:
        async with trial.leaving_nothing():
            silent = Silent()
            connecting = asyncio.ensure_future(trial.transport.connect(trial.target, silent))
            await within(CONNECT_SECONDS, silent.asked.wait(), "a question")
            connecting.cancel()
            done, _ = await asyncio.wait([connecting], timeout=patiently(SOON_SECONDS))
            assert done, "a login that is cancelled does not end"
            await within(SOON_SECONDS, silent.withdrawn.wait(), "withdrawing a question")

    @needs(Capability.LOGIN)
    @with_server(password=SECRET, key=False)
    async def test_no_answer_shows_in_errors_or_logs(self, trial: Trial) -> None:
        log = _Log()
        logging.getLogger().addHandler(log)
        level = logging.getLogger().level
        logging.getLogger().setLevel(logging.DEBUG)
        try:
            async with trial.session(Somebody(lambda question, before: SECRET)) as session:
                await trial.works(session)
            wrong = Somebody(lambda question, before: f"{SECRET} wrong")
            error: BaseException | None = await trial.refused(AuthenticationError, wrong)
        finally:
            logging.getLogger().setLevel(level)
            logging.getLogger().removeHandler(log)
        assert not [line for line in log.lines if SECRET in line]
        while error is not None:
            assert SECRET not in f"{error} {error!r}"
            error = error.__cause__ or error.__context__


class _Log(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
