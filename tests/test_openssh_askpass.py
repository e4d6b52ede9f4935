"""What ssh asks reaches the prompter as the right kind of question, and nothing else answers."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from sshpyk_core.errors import AuthenticationError, ConnectError, UnknownHostKeyError
from sshpyk_core.testing.embedded_server import EmbeddedServer
from sshpyk_core.types import Question, Target
from sshpyk_openssh.askpass_questions import to_question
from support.openssh import left_behind, local_ssh, outcome, target_of
from support.processes import Process
from support.prompters import Somebody
from support.scripts import script
from support.sshd import SSHServer

from sshpyk_openssh import plugin

MakeEmbedded = Callable[..., EmbeddedServer]
MODES = ("own", "never")
PASSWORD = "open sesame"
TWO = (("Password: ", PASSWORD), ("Verification code: ", "123456"))


def account(server: EmbeddedServer) -> str:
    return f"jupyter@127.0.0.1:{server.port}"


def on_show(process: Process) -> bytes:
    folder = Path(f"/proc/{process.pid}")
    return (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()


async def refusal(server: EmbeddedServer, somebody: Somebody, mode: str) -> ConnectError:
    with pytest.raises(ConnectError) as caught:
        await plugin.sshpyk_connect(target_of(server, multiplex=mode), somebody)
    assert left_behind(server) == []
    return caught.value


@pytest.mark.parametrize("mode", MODES)
async def test_a_password_is_asked_for_with_its_account(
    make_embedded: MakeEmbedded, mode: str
) -> None:
    server = make_embedded(password=PASSWORD, allow_key=False)
    somebody = Somebody(PASSWORD)
    session = await plugin.sshpyk_connect(target_of(server, multiplex=mode), somebody)
    text = "jupyter@127.0.0.1's password: "
    assert somebody.asked == [Question("password", text, account(server))]
    await session.aclose()
    assert left_behind(server) == []
    assert server.logins_refused == 0


@pytest.mark.parametrize("mode", MODES)
async def test_a_wrong_password_is_asked_for_again_and_at_last_refused(
    make_embedded: MakeEmbedded, mode: str
) -> None:
    server = make_embedded(password=PASSWORD, allow_key=False)
    somebody = Somebody("wrong", PASSWORD)
    session = await plugin.sshpyk_connect(target_of(server, multiplex=mode), somebody)
    await session.aclose()
    assert somebody.asked[0] == somebody.asked[1]
    assert server.logins_refused == 1
    error = await refusal(server, Somebody(*["wrong"] * 9), mode)
    assert type(error) is AuthenticationError
    assert "Permission denied" in error.answer
    assert server.logins_refused == 4


@pytest.mark.parametrize("mode", MODES)
async def test_a_declined_password_ends_the_login_before_ssh_sends_an_empty_one(
    make_embedded: MakeEmbedded, mode: str
) -> None:
    server = make_embedded(password=PASSWORD, allow_key=False)
    error = await refusal(server, Somebody(), mode)
    assert type(error) is AuthenticationError
    assert "jupyter@127.0.0.1's password:" in error.answer
    assert "needs login" in error.fix
    assert f"ssh -F {server.ssh_config} {server.alias}" in error.fix
    assert (server.logins_refused, server.connections_seen) == (0, 1)


@pytest.mark.parametrize("mode", MODES)
async def test_a_second_factor_is_a_code_and_nothing_secret_is_on_show(
    make_embedded: MakeEmbedded, mode: str
) -> None:
    server = make_embedded(questions=TWO, allow_key=False)

    class Watching(Somebody):
        async def ask(self, question: Question) -> str | None:
            if question.kind == "code":
                self.on_show = b"".join(map(on_show, local_ssh(server)))
                self.modes = {
                    stat.S_IMODE(os.stat(entry).st_mode)
                    for entry in os.scandir(os.environ["XDG_RUNTIME_DIR"])
                }
            return await super().ask(question)

    somebody = Watching(*(answer for _, answer in TWO))
    session = await plugin.sshpyk_connect(target_of(server, multiplex=mode), somebody)
    assert [(each.kind, each.about) for each in somebody.asked] == [
        ("password", account(server)),
        ("code", ""),
    ]
    assert b"SSH_ASKPASS_REQUIRE=force" in somebody.on_show
    assert PASSWORD.encode() not in somebody.on_show
    assert somebody.modes == {0o700}
    await session.aclose()
    assert left_behind(server) == []


async def test_without_a_master_each_command_asks_again_and_a_wrong_answer_ends_it(
    make_embedded: MakeEmbedded,
) -> None:
    server = make_embedded(password=PASSWORD, allow_key=False)
    somebody = Somebody(PASSWORD, PASSWORD, "wrong", "never given")
    session = await plugin.sshpyk_connect(target_of(server, multiplex="never"), somebody)
    assert await outcome(await plugin.sshpyk_launch(session, "echo in")) == (0, b"in\n", b"")
    status, _, errors = await outcome(await plugin.sshpyk_launch(session, "echo in"))
    assert status == 255
    assert b"Permission denied" in errors
    assert len(somebody.asked) == 3
    await session.aclose()
    assert left_behind(server) == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("trusted", [True, False])
async def test_an_unknown_host_key_is_asked_about(
    sshd: SSHServer, mode: str, trusted: bool
) -> None:
    sshd.client.forget_host_key()
    sshd.client.append_config("StrictHostKeyChecking ask")
    somebody = Somebody("yes" if trusted else None)
    connecting = plugin.sshpyk_connect(target_of(sshd, multiplex=mode), somebody)
    if trusted:
        await (await connecting).aclose()
        assert sshd.client.known_hosts.read_text()
    else:
        with pytest.raises(UnknownHostKeyError):
            await connecting
        assert sshd.client.known_hosts.read_text() == ""
    (question,) = somebody.asked
    assert (question.kind, question.secret) == ("host key", False)
    assert "SHA256:" in question.text
    assert left_behind(sshd) == []


async def test_jump_hosts_ask_too_and_passwords_are_kept_apart(make_embedded: MakeEmbedded) -> None:
    near = make_embedded(alias="near", password="near's", allow_key=False)
    far = make_embedded(alias="far", password="far's", allow_key=False)
    config = far.directory / "both"
    config.write_text(
        f"Host far\n  ProxyJump near\n{near.ssh_config.read_text()}{far.ssh_config.read_text()}"
    )
    somebody = Somebody("near's", "far's")
    target = Target("far", ssh_config=str(config), options={"multiplex": "own"})
    session = await plugin.sshpyk_connect(target, somebody)
    assert [each.about for each in somebody.asked] == [account(near), account(far)]
    await session.aclose()


@pytest.mark.parametrize("mode", MODES)
async def test_a_cancelled_login_closes_the_question(
    make_embedded: MakeEmbedded, mode: str
) -> None:
    server = make_embedded(password=PASSWORD, allow_key=False)
    somebody = Somebody(thinks=True)
    target = target_of(server, multiplex=mode)
    connecting = asyncio.create_task(plugin.sshpyk_connect(target, somebody))
    await asyncio.wait_for(somebody.heard.wait(), 20)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    assert somebody.dismissed.is_set()
    assert left_behind(server) == []
    assert server.logins_refused == 0


async def test_a_server_that_hangs_up_closes_the_question(make_embedded: MakeEmbedded) -> None:
    server = make_embedded(password=PASSWORD, allow_key=False)
    somebody = Somebody(thinks=True)
    connecting = asyncio.create_task(plugin.sshpyk_connect(target_of(server), somebody))
    await asyncio.wait_for(somebody.heard.wait(), 20)
    for process in local_ssh(server):
        os.kill(process.pid, 9)
    with pytest.raises(ConnectError):
        await asyncio.wait_for(connecting, 20)
    assert somebody.dismissed.is_set()
    assert left_behind(server) == []


async def test_a_prompter_that_fails_fails_the_login(make_embedded: MakeEmbedded) -> None:
    class Broken(Somebody):
        async def ask(self, question: Question) -> str | None:
            raise RuntimeError("no desktop")

    server = make_embedded(password=PASSWORD, allow_key=False)
    with pytest.raises(RuntimeError, match="no desktop"):
        await plugin.sshpyk_connect(target_of(server), Broken())
    assert left_behind(server) == []


async def test_without_a_prompter_no_program_is_run_for_a_jump_host_either(
    make_embedded: MakeEmbedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = make_embedded(alias="near", password=PASSWORD, allow_key=False)
    program = tmp_path / "askpass"
    script(program, f"#!/bin/sh\ntouch {tmp_path}/asked\necho {PASSWORD}\n")
    monkeypatch.setenv("SSH_ASKPASS", str(program))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    config = tmp_path / "config"
    config.write_text(f"{near.ssh_config.read_text()}\nHost far\n  ProxyJump near\n")
    with pytest.raises(AuthenticationError):
        await plugin.sshpyk_connect(Target("far", ssh_config=str(config)), None)
    assert sorted(os.listdir(tmp_path)) == ["askpass", "config"]


async def test_a_place_that_cannot_be_written_is_passed_over(
    make_embedded: MakeEmbedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/proc/self")
    server = make_embedded(password=PASSWORD, allow_key=False)
    session = await plugin.sshpyk_connect(target_of(server, multiplex="own"), Somebody(PASSWORD))
    await session.aclose()


@pytest.mark.parametrize(
    ("text", "kind", "about"),
    [
        ("me@host's password: ", "password", "me@host:22"),
        ("(me@host) Password: ", "password", "me@host:22"),
        ("(me@host) Password for me@host:", "password", "me@host:22"),
        ("Password: ", "password", "me@host:22"),
        ("(me@host) One-time password (OATH) for `me': ", "code", ""),
        ("(me@host) Verification code: ", "code", ""),
        ("(me@host) Enter passphrase for key '/k': ", "code", ""),
        ("Enter PIN for ED25519-SK key /k: ", "code", ""),
        ("Enter passphrase for key '/home/me/my key': ", "passphrase", "/home/me/my key"),
        (
            "x\nAre you sure you want to continue connecting (yes/no/[fingerprint])? ",
            "host key",
            "",
        ),
        ("Please type 'yes', 'no' or the fingerprint: ", "host key", ""),
        ("Enter new password: ", "code", ""),
    ],
)
def test_the_words_of_ssh_are_told_apart(text: str, kind: str, about: str) -> None:
    question = to_question(text, "", "me@host:22", marks_servers_words=True)
    assert question == Question(kind, text, about, secret=kind != "host key")  # type: ignore[arg-type]


def test_an_old_ssh_is_not_trusted_with_a_remembered_passphrase() -> None:
    text = "Enter passphrase for key '/k': "
    assert to_question(text, "", "", marks_servers_words=False) == Question("passphrase", text)


def test_a_hint_of_ssh_wins() -> None:
    question = to_question("Allow use of key /k?", "confirm", "", marks_servers_words=True)
    assert question == Question("confirm", "Allow use of key /k?", secret=False)
