"""How the asyncssh transport logs in: keys, agents, certificates, passwords, codes, jump hosts."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sshpyk_core.errors import AuthenticationError, ConfigError, ConnectError
from sshpyk_core.testing.embedded_server import EmbeddedServer
from support.asyncssh_side import Leaks, Server, connected, keygen, target_of
from support.client import make_key
from support.openssh import outcome
from support.prompters import Somebody
from support.require import require_program
from support.sshd import SSHServer

from sshpyk_asyncssh import plugin

PASSPHRASE = "open sesame"

RELAY = """
import os, socket, sys, threading
there = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def up():
    while data := os.read(0, 65536):
        there.sendall(data)
    there.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := there.recv(65536):
    while data:
        data = data[os.write(1, data):]
"""


async def greeting(server: Server, *answers: str, alias: str = "", **settings: Any) -> bytes:
    prompter = Somebody(*answers) if answers else None
    async with connected(server, prompter, alias, **settings) as session:
        process = await plugin.sshpyk_launch(session, "echo hello")
        return (await outcome(process))[1]


async def refusal(server: Server, prompter: Somebody | None, **settings: Any) -> str:
    leaks = Leaks()
    with pytest.raises(AuthenticationError) as caught:
        await plugin.sshpyk_connect(target_of(server, **settings), prompter)
    assert await leaks.found() == set()
    assert "needs login" in caught.value.fix
    assert f"`ssh -F {server.ssh_config} " in caught.value.fix
    return str(caught.value)


def protect(key: Path, *form: str) -> None:
    keygen("-p", *form, "-P", "", "-N", PASSPHRASE, "-f", key)


@contextmanager
def agent(directory: Path, *keys: Path) -> Iterator[str]:
    """Run an ssh-agent that holds keys; gives its socket."""
    path = str(directory / "agent")
    command = [require_program("ssh-agent", "openssh-client"), "-D", "-a", path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            assert "SSH_AUTH_SOCK" in running.stdout.readline()  # it listens
            env = {**os.environ, "SSH_AUTH_SOCK": path}
            for key in keys:
                subprocess.run(["ssh-add", "-q", str(key)], env=env, check=True)
            yield path
        finally:
            running.terminate()


# Keys


async def test_the_key_that_fits_is_found_among_several(sshd: SSHServer, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    sshd.client.append_config(f"IdentityFile {tmp_path}/missing", f"IdentityFile {tmp_path}/other")
    assert await greeting(sshd) == b"hello\n"


@pytest.mark.parametrize("form", ["with its public half", "alone", "in PEM"])
async def test_a_passphrase_is_asked_for_and_again_when_it_was_wrong(
    make_sshd: Callable[..., SSHServer], tmp_path: Path, form: str
) -> None:
    server = make_sshd()
    key = tmp_path / "protected"
    kind = ["-t", "ecdsa"] if form == "in PEM" else ["-t", "ed25519"]
    keygen(*kind, "-N", "", "-f", key)
    server.authorize(key.with_suffix(".pub").read_text())
    protect(key, *(["-m", "PEM"] if form == "in PEM" else []))
    if form != "with its public half":
        key.with_suffix(".pub").unlink()
    settings = {"IdentityFile": str(key)}
    somebody = Somebody("wrong", PASSPHRASE)
    async with connected(server, somebody, **settings):
        assert [(q.kind, q.about, q.secret) for q in somebody.asked] == [
            ("passphrase", str(key), True)
        ] * 2
    never = Somebody("wrong", "wrong", "wrong", PASSPHRASE)
    assert f"the passphrase of {key} is not known" in await refusal(server, never, **settings)
    assert len(never.asked) == 3
    await refusal(server, Somebody(None), **settings)
    await refusal(server, None, **settings)


async def test_no_passphrase_is_asked_for_a_key_that_the_server_refuses(
    sshd: SSHServer, tmp_path: Path
) -> None:
    make_key(tmp_path / "other")
    protect(tmp_path / "other")
    sshd.client.append_config(f"IdentityFile {tmp_path}/other")
    somebody = Somebody(PASSPHRASE)
    async with connected(sshd, somebody):
        assert somebody.asked == []


async def test_a_key_is_found_by_the_environment(
    sshd: SSHServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sshd.authorize(make_key(tmp_path / "50% mine"))
    monkeypatch.setenv("SSHPYK_TEST_KEYS", f"{tmp_path}/50% ")
    key = {"IdentityFile": "${SSHPYK_TEST_KEYS}mine"}
    sshd.client.offer_wrong_key()
    assert await greeting(sshd, **key) == b"hello\n"
    monkeypatch.delenv("SSHPYK_TEST_KEYS")
    with pytest.raises(ConfigError, match=r"remote: identityfile .*SSHPYK_TEST_KEYS"):
        await plugin.sshpyk_connect(target_of(sshd, **key), None)


async def test_an_agent_is_asked_first(
    sshd: SSHServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with agent(tmp_path, sshd.client.key) as path:
        protect(sshd.client.key)  # so that only the agent can sign
        assert await greeting(sshd, IdentityAgent=path) == b"hello\n"
        assert await greeting(sshd, IdentityAgent=path, IdentitiesOnly="yes") == b"hello\n"
        await refusal(sshd, None, IdentityAgent="none")
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
        assert await greeting(sshd, IdentityAgent="SSH_AUTH_SOCK") == b"hello\n"
        monkeypatch.setenv("MY_AGENT", path)
        assert await greeting(sshd, IdentityAgent="$MY_AGENT") == b"hello\n"
        # Only a key that the settings name may be offered; the public half is enough to name it.
        named = {"IdentityAgent": path, "IdentitiesOnly": "yes"}
        make_key(tmp_path / "other")
        config = tmp_path / "config"
        text = sshd.ssh_config.read_text()
        for key, fits in ((f"{sshd.client.key}.pub", True), (tmp_path / "other", False)):
            config.write_text(text.replace(f'"{sshd.client.key}"', str(key)))
            target = target_of(sshd, **named)
            here = type(target)(target.alias, "asyncssh", str(config), options=target.options)
            if fits:
                await (await plugin.sshpyk_connect(here, None)).aclose()
            else:
                with pytest.raises(AuthenticationError):
                    await plugin.sshpyk_connect(here, None)


async def test_an_agent_that_is_gone_does_not_stop_the_login(
    sshd: SSHServer, tmp_path: Path
) -> None:
    assert await greeting(sshd, IdentityAgent=str(tmp_path / "nobody")) == b"hello\n"


@pytest.mark.parametrize("where", ["beside the key", "as CertificateFile", "with the agent's key"])
async def test_a_certificate_is_offered(
    make_sshd: Callable[..., SSHServer], tmp_path: Path, where: str
) -> None:
    authority, key = tmp_path / "authority", tmp_path / "id"
    make_key(authority)
    make_key(key)
    keygen("-s", authority, "-I", "me", "-n", "jupyter", f"{key}.pub")
    server = make_sshd(sshd_config=[f"TrustedUserCAKeys {authority}.pub"])
    server.authorize()
    settings = {"IdentityFile": str(key)}
    certificate = tmp_path / "id-cert.pub"
    if where != "beside the key":
        certificate = certificate.rename(tmp_path / "elsewhere")
        settings["CertificateFile"] = str(certificate)
    if where == "with the agent's key":
        with agent(tmp_path, key) as path:
            protect(key)
            assert await greeting(server, **settings, IdentityAgent=path) == b"hello\n"
    else:
        assert await greeting(server, **settings) == b"hello\n"
    assert "Accepted certificate" in server.log() or "ED25519-CERT" in server.log()


async def test_a_refused_key_is_named(sshd: SSHServer) -> None:
    sshd.client.offer_wrong_key()
    said = await refusal(sshd, None)
    assert "Permission denied" in said
    assert "wrong_key" in said


async def test_too_many_keys_are_told(make_sshd: Callable[..., SSHServer], tmp_path: Path) -> None:
    server = make_sshd(sshd_config=["MaxAuthTries 2"])
    for number in range(5):
        make_key(tmp_path / str(number))
    lines = [f"IdentityFile {tmp_path}/{number}" for number in range(5)]
    server.client.append_config(*lines)
    assert "IdentitiesOnly" in await refusal(server, None)


# Passwords and codes


async def test_a_password_is_asked_for_and_again_when_it_was_wrong(
    make_embedded: Callable[..., EmbeddedServer],
) -> None:
    server = make_embedded(password="right", allow_key=False)
    assert await greeting(server, "right") == b"hello\n"
    somebody = Somebody("wrong", "right")
    async with connected(server, somebody):
        about = f"jupyter@127.0.0.1:{server.port}"
        assert [(q.kind, q.about, q.secret) for q in somebody.asked] == [
            ("password", about, True)
        ] * 2
    assert server.logins_refused == 1


async def test_a_wrong_password_is_asked_for_three_times_in_all(
    make_embedded: Callable[..., EmbeddedServer],
) -> None:
    questions = [("Password: ", "other")]
    server = make_embedded(password="right", questions=questions, allow_key=False)
    somebody = Somebody(*["wrong"] * 10)
    await refusal(server, somebody)
    assert {question.kind for question in somebody.asked} == {"password"}
    assert len(somebody.asked) == 3


async def test_nobody_is_waited_for_where_nobody_is_there(
    make_embedded: Callable[..., EmbeddedServer],
) -> None:
    server = make_embedded(password="right", allow_key=False)
    assert "keyring" in await refusal(server, None)
    assert "keyring" in await refusal(server, Somebody(None))
    assert server.logins_refused == 0


async def test_all_questions_of_a_round_are_asked(
    make_embedded: Callable[..., EmbeddedServer],
) -> None:
    questions = [("Password: ", "right"), ("Code: ", "123456")]
    server = make_embedded(questions=questions, allow_key=False)
    somebody = Somebody("right", "000000", "right", "123456")
    async with connected(server, somebody):
        assert [question.kind for question in somebody.asked] == ["code"] * 4
        assert [question.about for question in somebody.asked] == [""] * 4
        assert "jupyter@127.0.0.1" in somebody.asked[0].text
        assert "Code: " in somebody.asked[1].text
    somebody = Somebody("right", None, "right", "123456")
    await refusal(server, somebody)
    assert len(somebody.asked) == 2


async def test_a_single_hidden_question_for_a_password_is_one(
    make_embedded: Callable[..., EmbeddedServer],
) -> None:
    server = make_embedded(questions=[("Password for you: ", "right")], allow_key=False)
    somebody = Somebody("right")
    async with connected(server, somebody):
        (question,) = somebody.asked
        assert question.kind == "password"
        assert question.about == f"jupyter@127.0.0.1:{server.port}"


async def test_methods_that_the_settings_turn_off_are_not_tried(
    make_embedded: Callable[..., EmbeddedServer],
) -> None:
    server = make_embedded(password="right", questions=[("Code: ", "1")])
    somebody = Somebody("right")
    async with connected(
        server, somebody, PubkeyAuthentication="no", KbdInteractiveAuthentication="no"
    ):
        assert [question.kind for question in somebody.asked] == ["password"]
    somebody = Somebody("1")
    async with connected(server, somebody, PreferredAuthentications="keyboard-interactive"):
        assert [question.kind for question in somebody.asked] == ["code"]


async def test_a_server_cannot_play_with_the_terminal_of_who_is_asked(
    make_embedded: Callable[..., EmbeddedServer],
) -> None:
    server = make_embedded(questions=[("\x1b[2JCode\r: ", "1")], allow_key=False)
    somebody = Somebody("1")
    async with connected(server, somebody):
        assert "?[2JCode?: " in somebody.asked[0].text


async def test_nobody_is_asked_in_batch_mode(
    make_embedded: Callable[..., EmbeddedServer],
) -> None:
    server = make_embedded(password="right", allow_key=False)
    somebody = Somebody("right")
    await refusal(server, somebody, BatchMode="yes")
    assert somebody.asked == []


async def test_an_agent_that_does_not_answer_is_left_alone(
    sshd: SSHServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshpyk_asyncssh.identities._AGENT_SECONDS", 0.2)
    path = str(tmp_path / "silent")

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    async with await asyncio.start_unix_server(listen, path):
        assert await greeting(sshd, IdentityAgent=path) == b"hello\n"


async def test_time_stands_still_while_somebody_thinks(
    make_embedded: Callable[..., EmbeddedServer],
) -> None:
    server = make_embedded(password="right", allow_key=False)
    somebody = Somebody(thinks=True)
    leaks = Leaks()
    attempt = asyncio.ensure_future(
        plugin.sshpyk_connect(target_of(server, ConnectTimeout=1), somebody)
    )
    await somebody.heard.wait()
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.shield(attempt), 1.5)
    attempt.cancel()
    await asyncio.wait([attempt])
    assert somebody.dismissed.is_set()
    assert await leaks.found() == set()


async def test_a_question_is_dismissed_when_the_server_hangs_up(
    make_embedded: Callable[..., EmbeddedServer],
) -> None:
    server = make_embedded(password="right", allow_key=False)
    somebody = Somebody(thinks=True)
    attempt = asyncio.ensure_future(plugin.sshpyk_connect(target_of(server), somebody))
    await somebody.heard.wait()
    await asyncio.to_thread(server.cut)
    await asyncio.wait_for(asyncio.wait([attempt]), 10)
    assert attempt.exception() is not None
    assert somebody.dismissed.is_set()


# Jump hosts


def add_host(server: SSHServer, alias: str, *lines: str) -> None:
    with server.ssh_config.open("a") as config:
        config.write("\n  ".join([f"\nHost {alias}", *lines]) + "\n")


def jump_lines(server: SSHServer, jump: str) -> list[str]:
    """Lines of an entry for a server that is reached through another."""
    text = server.ssh_config.read_text().splitlines()[1:]
    return [*(line.strip() for line in text), f"ProxyJump {jump}"]


async def test_a_target_is_reached_over_several_jump_hosts(
    make_sshd: Callable[..., SSHServer],
) -> None:
    first, second, third = (make_sshd() for _ in range(3))
    add_host(first, "second", *jump_lines(second, first.alias))
    add_host(first, "third", *jump_lines(third, "second"))
    leaks = Leaks()
    assert await greeting(first, alias="third") == b"hello\n"
    assert await leaks.found() == set()
    assert [one.logins() for one in (first, second, third)] == [1, 1, 1]
    add_host(first, "both", *jump_lines(third, f"{first.alias},second"))
    assert await greeting(first, alias="both") == b"hello\n"


async def test_the_loss_of_a_jump_host_is_the_loss_of_the_session(
    make_sshd: Callable[..., SSHServer],
) -> None:
    first, second = make_sshd(), make_sshd()
    add_host(first, "second", *jump_lines(second, first.alias))
    leaks = Leaks()
    async with connected(first, alias="second") as session:
        process = await plugin.sshpyk_launch(session, "exec cat")
        await asyncio.to_thread(first.cut)
        await asyncio.wait_for(session.closed, 10)
        assert await process.stdout.read() == b""
    assert await leaks.found() == set()


async def test_a_target_is_reached_by_a_proxy_command(sshd: SSHServer, tmp_path: Path) -> None:
    relay = tmp_path / "relay.py"
    relay.write_text(RELAY)
    leaks = Leaks()
    command = f"{sys.executable} {relay} %h %p"
    async with connected(sshd, ProxyCommand=command) as session:
        process = await plugin.sshpyk_launch(session, "head -c 1000000 /dev/zero")
        assert len((await outcome(process))[1]) == 1_000_000
    assert await leaks.found() == set()
    command = "sh -c 'echo no way >&2; exit 3'"
    with pytest.raises(ConnectError, match="ended with 3: no way") as caught:
        await plugin.sshpyk_connect(target_of(sshd, ProxyCommand=command), None)
    assert type(caught.value) is ConnectError
    assert await leaks.found() == set()
