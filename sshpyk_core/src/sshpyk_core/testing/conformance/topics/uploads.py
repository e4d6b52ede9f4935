"""Files on the host: whole or not at all."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from sshpyk_core.declaration import Capability
from sshpyk_core.errors import SessionError, UploadError
from sshpyk_core.shell import quote
from sshpyk_core.testing.conformance.needs import needs
from sshpyk_core.testing.conformance.remote import sh
from sshpyk_core.testing.conformance.runner import within
from sshpyk_core.testing.conformance.servers import ServerFeature
from sshpyk_core.testing.conformance.topic import Topic
from sshpyk_core.testing.conformance.trial import CONNECT_SECONDS, SOON_SECONDS, Trial
from sshpyk_core.types import Session

__all__ = ["Uploads"]

BIG = bytes(range(251)) * 20_890
"""5 MiB, without a length that would fit a block."""

NAMES = (
    "plain.pyz",
    "two words",
    "a 'single' and a \"double\" quote",
    "$HOME `id` !! \\ back",
    "caf\u00e9 \u6f22\u5b57",
    "-dash",
    "*",
)

EXAMINE = """
import hashlib, os, sys
path = sys.argv[1]
with open(path, "rb") as file:
    content = file.read()
print(len(content), hashlib.sha256(content).hexdigest(), oct(os.stat(path).st_mode & 0o7777))
"""


class Uploads(Topic):
    """``sshpyk_upload``."""

    async def test_a_file_arrives_with_its_bytes_and_its_mode(self, trial: Trial) -> None:
        contents = {"all": bytes(range(256)), "empty": b"", "big": BIG, "newline": b"\n\r\n"}
        async with trial.session() as session, trial.scratch(session) as scratch:
            for mode, (name, content) in zip(
                (0o600, 0o644, 0o755, 0o400), contents.items(), strict=True
            ):
                await _upload(trial, session, content, f"{scratch}/{name}", mode)
                assert await _seen(trial, session, f"{scratch}/{name}") == _as_seen(content, mode)
            assert await _listed(trial, session, scratch) == sorted(contents)

    async def test_any_name_will_do(self, trial: Trial) -> None:
        async with trial.session() as session, trial.scratch(session) as scratch:
            for name in NAMES:
                path = f"{scratch}/{name}"
                await _upload(trial, session, name.encode(), path, 0o600)
                assert await _seen(trial, session, path) == _as_seen(name.encode(), 0o600)
            assert len(await _listed(trial, session, scratch)) == len(NAMES)

    async def test_a_file_that_is_there_is_replaced_with_its_mode(self, trial: Trial) -> None:
        async with trial.session() as session, trial.scratch(session) as scratch:
            path = f"{scratch}/file"
            await _upload(trial, session, b"old and longer", path, 0o644)
            await _upload(trial, session, b"new", path, 0o600)
            assert await _seen(trial, session, path) == _as_seen(b"new", 0o600)
            assert await _listed(trial, session, scratch) == ["file"]

    async def test_two_uploads_of_one_file_leave_one_of_them_whole(self, trial: Trial) -> None:
        contents = (BIG[: 1 << 20], BIG[: 1 << 20][::-1])
        async with trial.session() as session, trial.scratch(session) as scratch:
            path = f"{scratch}/file"
            await asyncio.gather(*(_upload(trial, session, c, path, 0o600) for c in contents))
            assert await _seen(trial, session, path) in [_as_seen(c, 0o600) for c in contents]
            assert await _listed(trial, session, scratch) == ["file"]

    async def test_a_directory_that_is_missing_is_told(self, trial: Trial) -> None:
        async with trial.session() as session, trial.scratch(session) as scratch:
            with pytest.raises(UploadError) as told:
                await _upload(trial, session, b"x", f"{scratch}/missing/file", 0o600)
            _helps(trial, told.value)
            assert await _listed(trial, session, scratch) == []
            await trial.works(session)

    async def test_a_directory_is_not_replaced(self, trial: Trial) -> None:
        async with trial.session() as session, trial.scratch(session) as scratch:
            await trial.says(session, f"mkdir {scratch}/folder")
            with pytest.raises(UploadError) as told:
                await _upload(trial, session, b"x", f"{scratch}/folder", 0o600)
            _helps(trial, told.value)
            listed = await trial.says(
                session, sh(f"ls -A {quote(scratch)} {quote(scratch)}/folder")
            )
            assert listed.split() == [f"{scratch}:", "folder", f"{scratch}/folder:"]

    @needs(ServerFeature.QUICK_CHANNELS)
    async def test_a_cancelled_upload_leaves_all_or_nothing(self, trial: Trial) -> None:
        loop = asyncio.get_running_loop()
        async with trial.session() as session, trial.scratch(session) as scratch:
            started = loop.time()
            await _upload(trial, session, BIG, f"{scratch}/before", 0o600)
            took = loop.time() - started
            for part in (0.0, 0.3, 0.6, 0.9):
                path = f"{scratch}/file"
                call = trial.transport.upload(session, BIG, path, 0o600)
                await trial.cancelled(call, took * part)
                await within(SOON_SECONDS, _settled(trial, session, scratch), "tidying up there")
                if "file" in await _listed(trial, session, scratch):
                    assert await _seen(trial, session, path) == _as_seen(BIG, 0o600)
            await trial.works(session)

    @needs(Capability.NETWORK)
    async def test_an_upload_that_is_cut_leaves_nothing_under_its_name(self, trial: Trial) -> None:
        async with trial.session() as other, trial.scratch(other) as scratch:
            async with trial.session() as session:
                await trial.works(session)
                silence = trial.server.relay.silence(after_bytes=1 << 20)
                path = f"{scratch}/file"
                uploading = asyncio.ensure_future(trial.transport.upload(session, BIG, path, 0o600))
                halfway = asyncio.wrap_future(silence)
                await within(CONNECT_SECONDS, halfway, "the first MiB of an upload")
                trial.server.relay.cut()
                trial.server.relay.resume()
                with pytest.raises(SessionError) as told:
                    await within(SOON_SECONDS, uploading, "an upload over a lost connection")
                assert told.value.host == trial.target.alias
            async with trial.session() as after:
                await within(SOON_SECONDS, _settled(trial, after, scratch), "tidying up there")
                assert await _listed(trial, after, scratch) == []
                await trial.run(after, sh(f"rm -rf {quote(scratch)}"))


async def _upload(trial: Trial, session: Session, content: bytes, path: str, mode: int) -> None:
    work = trial.transport.upload(session, content, path, mode)
    await within(CONNECT_SECONDS, work, "sshpyk_upload")


async def _seen(trial: Trial, session: Session, path: str) -> str:
    return await trial.says(session, trial.python(EXAMINE, path))


def _as_seen(content: bytes, mode: int) -> str:
    return f"{len(content)} {hashlib.sha256(content).hexdigest()} {oct(mode)}"


async def _listed(trial: Trial, session: Session, folder: str) -> list[str]:
    return sorted((await trial.says(session, sh(f"ls -A {quote(folder)}"))).splitlines())


async def _settled(trial: Trial, session: Session, folder: str) -> None:
    """Wait until there is nothing that has not a name of ours."""
    while set(await _listed(trial, session, folder)) - {"before", "file"}:
        await asyncio.sleep(0.05)  # nothing tells when a command on the host has tidied up


def _helps(trial: Trial, error: UploadError) -> None:
    assert error.host == trial.target.alias
    assert error.answer
    assert error.fix
