"""The asyncssh transport where there is no ssh program, and what it says of a host beforehand."""

from __future__ import annotations

import base64
import hashlib
import logging
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sshpyk_core.errors import ConnectError, UnknownHostKeyError
from sshpyk_core.testing.embedded_server import EmbeddedServer
from sshpyk_core.types import Finding, Target
from support.asyncssh_side import Leaks, connected, target_of, without_ssh
from support.client import make_key
from support.openssh import outcome
from support.sshd import SSHServer

from sshpyk_asyncssh import plugin


@pytest.fixture
def alone(sshd: SSHServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SSHServer:
    """Give a server, and take the ssh program away."""
    monkeypatch.setenv("PATH", without_ssh(tmp_path / "bin"))
    return sshd


# Without an ssh program


async def test_a_host_is_reached_without_an_ssh_program(
    make_sshd: Callable[..., SSHServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_sshd(), make_sshd()
    entry = "\n".join(second.ssh_config.read_text().splitlines()[1:])
    (tmp_path / "more").write_text(f"Host second\n{entry}\n    ProxyJump {first.alias}\n")
    with first.ssh_config.open("a") as config:
        config.write(f"\nMatch all\n  Include {tmp_path}/more\n")
    monkeypatch.setenv("PATH", without_ssh(tmp_path / "bin"))
    leaks = Leaks()
    async with connected(first, alias="second") as session:
        process = await plugin.sshpyk_launch(session, "echo hello")
        assert (await outcome(process))[1] == b"hello\n"
    assert await leaks.found() == set()
    assert (first.logins(), second.logins()) == (1, 1)


async def test_host_keys_are_checked_as_strictly_without_an_ssh_program(alone: SSHServer) -> None:
    alone.client.forget_host_key()
    for strict in ("yes", "ask"):
        with pytest.raises(UnknownHostKeyError):
            await plugin.sshpyk_connect(target_of(alone, StrictHostKeyChecking=strict), None)
    alone.client.append_config("StrictHostKeyChecking accept-new")
    async with connected(alone):
        assert alone.client.known_hosts.read_text().count("\n") == 1


async def test_what_the_own_reader_leaves_out_is_said(
    alone: SSHServer, caplog: pytest.LogCaptureFixture
) -> None:
    alone.client.append_config("KnownHostsCommand /bin/false", "LogLevel QUIET")
    with alone.ssh_config.open("a") as config:
        config.write("\nMatch sessiontype exec\n  User nobody\n")
    with caplog.at_level(logging.WARNING):
        async with connected(alone):
            pass
    said = [record.getMessage() for record in caplog.records]
    assert len([line for line in said if "the keyword knownhostscommand" in line]) == 1
    assert len([line for line in said if "Match sessiontype exec" in line]) == 1
    assert "loglevel" not in caplog.text
    findings = await plugin.sshpyk_diagnose(target_of(alone))
    warnings = [finding.cause for finding in findings if finding.level == "warning"]
    assert any("knownhostscommand" in cause for cause in warnings)
    assert any("sessiontype" in cause for cause in warnings)
    assert findings[-1].level == "ok"


async def test_an_ssh_program_that_the_spec_names_must_exist(sshd: SSHServer) -> None:
    target = target_of(sshd)
    named = Target(target.alias, "asyncssh", target.ssh_config, ssh="/no/such/ssh")
    with pytest.raises(ConnectError, match="/no/such/ssh"):
        await plugin.sshpyk_connect(named, None)


def test_the_library_is_not_loaded_before_the_transport() -> None:
    code = (
        "import sys, sshpyk_core.registry as r\n"
        "r.default_registry().load('openssh'); assert 'asyncssh' not in sys.modules\n"
        "r.default_registry().load('asyncssh'); assert 'asyncssh' in sys.modules\n"
        "assert 'paramiko' not in sys.modules and 'sshpyk_openssh' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# What is said beforehand


async def diagnosis(target: Target) -> list[Finding]:
    leaks = Leaks()
    findings = await plugin.sshpyk_diagnose(target)
    assert await leaks.found() == set()
    assert all(finding.cause for finding in findings)
    assert all(finding.fix for finding in findings if finding.level in ("warning", "error"))
    assert all(finding.level != "error" for finding in findings[:-1])
    return findings


async def test_diagnosis_of_a_host_that_works_finds_nothing_wrong(sshd: SSHServer) -> None:
    before = digest(sshd.client.directory)
    findings = await diagnosis(target_of(sshd))
    assert {finding.level for finding in findings} == {"ok"}
    causes = " | ".join(finding.cause for finding in findings)
    assert causes.index("ssh reads") < causes.index("answers") < causes.index("host key")
    assert "works without a question" in findings[-1].cause
    assert digest(sshd.client.directory) == before


def digest(directory: Path) -> str:
    files = sorted(path for path in directory.iterdir() if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


async def test_diagnosis_remembers_no_host_key(sshd: SSHServer) -> None:
    sshd.client.forget_host_key()
    findings = await diagnosis(target_of(sshd, StrictHostKeyChecking="accept-new"))
    assert findings[-1].level == "ok"
    assert any("not known" in one.cause for one in findings if one.level == "info")
    assert sshd.client.known_hosts.read_text() == ""
    unknown = (await diagnosis(target_of(sshd)))[-1]
    assert unknown.level == "error"
    assert "ssh -F" in unknown.fix
    sshd.client.change_host_key()
    changed = (await diagnosis(target_of(sshd, StrictHostKeyChecking="no")))[-1]
    assert changed.level == "error"
    assert "ssh-keygen -R" in changed.fix


async def test_diagnosis_asks_nobody(make_embedded: Callable[..., EmbeddedServer]) -> None:
    server = make_embedded(password="right", allow_key=False)
    last = (await diagnosis(target_of(server)))[-1]
    assert last.level == "error"
    assert "needs login" in last.fix
    assert server.logins_refused == 0


@pytest.mark.parametrize(
    ("settings", "level", "words"),
    [
        ({"KexAlgorithms": "sntrup761x25519-sha512"}, "error", "asyncssh has none"),
        (
            {"KexAlgorithms": "curve25519-sha256,sntrup761x25519-sha512"},
            "info",
            "sntrup761x25519-sha512",
        ),
        ({"PreferredAuthentications": "hostbased"}, "error", "no way to log in"),
        (
            {"PreferredAuthentications": "gssapi-with-mic", "GSSAPIAuthentication": "yes"},
            "error",
            "no way to log in",
        ),
        ({"GSSAPIAuthentication": "yes"}, "info", "GSSAPI"),
        ({"ProxyCommand": "nc %h", "ProxyUseFdpass": "yes"}, "error", "ProxyUseFdpass"),
    ],
)
async def test_diagnosis_finds_what_the_library_cannot_do(
    shared_sshd: SSHServer, settings: dict[str, str], level: str, words: str
) -> None:
    findings = await diagnosis(target_of(shared_sshd, **settings))
    assert any(one.level == level and words in one.cause for one in findings), findings


async def test_diagnosis_finds_a_security_key_that_needs_an_agent(
    shared_sshd: SSHServer, tmp_path: Path
) -> None:
    key = tmp_path / "id_ed25519_sk"
    make_key(key)
    blob = b"\x00\x00\x00\x1ask-ssh-ed25519@openssh.com\x00\x00\x00\x20" + bytes(32)
    blob += b"\x00\x00\x00\x04ssh:"
    public = f"sk-ssh-ed25519@openssh.com {base64.b64encode(blob).decode()} me\n"
    key.with_suffix(".pub").write_text(public)
    key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nnot for us\n")
    findings = await diagnosis(target_of(shared_sshd, IdentityFile=str(key)))
    (warning,) = [one for one in findings if one.level == "warning"]
    assert str(key) in warning.cause
    assert "ssh-add" in warning.fix


@pytest.mark.parametrize(
    "target",
    [
        Target("box", "asyncssh", ssh="/no/such/ssh"),
        Target("-x", "asyncssh"),
        Target("box", "asyncssh", options={"windw": 1}),
        Target("box", "asyncssh", ssh_config="/no/such/config"),
    ],
    ids=["ssh", "alias", "option", "config"],
)
async def test_diagnosis_of_what_cannot_be_read_is_one_error(target: Target) -> None:
    (only,) = await diagnosis(target)
    assert only.level == "error"


async def test_diagnosis_names_what_does_not_answer(sshd: SSHServer) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        for settings, words in (
            ({"HostName": "nowhere.invalid"}, "nowhere.invalid"),
            ({"Port": nobody.getsockname()[1]}, "refused"),
        ):
            last = (await diagnosis(target_of(sshd, **settings)))[-1]
            assert last.level == "error"
            assert words in last.cause
