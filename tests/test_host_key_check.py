"""A host's key is trusted, asked about, remembered or refused as the configuration says."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sshpyk_core.errors import ChangedHostKeyError, HostKeyError, UnknownHostKeyError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.ssh_config import resolve
from sshpyk_core.transport_kit.host_keys.check import check_host_key
from sshpyk_core.transport_kit.host_keys.host_key import HostKey
from sshpyk_core.transport_kit.host_keys.known_hosts import KnownHosts, Verdict
from sshpyk_core.transport_kit.host_keys.trust import (
    judge,
    judge_authority,
    known_algorithms,
    read_known_hosts,
)
from sshpyk_core.types import Question, Target
from support.client import make_key
from support.sshd import SSHServer

PORT = 2222
NAME = f"[box.example.org]:{PORT}"


@dataclass
class Person:
    """Answers one question after the other; then is gone."""

    answers: list[str]
    asked: list[Question] = field(default_factory=list)

    async def ask(self, question: Question) -> str | None:
        self.asked.append(question)
        return self.answers.pop(0) if self.answers else None


@dataclass(frozen=True)
class KnownFile:
    """A file that is there or not."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def text(self) -> str | None:
        return self.path.read_text() if self.path.exists() else None

    def put(self, text: str) -> None:
        self.path.write_text(text)


@pytest.fixture
def key(tmp_path: Path) -> HostKey:
    return HostKey.from_line(make_key(tmp_path / "key"))


@pytest.fixture
def other(tmp_path: Path) -> HostKey:
    return HostKey.from_line(make_key(tmp_path / "other"))


@pytest.fixture
def known(tmp_path: Path) -> KnownFile:
    return KnownFile(tmp_path / "known")


def settings(known: KnownFile | Path | str, strict: str = "ask", **more: str) -> HostSettings:
    entries = {
        "hostname": "box.example.org",
        "port": str(PORT),
        "userknownhostsfile": f"{known}",
        "globalknownhostsfile": f"{known}-global",
        "stricthostkeychecking": strict,
        **more,
    }
    return HostSettings("box", tuple(entries.items()))


def line(name: str, key: HostKey) -> str:
    return f"{name} {key.algorithm} {key.base64}\n"


# Known hosts


@pytest.mark.parametrize("strict", ["yes", "true", "ask", "accept-new", "no", "false", "off"])
async def test_a_trusted_key_is_let_in_without_a_word(
    known: KnownFile, key: HostKey, strict: str, caplog: pytest.LogCaptureFixture
) -> None:
    known.put(line(NAME, key))
    person = Person([])
    await check_host_key(settings(known, strict), key, person)
    assert not person.asked
    assert not caplog.records
    assert known.text == line(NAME, key)


@pytest.mark.parametrize("strict", ["yes", "ask", "accept-new", "no"])
async def test_a_changed_key_is_refused_however_lax_the_checking(
    known: KnownFile, key: HostKey, other: HostKey, strict: str
) -> None:
    known.put(line(NAME, key))
    person = Person(["yes"])
    with pytest.raises(ChangedHostKeyError) as caught:
        await check_host_key(settings(known, strict), other, person)
    assert not person.asked
    assert key.fingerprint in caught.value.answer
    assert other.fingerprint in caught.value.answer
    assert f"`ssh-keygen -R '{NAME}' -f {known}`" in caught.value.fix
    assert "`ssh box`" in caught.value.fix
    assert known.text == line(NAME, key)


@pytest.mark.parametrize("strict", ["yes", "ask", "accept-new", "no"])
@pytest.mark.parametrize("name", [NAME, "box.example.org", "*"])
async def test_a_revoked_key_is_refused_however_lax_the_checking(
    known: KnownFile, key: HostKey, strict: str, name: str
) -> None:
    known.put(line(NAME, key) + line(f"@revoked {name}", key))
    with pytest.raises(ChangedHostKeyError, match="revoked"):
        await check_host_key(settings(known, strict), key, Person(["yes"]))


async def test_the_fix_for_a_changed_key_does_what_it_says(
    known: KnownFile, key: HostKey, other: HostKey
) -> None:
    known.put(line(NAME, key) + line("another", key))
    with pytest.raises(ChangedHostKeyError) as caught:
        await check_host_key(settings(known), other, None)
    command = caught.value.fix.split("`")[1]
    await asyncio.to_thread(subprocess.run, command, shell=True, check=True, capture_output=True)
    assert known.text == line("another", key)


async def test_the_usual_file_needs_no_name_in_the_fix(key: HostKey, other: HostKey) -> None:
    folder = Path(os.environ["HOME"]) / ".ssh"
    folder.mkdir()
    (folder / "known_hosts").write_text(line(NAME, key))
    with pytest.raises(ChangedHostKeyError) as caught:
        await check_host_key(settings("~/.ssh/known_hosts"), other, None)
    assert f"`ssh-keygen -R '{NAME}'`" in caught.value.fix


async def test_the_global_file_counts(known: KnownFile, key: HostKey, other: HostKey) -> None:
    KnownFile(Path(f"{known}-global")).put(line(NAME, key))
    await check_host_key(settings(known, "yes"), key, None)
    with pytest.raises(ChangedHostKeyError):
        await check_host_key(settings(known, "no"), other, None)


async def test_a_host_key_alias_is_the_only_name(known: KnownFile, key: HostKey) -> None:
    known.put(line("the-one", key))
    await check_host_key(settings(known, "yes", hostkeyalias="the-one"), key, None)
    known.put(line(NAME, key) + line("box.example.org", key))
    with pytest.raises(UnknownHostKeyError, match="the-one"):
        await check_host_key(settings(known, "yes", hostkeyalias="the-one"), key, None)


# Unknown hosts


@pytest.mark.parametrize("strict", ["yes", "ask"])
async def test_an_unknown_host_is_refused_where_nobody_can_be_asked(
    known: KnownFile, key: HostKey, strict: str
) -> None:
    with pytest.raises(UnknownHostKeyError) as caught:
        await check_host_key(settings(known, strict), key, None)
    assert key.fingerprint in caught.value.answer
    assert "`ssh box`" in caught.value.fix
    assert known.text is None


async def test_strict_checking_asks_nobody(known: KnownFile, key: HostKey) -> None:
    person = Person(["yes"])
    with pytest.raises(UnknownHostKeyError):
        await check_host_key(settings(known, "yes"), key, person)
    assert not person.asked


@pytest.mark.parametrize("answer", ["yes", "Yes", "fingerprint", " yes\n"])
async def test_a_person_can_accept_a_key(known: KnownFile, key: HostKey, answer: str) -> None:
    person = Person([key.fingerprint if answer == "fingerprint" else answer])
    await check_host_key(settings(known), key, person)
    [question] = person.asked
    assert (question.kind, question.secret, question.about) == ("host key", False, "")
    assert key.fingerprint in question.text
    assert NAME in question.text
    assert known.text == line(NAME, key)


@pytest.mark.parametrize("answers", [["no"], ["NO"], [""], [], ["what?", "no"], ["y", "y", "y"]])
async def test_a_person_can_decline_a_key(
    known: KnownFile, key: HostKey, answers: list[str]
) -> None:
    person = Person(answers)
    with pytest.raises(UnknownHostKeyError):
        await check_host_key(settings(known), key, person)
    assert len(person.asked) <= 3
    assert known.text is None


async def test_the_fingerprint_of_another_key_is_asked_about_again(
    known: KnownFile, key: HostKey, other: HostKey
) -> None:
    person = Person([other.fingerprint, "yes"])
    await check_host_key(settings(known), key, person)
    assert len(person.asked) == 2


@pytest.mark.parametrize("strict", ["accept-new", "no"])
async def test_an_unknown_key_is_accepted_once_and_then_held_to(
    known: KnownFile, key: HostKey, other: HostKey, strict: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await check_host_key(settings(known, strict), key, None)
    assert known.text == line(NAME, key)
    assert key.fingerprint in caplog.text
    warned = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert bool(warned) == (strict == "no")
    with pytest.raises(ChangedHostKeyError):
        await check_host_key(settings(known, strict), other, None)


async def test_names_are_hashed_where_the_configuration_wants_it(
    known: KnownFile, key: HostKey
) -> None:
    wanted = settings(known, "accept-new", hashknownhosts="yes")
    await check_host_key(wanted, key, None)
    assert "example" not in (known.text or "example")
    await check_host_key(settings(known, "yes"), key, None)


async def test_a_file_that_cannot_be_written_is_told_and_the_key_accepted_once(
    tmp_path: Path, key: HostKey, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    wanted = settings(tmp_path / "file" / "known", "accept-new")
    await check_host_key(wanted, key, None)
    assert "not added" in caplog.text
    with pytest.raises(UnknownHostKeyError):
        await check_host_key(settings(tmp_path / "file" / "known", "yes"), key, None)


@pytest.mark.parametrize("strict", ["yes", "ask"])
async def test_having_no_known_hosts_file_does_not_turn_checking_off(
    key: HostKey, strict: str
) -> None:
    wanted = settings("none", strict, globalknownhostsfile="none")
    with pytest.raises(UnknownHostKeyError):
        await check_host_key(wanted, key, None)


async def test_an_accepted_key_has_nowhere_to_go_without_a_file(
    key: HostKey, caplog: pytest.LogCaptureFixture
) -> None:
    await check_host_key(settings("none", "ask"), key, Person(["yes"]))
    assert "for this once" in caplog.text
    assert KnownFile(Path("none")).text is None


async def test_a_cancelled_question_leaves_nothing(known: KnownFile, key: HostKey) -> None:
    asked = asyncio.Event()

    class Slow:
        async def ask(self, question: Question) -> str | None:
            asked.set()
            await asyncio.Event().wait()
            return None

    task = asyncio.create_task(check_host_key(settings(known), key, Slow()))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert known.text is None


# Revoked keys


async def test_a_key_in_the_file_of_revoked_keys_is_refused(
    tmp_path: Path, known: KnownFile, key: HostKey, other: HostKey
) -> None:
    known.put(line(NAME, key) + line(NAME, other))
    revoked = KnownFile(tmp_path / "revoked")
    revoked.put(f"# lost\n{key.algorithm} {key.base64} laptop\n\n")
    wanted = settings(known, "no", revokedhostkeys=str(revoked))
    await check_host_key(wanted, other, None)
    with pytest.raises(ChangedHostKeyError, match=f"{revoked} line 2"):
        await check_host_key(wanted, key, None)


@pytest.mark.parametrize("content", [None, "rubbish", "SSHKRL\n\0..."])
async def test_no_host_is_trusted_when_nobody_knows_what_is_revoked(
    tmp_path: Path, known: KnownFile, key: HostKey, content: str | None
) -> None:
    known.put(line(NAME, key))
    revoked = KnownFile(tmp_path / "revoked")
    if content is not None:
        revoked.put(content)
    with pytest.raises(HostKeyError, match="RevokedHostKeys"):
        await check_host_key(settings(known, revokedhostkeys=str(revoked)), key, None)


# What a library needs before and during the key exchange


async def test_names_with_and_without_the_port_are_looked_at(
    known: KnownFile, key: HostKey, other: HostKey
) -> None:
    wanted = settings(known)
    known.put(line("box.example.org", key) + line("@cert-authority *.example.org", other))
    read = await read_known_hosts(wanted)
    assert judge(wanted, read, key) is Verdict.TRUSTED
    assert judge(wanted, read, other) is Verdict.UNKNOWN
    assert known_algorithms(wanted, read) == [key.algorithm]
    assert judge_authority(wanted, read, other) is Verdict.UNKNOWN
    known.put(line("@cert-authority [*.example.org]:*", other))
    assert judge_authority(wanted, await read_known_hosts(wanted), other) is Verdict.TRUSTED
    assert known_algorithms(wanted, KnownHosts()) == []


# The same as ssh, against a real server


def key_of(server: SSHServer) -> HostKey:
    """The key that a server's client trusts."""
    return HostKey.from_line(server.client.known_hosts.read_text().partition(" ")[2])


def known_lines(server: SSHServer, other: HostKey) -> dict[str, str]:
    """Contents of a known hosts file for a server that listens on a port of its own."""
    name = f"[127.0.0.1]:{server.port}"
    right = key_of(server)
    return {
        "right": line(name, right),
        "wrong": line(name, other),
        "both": line(name, other) + line(name, right),
        "nothing": "",
        "without port": line("127.0.0.1", right),
        "wrong without port": line("127.0.0.1", other),
        "wrong with, right without": line(name, other) + line("127.0.0.1", right),
        "wildcards": line("[127.0.*]:*", right),
        "negated": line(f"[127.*]:*,!{name}", right),
        "revoked": line(name, right) + line(f"@revoked {name}", right),
        "another revoked": line(name, right) + line("@revoked *", other),
        "authority": line(f"@cert-authority {name}", right),
    }


@pytest.mark.parametrize("strict", ["yes", "accept-new"])
async def test_ssh_lets_in_and_refuses_the_same_keys(
    shared_sshd: SSHServer, tmp_path: Path, other: HostKey, strict: str
) -> None:
    target = Target(shared_sshd.alias, ssh_config=str(shared_sshd.ssh_config))
    right = key_of(shared_sshd)
    theirs: dict[str, tuple[bool, str | None]] = {}
    ours: dict[str, tuple[bool, str | None]] = {}
    for case, content in known_lines(shared_sshd, other).items():
        file = KnownFile(tmp_path / "file")
        words = ["-o", f"UserKnownHostsFile={file}", "-o", f"StrictHostKeyChecking={strict}"]
        file.put(content)
        done = await asyncio.to_thread(shared_sshd.run, "true", *words)
        theirs[case] = (done.returncode == 0, file.text)
        file.put(content)
        try:
            await check_host_key(await resolve(target, words), right, None)
        except HostKeyError:
            ours[case] = (False, file.text)
        else:
            ours[case] = (True, file.text)
    assert ours == theirs
    assert {let_in for let_in, _ in ours.values()} == {True, False}
