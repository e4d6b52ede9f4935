"""How the paramiko transport proves who we are: by keys, agents, passwords, answers, and by two."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from sshpyk_core.errors import AuthenticationError, ConfigError, ConnectError
from sshpyk_core.testing.embedded_server import EmbeddedServer
from support.asyncssh_side import Leaks, Server, keygen, without_ssh
from support.client import make_key
from support.paramiko_side import connected, greeting, running_agent, target_of
from support.prompters import Somebody
from support.sshd import SSHServer

from sshpyk_paramiko import plugin

PASSPHRASE = "open sesame"
MakeSSHServer = Callable[..., SSHServer]
MakeEmbedded = Callable[..., EmbeddedServer]


async def refusal(server: Server, somebody: Somebody | None, **settings: Any) -> str:
    leaks = Leaks()
    with pytest.raises(AuthenticationError) as caught:
        await plugin.sshpyk_connect(target_of(server, **settings), somebody)
    assert await leaks.found() == set()
    assert caught.value.host == server.alias
    assert "needs login" in caught.value.fix
    assert f"`ssh -F {server.ssh_config} " in caught.value.fix
    return str(caught.value)


def new_key(path: Path, *form: str, passphrase: str = "") -> str:
    """Make a key of any type and form; return its public half."""
    keygen(*form, "-N", passphrase, "-C", "somebody", "-f", path)
    return path.with_name(f"{path.name}.pub").read_text()


# Keys


@pytest.mark.parametrize(
    "form",
    [
        ("-t", "ed25519"),
        ("-t", "ecdsa", "-b", "384"),
        ("-t", "rsa", "-b", "2048"),
        ("-t", "ecdsa", "-m", "PEM"),
        ("-t", "rsa", "-b", "2048", "-m", "PEM"),
    ],
    ids=" ".join,
)
async def test_a_key_in_a_file_is_used_plain_and_with_its_passphrase(
    make_sshd: MakeSSHServer, tmp_path: Path, form: tuple[str, ...]
) -> None:
    server = make_sshd()
    plain, locked = tmp_path / "plain", tmp_path / "locked"
    server.authorize(new_key(plain, *form), new_key(locked, *form, passphrase=PASSPHRASE))
    assert await greeting(server, IdentityFile=str(plain)) == b"hello\n"
    somebody = Somebody("wrong", PASSPHRASE)
    assert await greeting(server, somebody, IdentityFile=str(locked)) == b"hello\n"
    asked = [(question.kind, question.about, question.secret) for question in somebody.asked]
    assert asked == [("passphrase", str(locked), True)] * 2


async def test_a_passphrase_is_asked_for_three_times_at_most_and_never_in_vain(
    sshd: SSHServer, tmp_path: Path
) -> None:
    sshd.authorize(new_key(tmp_path / "locked", passphrase=PASSPHRASE))
    new_key(tmp_path / "refused", passphrase=PASSPHRASE)
    locked = {"IdentityFile": str(tmp_path / "locked")}
    somebody = Somebody(*["wrong"] * 3, PASSPHRASE)
    await refusal(sshd, somebody, **locked)
    assert len(somebody.asked) == 3
    assert "needs a passphrase" in await refusal(sshd, None, **locked)
    assert "nobody can be asked" in await refusal(sshd, Somebody(None), **locked)
    somebody = Somebody(PASSPHRASE)
    await refusal(sshd, somebody, IdentityFile=str(tmp_path / "refused"))
    assert somebody.asked == []  # the host was asked first whether that key would do


async def test_keys_are_tried_in_order_until_one_fits(sshd: SSHServer, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    (tmp_path / "rubbish").write_text("not a key\n")
    others = [f"IdentityFile {tmp_path}/{name}" for name in ("missing", "rubbish", "other")]
    sshd.client.append_config(*others)
    assert await greeting(sshd) == b"hello\n"
    sshd.client.offer_wrong_key()
    said = await refusal(sshd, None)
    assert said.index(f"the key {tmp_path}/other") < said.index("wrong_key")


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


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
async def test_an_agent_signs_for_keys_that_are_locked_here(
    make_sshd: MakeSSHServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    sshd, key = make_sshd(), tmp_path / "id"
    sshd.authorize(new_key(key, "-t", kind))
    sshd.client.append_config(f"IdentityFile {key}")
    with running_agent(tmp_path, key) as path:
        keygen("-p", "-P", "", "-N", PASSPHRASE, "-f", key)
        assert await greeting(sshd, IdentityAgent=path) == b"hello\n"
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
        assert await greeting(sshd, IdentityAgent="SSH_AUTH_SOCK") == b"hello\n"
        monkeypatch.setenv("MY_AGENT", path)
        assert await greeting(sshd, IdentityAgent="$MY_AGENT") == b"hello\n"
        await refusal(sshd, None, IdentityAgent="none")


async def test_only_keys_that_are_named_are_offered_where_the_settings_say_so(
    sshd: SSHServer, tmp_path: Path
) -> None:
    make_key(tmp_path / "other")
    config = tmp_path / "config"
    entry = sshd.ssh_config.read_text()
    with running_agent(tmp_path, sshd.client.key) as path:
        for name, only, fits in (
            (f"{sshd.client.key}.pub", "yes", True),  # the public half is enough to name it
            (tmp_path / "other", "no", True),
            (tmp_path / "other", "yes", False),
        ):
            config.write_text(entry.replace(f'"{sshd.client.key}"', str(name)))
            settings = {"IdentityAgent": path, "IdentitiesOnly": only}
            target = replace(target_of(sshd, **settings), ssh_config=str(config))
            if fits:
                await (await plugin.sshpyk_connect(target, None)).aclose()
            else:
                with pytest.raises(AuthenticationError, match=r"tried: the key .*/other"):
                    await plugin.sshpyk_connect(target, None)


async def test_an_agent_that_is_gone_or_no_agent_does_not_stop_the_login(
    sshd: SSHServer, tmp_path: Path
) -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_unix_server(hang_up, tmp_path / "impostor"):
        for name in ("nobody", "impostor"):
            assert await greeting(sshd, IdentityAgent=str(tmp_path / name)) == b"hello\n"


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
async def test_a_certificate_is_shown_where_there_is_one(
    make_sshd: MakeSSHServer, tmp_path: Path, kind: str
) -> None:
    authority, key, other = tmp_path / "authority", tmp_path / "id", tmp_path / "other"
    make_key(authority)
    new_key(key, "-t", kind)
    make_key(other)
    keygen("-s", authority, "-I", "me", "-n", "jupyter", f"{key}.pub")
    server = make_sshd(sshd_config=[f"TrustedUserCAKeys {authority}.pub"])
    server.authorize()
    assert await greeting(server, IdentityFile=str(key)) == b"hello\n"
    with running_agent(tmp_path, key) as path:  # it has the certificate too
        settings = {"IdentityFile": str(other), "IdentityAgent": path, "IdentitiesOnly": "no"}
        assert await greeting(server, **settings) == b"hello\n"
    certificate = (tmp_path / "id-cert.pub").rename(tmp_path / "certificate")
    await refusal(server, None, IdentityFile=str(key))
    named = {"IdentityFile": str(key), "CertificateFile": str(certificate)}
    assert await greeting(server, **named) == b"hello\n"
    await refusal(server, None, IdentityFile=str(other), CertificateFile=str(certificate))
    with running_agent(tmp_path, key) as path:
        key.unlink()
        assert await greeting(server, **named, IdentityAgent=path) == b"hello\n"
    assert server.log().count("CERT") >= 4


async def test_keys_sign_only_by_the_algorithms_that_the_settings_accept(
    make_sshd: MakeSSHServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = make_sshd(sshd_config=["PubkeyAcceptedAlgorithms rsa-sha2-256"])
    server.authorize(new_key(tmp_path / "id", "-t", "rsa", "-b", "2048"))
    server.client.append_config(f"IdentityFile {tmp_path}/id")
    for _ in ("with ssh", "without"):
        for accepted in ("rsa-sha2-256", "-rsa-sha2-512,ssh-*"):
            assert await greeting(server, PubkeyAcceptedAlgorithms=accepted) == b"hello\n"
        for other in ("rsa-sha2-512", "ssh-ed25519", "-rsa-sha2-*"):
            await refusal(server, None, PubkeyAcceptedAlgorithms=other)
        monkeypatch.setenv("PATH", without_ssh(tmp_path / "bin"))


async def test_too_many_keys_are_told_in_the_words_of_the_server(
    make_sshd: MakeSSHServer, tmp_path: Path
) -> None:
    server = make_sshd(sshd_config=["MaxAuthTries 2"])
    for number in range(4):
        make_key(tmp_path / str(number))
    server.client.append_config(*(f"IdentityFile {tmp_path}/{number}" for number in range(4)))
    assert "Too many authentication failures" in await refusal(server, None)


# Passwords and answers


async def test_a_password_is_asked_for_and_again_when_it_was_wrong(
    make_embedded: MakeEmbedded,
) -> None:
    server = make_embedded(password="right", allow_key=False)
    somebody = Somebody("wrong", "right")
    assert await greeting(server, somebody) == b"hello\n"
    about = f"jupyter@127.0.0.1:{server.port}"
    asked = [(question.kind, question.about, question.secret) for question in somebody.asked]
    assert asked == [("password", about, True)] * 2
    assert server.logins_refused == 1


async def test_a_wrong_password_is_asked_for_three_times_by_all_methods_together(
    make_embedded: MakeEmbedded,
) -> None:
    questions = [("Password: ", "other")]
    server = make_embedded(password="right", questions=questions, allow_key=False)
    somebody = Somebody(*["wrong"] * 10)
    await refusal(server, somebody)
    assert [question.kind for question in somebody.asked] == ["password"] * 3


@pytest.mark.parametrize("settings", [{"password": "right"}, {"questions": [("Code: ", "1")]}])
async def test_nothing_waits_where_nobody_answers(
    make_embedded: MakeEmbedded, settings: dict[str, Any]
) -> None:
    server = make_embedded(allow_key=False, **settings)
    assert "nobody can be asked" in await refusal(server, None)
    assert "nobody can be asked" in await refusal(server, Somebody(None))
    somebody = Somebody("right")
    await refusal(server, somebody, BatchMode="yes")
    assert somebody.asked == []
    assert server.logins_refused == 0


async def test_all_questions_of_a_round_are_asked_and_again_when_one_was_wrong(
    make_embedded: MakeEmbedded,
) -> None:
    questions = [("Password: ", "right"), ("Code: ", "123456")]
    server = make_embedded(questions=questions, allow_key=False)
    somebody = Somebody("right", "000000", "right", "123456")
    assert await greeting(server, somebody) == b"hello\n"
    assert [question.kind for question in somebody.asked] == ["code"] * 4
    somebody = Somebody("right", None, "right", "123456")
    await refusal(server, somebody)
    assert len(somebody.asked) == 2


async def test_a_round_that_asks_for_the_password_alone_is_a_password(
    make_embedded: MakeEmbedded,
) -> None:
    server = make_embedded(questions=[("Password for you: ", "right")], allow_key=False)
    somebody = Somebody("right")
    assert await greeting(server, somebody) == b"hello\n"
    assert [question.kind for question in somebody.asked] == ["password"]


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"PubkeyAuthentication": "no", "KbdInteractiveAuthentication": "no"}, "password"),
        ({"PubkeyAuthentication": "no", "PasswordAuthentication": "no"}, "code"),
        ({"PreferredAuthentications": "password,publickey"}, "password"),
    ],
)
async def test_the_settings_say_which_methods_are_tried_and_in_which_order(
    make_embedded: MakeEmbedded, settings: dict[str, str], kind: str
) -> None:
    server = make_embedded(password="right", questions=[("Code: ", "right")])
    somebody = Somebody("right")
    assert await greeting(server, somebody, **settings) == b"hello\n"
    assert [question.kind for question in somebody.asked] == [kind]


async def test_two_keys_are_shown_where_the_host_wants_two(
    make_sshd: MakeSSHServer, tmp_path: Path
) -> None:
    server = make_sshd(sshd_config=["AuthenticationMethods publickey,publickey"])
    server.authorize(server.client.public_key, make_key(tmp_path / "second"))
    assert "tried: the key" in await refusal(server, None)
    server.client.append_config(f"IdentityFile {tmp_path}/second")
    assert await greeting(server) == b"hello\n"


class Asker(asyncssh.SSHServer):
    """Goes on with rounds of questions for ever."""

    def __init__(self, questions: int) -> None:
        self._round = ("", "", "", [("Code: ", False)] * questions)

    def kbdint_auth_supported(self) -> bool:
        return True

    def get_kbdint_challenge(self, *_: str) -> Any:
        return self._round

    def validate_kbdint_response(self, *_: Any) -> Any:
        name, instructions, _, questions = self._round
        return name, instructions, "", questions


@pytest.mark.parametrize("questions", [0, 1000])
async def test_a_server_that_asks_without_end_is_given_up(sshd: SSHServer, questions: int) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    somebody = Somebody()
    async with asyncssh.listen(
        "127.0.0.1", 0, server_factory=lambda: Asker(questions), server_host_keys=[key]
    ) as asker:
        target = target_of(
            sshd, Port=asker.get_port(), StrictHostKeyChecking="no", HostKeyAlias="asker"
        )
        leaks = Leaks()
        with pytest.raises(ConnectError):
            await asyncio.wait_for(plugin.sshpyk_connect(target, somebody), 10)
        assert await leaks.found() == set()
    assert somebody.asked == []


async def test_the_time_that_a_person_takes_does_not_count(make_embedded: MakeEmbedded) -> None:
    for settings in ({"password": "right"}, {"questions": [("Code: ", "1")]}):
        server = make_embedded(allow_key=False, **settings)
        somebody = Somebody(thinks=True)
        leaks = Leaks()
        target = target_of(server, ConnectTimeout=1)
        attempt = asyncio.ensure_future(plugin.sshpyk_connect(target, somebody))
        await somebody.heard.wait()
        await asyncio.wait([attempt], timeout=1.2)
        assert not attempt.done()
        attempt.cancel()
        await asyncio.wait([attempt])
        assert attempt.cancelled()
        assert somebody.dismissed.is_set()
        assert await leaks.found() == set()


async def test_a_question_is_dismissed_when_the_server_hangs_up(
    make_embedded: MakeEmbedded,
) -> None:
    for settings in ({"password": "right"}, {"questions": [("Code: ", "1")]}):
        server = make_embedded(allow_key=False, **settings)
        somebody = Somebody(thinks=True)
        leaks = Leaks()
        attempt = asyncio.ensure_future(plugin.sshpyk_connect(target_of(server), somebody))
        await somebody.heard.wait()
        await asyncio.to_thread(server.cut)
        with pytest.raises(ConnectError):
            await asyncio.wait_for(attempt, 10)
        assert somebody.dismissed.is_set()
        assert await leaks.found() == set()


async def test_no_secret_shows_in_errors_or_logs(
    make_embedded: MakeEmbedded, caplog: pytest.LogCaptureFixture
) -> None:
    server = make_embedded(password="right", allow_key=False)
    with caplog.at_level("DEBUG"):
        said = await refusal(server, Somebody(*["hush-hush"] * 3))
        async with connected(server, Somebody("right")):
            pass
    assert "trying a password as jupyter" in caplog.text
    assert "hush" not in caplog.text + said
