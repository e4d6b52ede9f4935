"""Every way in which the OpenSSH transport cannot connect says what is wrong and what to do."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sshpyk_core.errors import (
    AuthenticationError,
    ChangedHostKeyError,
    ConfigError,
    ConnectError,
    HostNotFoundError,
    HostUnreachableError,
    UnknownHostKeyError,
)
from sshpyk_core.transport_kit.options import parse
from sshpyk_core.types import Target
from sshpyk_openssh.failures import spoken
from sshpyk_openssh.options import Options
from support.openssh import connected, left_behind, logins, outcome, target_of
from support.prompters import Somebody
from support.scripts import script
from support.serving import serving
from support.sshd import SSHServer

from sshpyk_openssh import plugin

MODES = ("own", "never")


async def failure(server: SSHServer, **options: Any) -> ConnectError:
    with pytest.raises(ConnectError) as caught:
        await plugin.sshpyk_connect(target_of(server, **options), None)
    assert left_behind(server) == []
    assert caught.value.host == server.alias
    assert caught.value.answer
    assert caught.value.fix
    return caught.value


@pytest.mark.parametrize("mode", MODES)
async def test_an_unknown_host_key_is_refused_with_the_command_that_accepts_it(
    sshd: SSHServer, mode: str
) -> None:
    sshd.client.forget_host_key()
    for strict in ("ask", "yes"):
        error = await failure(sshd, multiplex=mode, options={"StrictHostKeyChecking": strict})
        assert type(error) is UnknownHostKeyError
        assert f"ssh -F {sshd.ssh_config} " in error.fix
        assert "Host key verification failed" in error.answer
    assert sshd.client.known_hosts.read_text() == ""


@pytest.mark.parametrize("mode", MODES)
async def test_a_changed_host_key_is_refused_plainly(sshd: SSHServer, mode: str) -> None:
    sshd.client.change_host_key()
    error = await failure(sshd, multiplex=mode)
    assert type(error) is ChangedHostKeyError
    assert "IDENTIFICATION HAS CHANGED" in error.answer
    assert f"ssh-keygen -R '[127.0.0.1]:{sshd.port}'" in error.fix
    assert logins(sshd) == 0


@pytest.mark.parametrize("mode", MODES)
async def test_a_wrong_key_is_an_authentication_error(sshd: SSHServer, mode: str) -> None:
    sshd.client.offer_wrong_key()
    error = await failure(sshd, multiplex=mode)
    assert type(error) is AuthenticationError
    assert "Permission denied (publickey" in error.answer
    assert f"ssh -F {sshd.ssh_config} {sshd.alias}" in error.fix


def protect(key: Path, passphrase: str) -> None:
    change = ["ssh-keygen", "-q", "-p", "-P", "", "-N", passphrase, "-f", str(key)]
    subprocess.run(change, check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("mode", MODES)
async def test_a_passphrase_is_asked_for_only_where_somebody_is_there_to_answer(
    sshd: SSHServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    protect(sshd.client.key, "open sesame")
    askpass = tmp_path / "askpass"
    script(askpass, f"#!/bin/sh\ntouch {tmp_path}/asked\necho open sesame\n")
    monkeypatch.setenv("SSH_ASKPASS", str(askpass))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    assert type(await failure(sshd, multiplex=mode)) is AuthenticationError
    somebody = Somebody("open sesame")
    session = await plugin.sshpyk_connect(target_of(sshd, multiplex=mode), somebody)
    await session.aclose()
    assert [question.kind for question in somebody.asked] == ["passphrase"]
    assert os.listdir(tmp_path) == ["askpass"], "the user's own program is the prompter's to run"


@pytest.mark.parametrize("mode", MODES)
async def test_what_ssh_says_goes_to_the_log_when_it_is_verbose(
    shared_sshd: SSHServer, caplog: pytest.LogCaptureFixture, mode: str
) -> None:
    with caplog.at_level("DEBUG", "sshpyk_openssh"):
        async with connected(shared_sshd, multiplex=mode):
            assert "debug1:" not in caplog.text
        async with connected(shared_sshd, multiplex=mode, verbose=1) as session:
            process = await plugin.sshpyk_launch(session, "echo err >&2")
            assert await outcome(process) == (0, b"", b"err\n")
    assert "Authenticated to 127.0.0.1" in caplog.text


async def test_a_banner_is_not_taken_for_a_refusal(
    make_sshd: Callable[..., SSHServer], tmp_path: Path
) -> None:
    banner = tmp_path / "banner"
    banner.write_text("Connection refused to all who may not.\nREMOTE access: Timed out\n")
    server = make_sshd(sshd_config=[f"Banner {banner}"])
    async with connected(server):
        pass
    server.client.offer_wrong_key()
    assert type(await failure(server)) is AuthenticationError


@pytest.mark.parametrize("mode", MODES)
async def test_a_name_that_does_not_resolve_is_told(sshd: SSHServer, mode: str) -> None:
    error = await failure(sshd, multiplex=mode, options={"HostName": "nowhere.invalid"})
    assert type(error) is HostNotFoundError


@pytest.mark.parametrize("mode", MODES)
async def test_a_refused_connection_is_told(sshd: SSHServer, mode: str) -> None:
    sshd.stop()
    error = await failure(sshd, multiplex=mode)
    assert type(error) is HostUnreachableError
    assert "Connection refused" in error.answer
    assert str(sshd.port) in error.fix


@pytest.mark.parametrize("mode", MODES)
async def test_a_host_that_never_answers_is_given_up_after_its_connect_timeout(
    sshd: SSHServer, mode: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        options = {"Port": silent.getsockname()[1], "ConnectTimeout": 1}
        error = await asyncio.wait_for(failure(sshd, multiplex=mode, options=options), 30)
    assert type(error) is HostUnreachableError


async def test_a_server_that_hangs_up_is_told(sshd: SSHServer) -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with serving(hang_up) as port:
        error = await failure(sshd, options={"Port": port})
    assert type(error) is ConnectError
    assert "kex_exchange_identification" in error.answer
    assert "hung up" in error.fix


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        ("forget_host_key", UnknownHostKeyError),
        ("change_host_key", ChangedHostKeyError),
        ("offer_wrong_key", AuthenticationError),
    ],
)
async def test_what_went_wrong_at_a_jump_host_is_told(
    sshd: SSHServer, spoil: str, kind: type[ConnectError]
) -> None:
    getattr(sshd.client, spoil)()
    with sshd.ssh_config.open("a") as config:
        config.write(f"\nHost inner\n  HostName 127.0.0.1\n  ProxyJump {sshd.alias}\n")
    with pytest.raises(kind):
        await plugin.sshpyk_connect(Target("inner", ssh_config=str(sshd.ssh_config)), None)
    assert left_behind(sshd) == []


async def test_a_broken_ssh_configuration_is_told_in_the_words_of_ssh(sshd: SSHServer) -> None:
    sshd.client.append_config("Bogus yes")
    error = await failure(sshd)
    assert "Bad configuration option: bogus" in error.answer


@pytest.mark.parametrize("alias", ["", "-oProxyCommand=id", "a;id", "a b"])
async def test_an_alias_that_could_be_mistaken_is_refused(alias: str) -> None:
    with pytest.raises(ConfigError):
        await plugin.sshpyk_connect(Target(alias), None)


def test_options_are_checked() -> None:
    assert parse(Options, {}, "openssh") == Options()
    raw = {"multiplex": "never", "verbose": 2, "options": {"Compression": True, "Port": 7}}
    assert parse(Options, raw, "openssh").arguments == ["-o", "Compression=yes", "-o", "Port=7"]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"multiplx": "own"}, "did you mean 'multiplex'"),
        ({"zzz": 1}, "multiplex, keep, verbose, options"),
        ({"multiplex": "always"}, "'auto' or 'own' or 'never'"),
        ({"verbose": 4}, "from 0 to 3"),
        ({"verbose": "yes"}, "from 0 to 3"),
        ({"options": ["Port=1"]}, "must be a mapping"),
        ({"options": {"Port 1": 2}}, "not a keyword"),
        ({"options": {"Port": None}}, "cannot have the value"),
        ({"options": {"Port": "1\nProxyCommand=id"}}, "cannot have the value"),
    ],
)
async def test_a_wrong_option_is_named(raw: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        await plugin.sshpyk_connect(Target("box", options=raw), None)


def test_debug_lines_are_not_among_the_words_of_ssh() -> None:
    said = "OpenSSH_9.2p1, OpenSSL\r\ndebug1: Permission denied (x)\r\n\r\nfirst\r\nsecond\r\n"
    assert spoken(said) == "first\nsecond"
    assert spoken("line\n" * 1000).count("line") < 100


async def test_diagnosis_of_a_host_that_works_finds_nothing_wrong(sshd: SSHServer) -> None:
    findings = await plugin.sshpyk_diagnose(target_of(sshd))
    assert {finding.level for finding in findings} == {"ok"}
    assert any("OpenSSH" in finding.cause for finding in findings)
    assert left_behind(sshd) == []
    single = await plugin.sshpyk_diagnose(target_of(sshd, multiplex="never"))
    assert "info" in {finding.level for finding in single}


async def test_diagnosis_names_the_cause_and_the_fix(sshd: SSHServer) -> None:
    sshd.client.forget_host_key()
    unknown = (await plugin.sshpyk_diagnose(target_of(sshd)))[-1]
    assert unknown.level == "error"
    assert "Host key verification failed" in unknown.cause
    assert "ssh -F" in unknown.fix
    for target in (
        Target("box", ssh="/no/such/ssh"),
        Target("-x"),
        Target("box", options={"multiplx": 1}),
        Target("box", ssh_config="/no/such/config"),
    ):
        last = (await plugin.sshpyk_diagnose(target))[-1]
        assert last.level == "error"
        assert last.cause
        assert last.fix
    assert left_behind(sshd) == []
