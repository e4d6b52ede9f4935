"""Remote commands: how they start, how they end, and what is left when they were cancelled."""

from __future__ import annotations

import asyncio

import pytest

from sshpyk_core.declaration import Capability
from sshpyk_core.errors import LaunchError
from sshpyk_core.testing.conformance.needs import needs, where_undeclared, with_server
from sshpyk_core.testing.conformance.remote import sh
from sshpyk_core.testing.conformance.runner import within
from sshpyk_core.testing.conformance.servers import ServerFeature
from sshpyk_core.testing.conformance.topic import Topic
from sshpyk_core.testing.conformance.trial import SOON_SECONDS, Trial
from sshpyk_core.types import NO_EXIT_STATUS, RemoteProcess, Session

__all__ = ["Commands"]

FEW = 3


class Commands(Topic):
    """What ``sshpyk_launch`` gives."""

    async def test_the_exit_status_is_that_of_the_command(self, trial: Trial) -> None:
        async with trial.session() as session:
            for status in (0, 1, 7, 127, 255):
                assert (await trial.run(session, f"exit {status}")).status == status

    async def test_a_command_that_there_is_not_is_told_by_the_shell(self, trial: Trial) -> None:
        async with trial.session() as session:
            outcome = await trial.run(session, "no-such-command-anywhere")
            assert outcome.status == 127
            assert b"no-such-command-anywhere" in outcome.errors

    @needs(Capability.EXIT_SIGNALS, ServerFeature.EXIT_SIGNALS)
    async def test_the_signal_that_ends_a_command_is_told(self, trial: Trial) -> None:
        async with trial.session() as session:
            for signum in (9, 15):
                assert (await trial.run(session, KILL_ITSELF % signum)).status == -signum

    @where_undeclared(Capability.EXIT_SIGNALS)
    async def test_a_signal_that_is_not_told_is_no_success(self, trial: Trial) -> None:
        async with trial.session() as session:
            status = (await trial.run(session, KILL_ITSELF % 9)).status
            assert status in (NO_EXIT_STATUS, 128 + 9, -9)

    async def test_a_command_reaches_the_shell_as_it_is(self, trial: Trial) -> None:
        async with trial.session() as session:
            for word in ("two  spaces", "$HOME", 'a "quoted" one', "50 % & more; *"):
                assert await trial.says(session, f"printf %s '{word}'") == word

    async def test_there_is_no_terminal(self, trial: Trial) -> None:
        command = sh("for n in 0 1 2; do if [ -t $n ]; then echo $n; fi; done")
        async with trial.session() as session:
            assert await trial.says(session, command) == ""

    async def test_many_commands_in_turn(self, trial: Trial) -> None:
        async with trial.session() as session:
            for number in range(15):
                assert await trial.says(session, f"echo {number}") == str(number)

    async def test_several_commands_at_once(self, trial: Trial) -> None:
        async with trial.session() as session:
            running = [await trial.launch(session, f"cat; echo {n}") for n in range(8)]
            work = (trial.outcome(process, b"in ") for process in reversed(running))
            outcomes = await within(SOON_SECONDS, asyncio.gather(*work), "eight commands at once")
            said = [outcome.output for outcome in reversed(outcomes)]
            assert said == [b"in %d\n" % number for number in range(8)]
            for process in running:
                await process.terminate()

    async def test_a_command_may_end_while_its_input_is_still_sent(self, trial: Trial) -> None:
        async with trial.session() as session:
            outcome = await trial.run(session, sh("head -c 3; echo; exit 4"), b"abc" * (4 << 20))
            assert outcome.output == b"abc\n"
            assert outcome.status == 4
            await trial.works(session)

    async def test_writing_to_a_command_that_has_ended_fails(self, trial: Trial) -> None:
        async with trial.session() as session:
            process = await trial.launch(session, "exit 0")
            assert await within(SOON_SECONDS, process.wait(), "RemoteProcess.wait") == 0
            with pytest.raises(OSError):  # noqa: PT011 - which one depends on who noticed first
                await within(SOON_SECONDS, _write_for_ever(process), "ByteWriter.drain at the end")
            process.stdin.close()
            await process.terminate()

    @needs(ServerFeature.QUICK_CHANNELS)
    async def test_terminating_closes_the_channel(self, trial: Trial) -> None:
        async with trial.session() as session:
            process = await trial.launch(session, sh("echo $$; exec cat"))
            pid = int(await within(SOON_SECONDS, process.stdout.read(100), "a first line"))
            waiting = asyncio.ensure_future(process.wait())
            await within(SOON_SECONDS, process.terminate(), "RemoteProcess.terminate")
            await within(SOON_SECONDS, process.terminate(), "a second RemoteProcess.terminate")
            await within(SOON_SECONDS, waiting, "RemoteProcess.wait after terminate")
            await within(SOON_SECONDS, process.wait(), "a second RemoteProcess.wait")
            with pytest.raises(OSError):  # noqa: PT011
                await within(SOON_SECONDS, _write_for_ever(process), "ByteWriter.drain at the end")
            await within(SOON_SECONDS, _gone(trial, session, pid), "the end of the input there")

    async def test_terminating_a_command_that_has_ended_is_harmless(self, trial: Trial) -> None:
        async with trial.session() as session:
            process = await trial.launch(session, "exit 7")
            assert await process.wait() == 7
            await process.terminate()
            assert await process.wait() == 7
            await trial.works(session)

    async def test_cancelled_waiting_and_reading_lose_nothing(self, trial: Trial) -> None:
        async with trial.session() as session:
            process = await trial.launch(session, "exec cat")
            assert await trial.cancelled(process.wait(), 0.05) is None
            assert await trial.cancelled(process.stdout.read(10), 0.05) is None
            assert await trial.cancelled(process.stdout.read(), 0.05) is None
            process.stdin.write(b"all of it")
            process.stdin.close()
            read = within(SOON_SECONDS, process.stdout.read(), "ByteReader.read")
            assert await read == b"all of it"
            assert await within(SOON_SECONDS, process.wait(), "RemoteProcess.wait") == 0
            await process.terminate()

    @needs(ServerFeature.QUICK_CHANNELS)
    async def test_a_launch_that_is_cancelled_leaves_nothing(self, trial: Trial) -> None:
        loop = asyncio.get_running_loop()
        async with trial.session() as session:
            await trial.works(session)
            started = loop.time()
            process = await trial.launch(session, "exec cat")
            took = loop.time() - started
            await process.terminate()
            async with trial.leaving_nothing():
                # Often enough that sessions which were not given back would use up sshd's ten.
                for part in (0.0, 0.1, 0.25, 0.5, 0.75, 0.9) * 3:
                    call = trial.transport.launch(session, "exec cat")
                    launched = await trial.cancelled(call, took * part)
                    if launched is not None:
                        await launched.terminate()
                await trial.works(session)

    @with_server(max_sessions=FEW)
    async def test_a_channel_that_the_server_refuses_is_told_and_harms_nothing(
        self, trial: Trial
    ) -> None:
        async with trial.session() as session:
            held = [await trial.launch(session, "exec cat") for _ in range(FEW)]
            with pytest.raises(LaunchError) as refused:
                await trial.launch(session, "true")
            assert refused.value.host == trial.target.alias
            assert refused.value.answer
            assert "MaxSessions" in refused.value.fix
            assert not session.closed.done()
            held[0].stdin.write(b"still here")
            assert await within(SOON_SECONDS, held[0].stdout.read(100), "echo") == b"still here"
            for process in held:
                await process.terminate()
            await trial.works(session)


KILL_ITSELF = "exec sh -c 'kill -%d $$'"


async def _write_for_ever(process: RemoteProcess) -> None:
    while True:
        process.stdin.write(b"x")
        await process.stdin.drain()
        await asyncio.sleep(0.01)  # the news that the channel is gone may be under way


async def _gone(trial: Trial, session: Session, pid: int) -> None:
    while await trial.transport.signal(session, pid, 0):
        await asyncio.sleep(0.05)  # nothing tells when a process on the host has ended
