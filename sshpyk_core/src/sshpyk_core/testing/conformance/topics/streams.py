"""The bytes of a remote command: untouched, apart from each other, in time, and all of them."""

from __future__ import annotations

import asyncio
import hashlib

from sshpyk_core.testing.conformance.remote import (
    BLOCK_BYTES,
    FLOOD,
    PRODUCE,
    RECEIVE,
    blocks,
    checksum,
    sh,
)
from sshpyk_core.testing.conformance.runner import within
from sshpyk_core.testing.conformance.topic import Topic
from sshpyk_core.testing.conformance.trial import CONNECT_SECONDS, SOON_SECONDS, Trial
from sshpyk_core.types import ByteReader, RemoteProcess

__all__ = ["Streams"]

VOLUME_BLOCKS = 64
VOLUME_SECONDS = 60.0
BOUND_BYTES = 64 << 20
ONE_ROUND_TRIP_SECONDS = 0.03

HOLD = """
import os, signal
print(os.getpid(), flush=True)
signal.pause()
"""
BOTH = """
import os
for _ in range(256):
    os.write(1, b"o" * 16384)
    os.write(2, b"e" * 16384)
"""


class Streams(Topic):
    """``stdin``, ``stdout`` and ``stderr`` of a remote process."""

    async def test_all_256_byte_values_pass_unchanged_both_ways(self, trial: Trial) -> None:
        content = bytes(range(256)) * 300
        async with trial.session() as session:
            outcome = await trial.run(session, "cat", content)
            assert (outcome.status, outcome.errors) == (0, b"")
            assert outcome.output == content

    async def test_standard_error_is_apart_from_standard_output(self, trial: Trial) -> None:
        async with trial.session() as session:
            outcome = await trial.run(session, sh("echo out; echo err >&2; echo out again"))
            assert outcome.output == b"out\nout again\n"
            assert outcome.errors == b"err\n"

    async def test_both_outputs_carry_megabytes_at_once(self, trial: Trial) -> None:
        async with trial.session() as session:
            outcome = await trial.run(session, trial.python(BOTH))
            assert outcome.output == b"o" * (4 << 20)
            assert outcome.errors == b"e" * (4 << 20)

    async def test_the_end_of_the_input_leaves_the_outputs_open(self, trial: Trial) -> None:
        command = sh("cat; echo after the end; echo errors too >&2; exit 3")
        async with trial.session() as session:
            outcome = await trial.run(session, command, b"in\n")
            assert outcome.output == b"in\nafter the end\n"
            assert outcome.errors == b"errors too\n"
            assert outcome.status == 3

    async def test_reading_gives_what_is_there_and_at_most_what_was_asked_for(
        self, trial: Trial
    ) -> None:
        async with trial.session() as session:
            process = await trial.launch(session, sh("printf abcdef; cat; echo"))
            got = b""
            while len(got) < 6:
                part = await within(SOON_SECONDS, process.stdout.read(4), "ByteReader.read(4)")
                assert 1 <= len(part) <= 4
                got += part
            assert got == b"abcdef"
            process.stdin.write(b"ghi")
            rest = await within(SOON_SECONDS, process.stdout.read(1000), "ByteReader.read(1000)")
            process.stdin.close()
            rest += await within(SOON_SECONDS, process.stdout.read(), "ByteReader.read()")
            assert rest == b"ghi\n"
            for count in (1, -1, 1000):
                assert await process.stdout.read(count) == b"", "the end of an output stays"
                assert await process.stderr.read(count) == b""
            assert await process.wait() == 0
            await process.terminate()

    async def test_output_can_be_read_after_the_command_has_ended(self, trial: Trial) -> None:
        async with trial.session() as session:
            process = await trial.launch(session, sh("echo out; echo err >&2"))
            assert await within(SOON_SECONDS, process.wait(), "RemoteProcess.wait") == 0
            assert await process.stdout.read() == b"out\n"
            assert await process.stderr.read() == b"err\n"
            await process.terminate()

    async def test_a_small_write_goes_out_at_once(self, trial: Trial) -> None:
        loop = asyncio.get_running_loop()
        async with trial.session() as session:
            process = await trial.launch(session, "exec cat")
            quickest = SOON_SECONDS
            for _ in range(30):
                started = loop.time()
                process.stdin.write(b"x")
                await process.stdin.drain()
                assert await process.stdout.read(1) == b"x"
                quickest = min(quickest, loop.time() - started)
            await process.terminate()
        assert quickest < ONE_ROUND_TRIP_SECONDS, f"a byte takes {quickest:.3f} s there and back"

    async def test_64_mib_come_whole(self, trial: Trial) -> None:
        async with trial.session() as session:
            process = await trial.launch(session, trial.python(PRODUCE, str(VOLUME_BLOCKS)))
            process.stdin.close()
            got = await within(VOLUME_SECONDS, _hashed(process.stdout), "receiving 64 MiB")
            assert got == (VOLUME_BLOCKS * BLOCK_BYTES, checksum(VOLUME_BLOCKS))
            assert await process.wait() == 0
            await process.terminate()

    async def test_64_mib_go_whole(self, trial: Trial) -> None:
        async with trial.session() as session:
            process = await trial.launch(session, trial.python(RECEIVE))
            await within(VOLUME_SECONDS, _send(process), "sending 64 MiB")
            said = await within(SOON_SECONDS, process.stdout.read(), "the answer to 64 MiB")
            expected = f"{VOLUME_BLOCKS * BLOCK_BYTES} {checksum(VOLUME_BLOCKS)}"
            assert said.decode().strip() == expected
            assert await process.wait() == 0
            await process.terminate()

    async def test_64_mib_go_and_come_at_once(self, trial: Trial) -> None:
        async with trial.session() as session:
            process = await trial.launch(session, "exec cat")
            both = asyncio.gather(_send(process), _hashed(process.stdout))
            _, got = await within(VOLUME_SECONDS, both, "64 MiB there and back")
            assert got == (VOLUME_BLOCKS * BLOCK_BYTES, checksum(VOLUME_BLOCKS))
            assert await process.wait() == 0
            await process.terminate()

    async def test_a_reader_that_does_not_read_holds_the_command_back(self, trial: Trial) -> None:
        async with trial.session() as session, trial.scratch(session) as scratch:
            count = f"{scratch}/count"
            process = await trial.launch(session, trial.python(FLOOD, count))
            written, before = 0, -1
            while written != before or written == 0:
                assert written < BOUND_BYTES, f"{written} bytes that nobody reads were taken"
                await asyncio.sleep(0.25)  # nothing tells that a command is held back
                said = await trial.run(session, f"cat {count}")
                before, written = written, int(said.output or b"0")
            got = 0
            while got <= written:
                got += len(await within(SOON_SECONDS, process.stdout.read(1 << 20), "reading on"))
            await within(SOON_SECONDS, process.terminate(), "RemoteProcess.terminate")

    async def test_a_command_that_does_not_read_holds_the_writer_back(self, trial: Trial) -> None:
        async with trial.session() as session:
            process = await trial.launch(session, trial.python(HOLD))
            pid = int(await within(CONNECT_SECONDS, process.stdout.read(100), "a first line"))
            written = 0
            held = False
            while not held:
                assert written < BOUND_BYTES, f"{written} bytes that nobody reads were taken"
                process.stdin.write(bytes(1 << 18))
                written += 1 << 18
                draining = asyncio.ensure_future(process.stdin.drain())
                held = not (await asyncio.wait([draining], timeout=1))[0]
            assert await trial.transport.signal(session, pid, 9)
            await within(SOON_SECONDS, asyncio.wait([draining]), "drain after the command's end")
            await within(SOON_SECONDS, process.terminate(), "RemoteProcess.terminate")
            draining.exception()  # it may fail or not, in the moment of the end


async def _send(process: RemoteProcess) -> None:
    for block in blocks(VOLUME_BLOCKS):
        process.stdin.write(block)
        await process.stdin.drain()
    process.stdin.close()


async def _hashed(reader: ByteReader) -> tuple[int, str]:
    digest = hashlib.sha256()
    size = 0
    while data := await reader.read(1 << 20):
        digest.update(data)
        size += len(data)
    return size, digest.hexdigest()
