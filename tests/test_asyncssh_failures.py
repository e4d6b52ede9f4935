"""Every way in which the asyncssh transport cannot connect says what is wrong and what to do."""

from __future__ import annotations

import asyncio
import os
import socket
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
from sshpyk_core.testing.embedded_server import EmbeddedServer
from sshpyk_core.types import Target
from support.asyncssh_side import Leaks, Server, connected, keygen, target_of, without_ssh
from support.client import make_key
from support.openssh import outcome
from support.prompters import Somebody
from support.serving import serving
from support.sshd import SSHServer

from sshpyk_asyncssh import plugin


async def failure(
    server: Server, prompter: Somebody | None = None, alias: str = "", **settings: Any
) -> ConnectError:
    leaks = Leaks()
    with pytest.raises(ConnectError) as caught:
        await plugin.sshpyk_connect(target_of(server, alias, **settings), prompter)
    assert await leaks.found() == set()
    assert caught.value.host == (alias or server.alias)
    assert caught.value.answer
    assert caught.value.fix
    return caught.value


# Host keys


async def test_an_unknown_host_key_is_refused_with_the_command_that_accepts_it(
    sshd: SSHServer,
) -> None:
    sshd.client.forget_host_key()
    for strict in ("ask", "yes"):
        error = await failure(sshd, StrictHostKeyChecking=strict)
        assert type(error) is UnknownHostKeyError
        assert f"ssh -F {sshd.ssh_config} " in error.fix
    assert sshd.client.known_hosts.read_text() == ""
    assert sshd.logins() == 0


async def test_a_person_may_accept_an_unknown_host_key(sshd: SSHServer) -> None:
    sshd.client.forget_host_key()
    somebody = Somebody("no")
    error = await failure(sshd, somebody, StrictHostKeyChecking="ask")
    assert type(error) is UnknownHostKeyError
    (question,) = somebody.asked
    assert question.kind == "host key"
    assert "SHA256:" in question.text
    async with connected(sshd, Somebody("yes"), StrictHostKeyChecking="ask"):
        assert f"[127.0.0.1]:{sshd.port} ssh-ed25519" in sshd.client.known_hosts.read_text()
    async with connected(sshd):
        pass


async def test_an_unknown_host_key_is_accepted_once_and_then_held_to(sshd: SSHServer) -> None:
    sshd.client.forget_host_key()
    async with connected(sshd, StrictHostKeyChecking="accept-new"):
        assert sshd.client.known_hosts.read_text().count("\n") == 1
    sshd.client.change_host_key()
    error = await failure(sshd, StrictHostKeyChecking="accept-new")
    assert type(error) is ChangedHostKeyError


@pytest.mark.parametrize("strict", ["yes", "ask", "accept-new", "no"])
async def test_a_changed_host_key_is_refused_plainly(sshd: SSHServer, strict: str) -> None:
    sshd.client.change_host_key()
    error = await failure(sshd, Somebody("yes"), StrictHostKeyChecking=strict)
    assert type(error) is ChangedHostKeyError
    assert f"ssh-keygen -R '[127.0.0.1]:{sshd.port}'" in error.fix
    assert sshd.logins() == 0


async def test_known_hosts_files_that_are_none_do_not_turn_checking_off(sshd: SSHServer) -> None:
    error = await failure(sshd, UserKnownHostsFile="none", StrictHostKeyChecking="yes")
    assert type(error) is UnknownHostKeyError


async def test_a_revoked_host_key_is_refused(sshd: SSHServer) -> None:
    line = sshd.client.known_hosts.read_text()
    sshd.client.known_hosts.write_text(f"{line}@revoked * {line.split(' ', 1)[1]}")
    error = await failure(sshd, StrictHostKeyChecking="no")
    assert type(error) is ChangedHostKeyError
    assert "revoked" in error.answer


async def test_hashed_names_and_aliases_are_found(sshd: SSHServer) -> None:
    known = sshd.client.known_hosts
    keygen("-H", "-f", known)
    assert "|1|" in known.read_text()
    async with connected(sshd):
        pass
    known.write_text("another " + sshd.client.public_key)
    assert type(await failure(sshd, HostKeyAlias="another")) is ChangedHostKeyError
    sshd.client.trust_host_key()
    known.write_text("another " + known.read_text().split(" ", 1)[1])
    async with connected(sshd, HostKeyAlias="another"):
        pass


async def test_the_key_by_which_a_host_is_known_is_the_one_it_is_asked_for(
    make_sshd: Callable[..., SSHServer], tmp_path: Path
) -> None:
    key = tmp_path / "ecdsa"
    keygen("-t", "ecdsa", "-N", "", "-f", key)
    server = make_sshd(sshd_config=[f"HostKey {key}"])
    public = key.with_suffix(".pub").read_text()
    server.client.known_hosts.write_text(f"[127.0.0.1]:{server.port} {public}")
    async with connected(server):
        pass


async def test_a_host_is_trusted_by_the_authority_that_certified_its_key(
    make_sshd: Callable[..., SSHServer], tmp_path: Path
) -> None:
    authority, key = tmp_path / "authority", tmp_path / "host"
    public = make_key(authority)
    make_key(key)
    keygen("-h", "-s", authority, "-I", "host", "-n", "127.0.0.1", f"{key}.pub")
    server = make_sshd(sshd_config=[f"HostKey {key}", f"HostCertificate {key}-cert.pub"])
    known = server.client.known_hosts
    known.write_text(f"@cert-authority [127.0.0.1]:{server.port} {public}")
    async with connected(server):
        pass
    known.write_text(f"@cert-authority * {make_key(tmp_path / 'other')}")
    assert type(await failure(server)) is UnknownHostKeyError
    # The plain key still counts where the authority is another one.
    plain = key.with_suffix(".pub").read_text()
    known.write_text(f"{known.read_text()}[127.0.0.1]:{server.port} {plain}")
    async with connected(server):
        pass
    known.write_text(f"@cert-authority * {public}@revoked * {public}")
    assert type(await failure(server)) is UnknownHostKeyError


# The way there


async def test_a_name_that_does_not_resolve_is_told(sshd: SSHServer) -> None:
    error = await failure(sshd, HostName="nowhere.invalid")
    assert type(error) is HostNotFoundError
    assert "nowhere.invalid" in error.answer


async def test_a_refused_connection_is_told(sshd: SSHServer) -> None:
    sshd.stop()
    error = await failure(sshd)
    assert type(error) is HostUnreachableError
    assert "refused" in error.answer
    assert str(sshd.port) in error.fix


async def test_a_host_that_never_answers_is_given_up_after_its_connect_timeout(
    sshd: SSHServer,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        attempt = failure(sshd, Port=silent.getsockname()[1], ConnectTimeout=1)
        error = await asyncio.wait_for(attempt, 3)
    assert type(error) is HostUnreachableError
    assert "within 1 s" in error.answer


async def test_a_host_that_falls_silent_during_the_login_is_given_up(
    sshd: SSHServer,
) -> None:
    async def talk_a_little(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.9\r\n")
        await reader.read()
        writer.close()

    async with serving(talk_a_little) as port:
        with pytest.raises(HostUnreachableError):
            await plugin.sshpyk_connect(target_of(sshd, Port=port, ConnectTimeout=1), None)


async def test_a_server_that_hangs_up_is_told(sshd: SSHServer) -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with serving(hang_up) as port:
        with pytest.raises(ConnectError, match="hung up") as caught:
            await plugin.sshpyk_connect(target_of(sshd, Port=port), None)
    assert type(caught.value) is ConnectError


async def test_a_server_that_speaks_something_else_is_told(sshd: SSHServer) -> None:
    async def chatter(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-nonsense\r\n" + os.urandom(4096))
        writer.close()

    async with serving(chatter) as port:
        with pytest.raises(ConnectError) as caught:
            await plugin.sshpyk_connect(target_of(sshd, Port=port), None)
    assert caught.value.answer


async def test_no_common_algorithm_is_told_with_what_each_side_offers(
    make_sshd: Callable[..., SSHServer],
) -> None:
    server = make_sshd(sshd_config=["Ciphers aes256-ctr"])
    error = await failure(server, Ciphers="aes128-gcm@openssh.com")
    assert "aes256-ctr" in error.answer
    assert "aes128-gcm@openssh.com" in error.answer
    error = await failure(server, KexAlgorithms="sntrup761x25519-sha512@openssh.com")
    assert "asyncssh has none" in error.answer


async def test_the_configured_ciphers_are_kept_to_and_the_fastest_is_first_without(
    shared_sshd: SSHServer,
) -> None:
    for settings, cipher in (
        ({}, "aes128-gcm@openssh.com"),
        ({"Ciphers": "aes256-ctr,aes128-gcm@openssh.com"}, "aes256-ctr"),
    ):
        async with connected(shared_sshd, **settings) as session:
            (connection,) = session._route.connections
            assert connection.get_extra_info("recv_cipher") == cipher


async def test_what_is_sent_is_compressed_where_the_settings_say_so(sshd: SSHServer) -> None:
    async with connected(sshd, Compression="yes") as session:
        (connection,) = session._route.connections
        assert connection.get_extra_info("send_compression") == "zlib@openssh.com"
        process = await plugin.sshpyk_launch(session, "head -c 1000000 /dev/zero | wc -c")
        assert await outcome(process) == (0, b"1000000\n", b"")


# Jump hosts


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
    error = await failure(sshd, alias="inner")
    assert type(error) is kind
    assert f"its jump host {sshd.alias}" in str(error)


async def test_a_target_that_a_jump_host_does_not_reach_is_told(sshd: SSHServer) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        with sshd.ssh_config.open("a") as config:
            config.write(
                f"\nHost inner\n  HostName 127.0.0.1\n  Port {port}\n  ProxyJump {sshd.alias}\n"
            )
        error = await failure(sshd, alias="inner")
    assert type(error) is HostUnreachableError
    assert "refused" in error.answer
    assert sshd.logins() == 1


# The configuration


async def test_a_broken_ssh_configuration_is_told(sshd: SSHServer) -> None:
    sshd.client.append_config("Bogus yes")
    assert "Bad configuration option: bogus" in (await failure(sshd)).answer


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"windw": 1}, "did you mean 'window'"),
        ({"window": 1}, "from 65536"),
        ({"options": ["Port=1"]}, "must be a mapping"),
    ],
)
async def test_a_wrong_option_is_named(raw: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        await plugin.sshpyk_connect(Target("box", "asyncssh", options=raw), None)


@pytest.mark.parametrize("alias", ["", "-oProxyCommand=id", "a;id", "a b"])
async def test_an_alias_that_could_be_mistaken_is_refused(
    alias: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        with pytest.raises(ConfigError):
            await plugin.sshpyk_connect(Target(alias, "asyncssh"), None)
        monkeypatch.setenv("PATH", without_ssh(tmp_path / "bin"))


def fill_home(server: EmbeddedServer) -> None:
    """Give the user files that would let anybody in, and lead astray."""
    folder = Path.home() / ".ssh"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config").write_text("Host *\n  Port 1\n  ProxyCommand false\n")
    (folder / "known_hosts").write_text(server.known_hosts.read_text())
    (folder / "id_ed25519").write_bytes(server.user_key.read_bytes())


async def test_nothing_of_the_users_own_files_is_read_behind_our_back(
    make_embedded: Callable[..., EmbeddedServer],
) -> None:
    server = make_embedded()
    fill_home(server)
    async with connected(server):
        pass
    server.known_hosts.write_text("")
    assert type(await failure(server)) is UnknownHostKeyError
    server.ssh_config.write_text(server.ssh_config.read_text().replace("user_key", "no_key"))
    assert type(await failure(server, StrictHostKeyChecking="no")) is AuthenticationError
