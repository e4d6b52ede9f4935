"""What the paramiko transport says of a host beforehand, and does where there is no ssh to ask."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sshpyk_core.errors import ConnectError, UnknownHostKeyError
from sshpyk_core.testing.embedded_server import EmbeddedServer
from sshpyk_core.types import Finding, Target
from support.asyncssh_side import Leaks, Server, keygen, without_ssh
from support.client import make_key
from support.paramiko_side import add_host, greeting, running_agent, target_of
from support.sshd import SSHServer

from sshpyk_paramiko import plugin

MakeSSHServer = Callable[..., SSHServer]


async def diagnosis(target: Target) -> list[Finding]:
    leaks = Leaks()
    findings = await plugin.sshpyk_diagnose(target)
    assert await leaks.found() == set()
    assert all(finding.cause for finding in findings)
    assert all(finding.fix for finding in findings if finding.level != "ok")
    return findings


async def said(server: Server, alias: str = "", **settings: object) -> str:
    """Diagnose, and give what is not well as lines of level and cause."""
    findings = await diagnosis(target_of(server, alias, **settings))
    return "\n".join(f"{one.level}: {one.cause}" for one in findings if one.level != "ok")


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


# With ssh to ask


async def test_nothing_is_wrong_with_a_host_that_works(make_sshd: MakeSSHServer) -> None:
    first, second = make_sshd(), make_sshd()
    add_host(first.ssh_config, "second", second, f"ProxyJump {first.alias}")
    before = contents(first.directory)
    findings = await diagnosis(target_of(first, "second"))
    assert {finding.level for finding in findings} == {"ok"}
    causes = [finding.cause for finding in findings]
    assert [cause.split()[2] for cause in causes[:2]] == [first.alias, "second"]
    assert "answers" in causes[2]
    assert "host key" in causes[3]
    assert causes[-1] == "the login to second works without a question"
    assert contents(first.directory) == before


async def test_a_host_key_is_judged_and_not_remembered(sshd: SSHServer) -> None:
    sshd.client.forget_host_key()
    assert "error: remote: could not connect: no host key is known" in await said(sshd)
    findings = await diagnosis(target_of(sshd, StrictHostKeyChecking="accept-new"))
    assert findings[-1].level == "ok"
    (new,) = [finding for finding in findings if finding.level == "info"]
    assert "not known yet" in new.cause
    assert sshd.client.known_hosts.read_text() == ""
    sshd.client.change_host_key()
    (*_, last) = await diagnosis(target_of(sshd, StrictHostKeyChecking="no"))
    assert "ssh-keygen -R" in last.fix


async def test_a_host_that_does_not_let_us_in_or_answer_is_told(
    sshd: SSHServer, make_embedded: Callable[..., EmbeddedServer]
) -> None:
    sshd.client.offer_wrong_key()
    assert "error: remote: could not log in" in await said(sshd)
    assert "error: remote: could not connect: nowhere.invalid" in await said(
        sshd, HostName="nowhere.invalid"
    )
    sshd.stop()
    assert "refused" in await said(sshd)
    server = make_embedded(password="right", allow_key=False)
    (*_, last) = await diagnosis(target_of(server))
    assert "needs login" in last.fix
    assert server.logins_refused == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"Ciphers": "+chacha20-poly1305@openssh.com,aes128-cbc"}, ""),
        ({"Ciphers": "aes256-ctr,3des-cbc,twofish"}, "could not read its ssh settings"),
        (
            {"KexAlgorithms": "sntrup761x25519-sha512@openssh.com,ecdh-sha2-nistp256"},
            "info: remote: KexAlgorithms: paramiko has no sntrup761x25519-sha512@openssh.com",
        ),
        ({"KexAlgorithms": "sntrup761x25519-sha512@openssh.com"}, "paramiko has none"),
        ({"PreferredAuthentications": "gssapi-with-mic"}, "error: remote: the configuration"),
        (
            {"PreferredAuthentications": "gssapi-with-mic,publickey"},
            "info: remote: paramiko cannot log in by gssapi-with-mic",
        ),
        (
            {"ProxyCommand": "nc %h %p", "ProxyUseFdpass": "yes"},
            "error: remote has `ProxyUseFdpass yes`, which only the openssh",
        ),
    ],
)
async def test_what_paramiko_cannot_do_is_told_before_it_is_tried(
    shared_sshd: SSHServer, settings: dict[str, str], words: str
) -> None:
    assert words in await said(shared_sshd, **settings)


async def test_keys_that_cannot_be_used_here_are_named(sshd: SSHServer, tmp_path: Path) -> None:
    blob = b"\x00\x00\x00\x1ask-ssh-ed25519@openssh.com\x00\x00\x00\x20" + bytes(32)
    blob += b"\x00\x00\x00\x04ssh:"
    public = f"sk-ssh-ed25519@openssh.com {base64.b64encode(blob).decode()} me\n"
    (tmp_path / "fido").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nnot for us\n")
    (tmp_path / "fido.pub").write_text(public)
    keygen("-t", "ecdsa", "-m", "PKCS8", "-N", "", "-f", tmp_path / "pkcs8")
    make_key(tmp_path / "locked")
    keygen("-p", "-P", "", "-N", "open sesame", "-f", tmp_path / "locked")
    names = ("fido", "pkcs8", "locked")
    sshd.client.append_config(*(f"IdentityFile {tmp_path / name}" for name in names))
    found = await said(sshd)
    assert f"warning: remote: paramiko cannot use the FIDO key {tmp_path}/fido" in found
    assert f"warning: remote: paramiko cannot use the key {tmp_path}/pkcs8" in found
    assert f"info: remote: the key {tmp_path}/locked needs a passphrase" in found
    make_key(tmp_path / "agents")
    with running_agent(tmp_path, tmp_path / "agents") as path:
        keygen("-p", "-P", "", "-N", "open sesame", "-f", tmp_path / "agents")
        settings = {"IdentityFile": str(tmp_path / "agents"), "IdentityAgent": path}
        assert "agents" not in await said(sshd, **settings)


async def test_host_certificates_are_told_where_they_would_be_needed(
    sshd: SSHServer, tmp_path: Path
) -> None:
    authority = f"@cert-authority * {make_key(tmp_path / 'authority')}"
    known = sshd.client.known_hosts
    known.write_text(known.read_text() + authority)
    assert "info: remote: paramiko cannot check host certificates" in await said(sshd)
    known.write_text(authority)
    assert "warning: remote: paramiko cannot check host certificates" in await said(sshd)


@pytest.mark.parametrize(
    "target",
    [
        Target("box", "paramiko", ssh="/no/such/ssh"),
        Target("-x", "paramiko"),
        Target("box", "paramiko", options={"windw": 1}),
        Target("box", "paramiko", ssh_config="/no/such/config"),
    ],
    ids=["ssh", "alias", "option", "config"],
)
async def test_what_cannot_be_read_is_one_error(target: Target) -> None:
    (only,) = await diagnosis(target)
    assert only.level == "error"


# Without


@pytest.fixture
def alone(sshd: SSHServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SSHServer:
    """Give a server, and take the ssh program away."""
    monkeypatch.setenv("PATH", without_ssh(tmp_path / "bin"))
    return sshd


async def test_hosts_are_reached_without_an_ssh_program(
    make_sshd: MakeSSHServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_sshd(), make_sshd()
    add_host(first.ssh_config, "second", second, f"ProxyJump {first.alias}")
    monkeypatch.setenv("PATH", without_ssh(tmp_path / "bin"))
    assert await greeting(first, alias="second") == b"hello\n"
    first.client.forget_host_key()
    for strict in ("yes", "ask"):
        with pytest.raises(UnknownHostKeyError):
            await greeting(first, StrictHostKeyChecking=strict)
    assert await greeting(first, StrictHostKeyChecking="accept-new") == b"hello\n"
    assert first.client.known_hosts.read_text().count("\n") == 1


async def test_what_is_left_out_without_an_ssh_program_is_said(
    alone: SSHServer, caplog: pytest.LogCaptureFixture
) -> None:
    alone.client.append_config("KnownHostsCommand /bin/false", "LogLevel QUIET")
    with alone.ssh_config.open("a") as config:
        config.write("\nMatch sessiontype exec\n  User nobody\n")
    found = await said(alone)
    for words in (
        "there is no ssh program",
        "remote: paramiko does nothing about knownhostscommand",
        "left out: remote: all of 'Match sessiontype exec'",
    ):
        assert words in found
    assert "loglevel" not in found
    assert "error" not in found
    with caplog.at_level("WARNING"):
        assert await greeting(alone) == b"hello\n"
    assert "the keyword knownhostscommand" in caplog.text
    assert "Match sessiontype exec" in caplog.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Host box\n  Port many\n", " line 2: .*many"),
        ("Host box\n  User\n", " line 2: user has no argument"),
        (None, "No such file"),
    ],
)
async def test_a_file_that_cannot_be_understood_is_told(
    alone: SSHServer, tmp_path: Path, text: str | None, words: str
) -> None:
    config = tmp_path / "config"
    if text is not None:
        config.write_text(text)
    target = replace(target_of(alone, "box"), ssh_config=str(config))
    with pytest.raises(ConnectError, match=f"could not read its ssh settings: {config}.*{words}"):
        await plugin.sshpyk_connect(target, None)


def test_the_library_is_loaded_with_the_transport_and_not_before() -> None:
    code = (
        "import sys, sshpyk_core.registry as r\n"
        "r.default_registry().load('openssh'); assert 'paramiko' not in sys.modules\n"
        "r.default_registry().load('paramiko'); assert 'paramiko' in sys.modules\n"
        "assert 'asyncssh' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
