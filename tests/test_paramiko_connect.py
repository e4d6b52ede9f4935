"""How the paramiko transport gets to a host, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
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
from sshpyk_core.types import Target
from support.asyncssh_side import Leaks, Server, keygen, without_ssh
from support.client import make_key
from support.openssh import outcome
from support.paramiko_side import add_host, connected, greeting, target_of
from support.prompters import Somebody
from support.serving import serving
from support.sshd import SSHServer

from sshpyk_paramiko import plugin

MakeSSHServer = Callable[..., SSHServer]

RELAY = """
import os, socket, sys, threading
there = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def back():
    while data := there.recv(65536):
        os.write(1, data)
    os._exit(0)
threading.Thread(target=back).start()
while data := os.read(0, 65536):
    there.sendall(data)
os._exit(0)
"""


async def failure(
    server: Server, somebody: Somebody | None = None, alias: str = "", **settings: Any
) -> ConnectError:
    leaks = Leaks()
    with pytest.raises(ConnectError) as caught:
        await plugin.sshpyk_connect(target_of(server, alias, **settings), somebody)
    assert await leaks.found() == set()
    assert caught.value.host == (alias or server.alias)
    assert caught.value.answer
    assert caught.value.fix
    return caught.value


# Host keys


@pytest.mark.parametrize("strict", ["yes", "ask"])
async def test_an_unknown_host_key_is_refused_before_anything_is_proved(
    sshd: SSHServer, strict: str
) -> None:
    sshd.client.forget_host_key()
    error = await failure(sshd, StrictHostKeyChecking=strict)
    assert type(error) is UnknownHostKeyError
    assert f"ssh -F {sshd.ssh_config} " in error.fix
    assert sshd.client.known_hosts.read_text() == ""
    assert "publickey" not in sshd.log()


async def test_a_person_may_accept_an_unknown_host_key(sshd: SSHServer) -> None:
    sshd.client.forget_host_key()
    ask = {"StrictHostKeyChecking": "ask"}
    assert type(await failure(sshd, Somebody("no"), **ask)) is UnknownHostKeyError
    somebody = Somebody("yes")
    assert await greeting(sshd, somebody, **ask) == b"hello\n"
    assert [question.kind for question in somebody.asked] == ["host key"]
    assert await greeting(sshd) == b"hello\n"


async def test_a_new_host_key_is_remembered_where_the_settings_say_so(sshd: SSHServer) -> None:
    sshd.client.forget_host_key()
    new = {"StrictHostKeyChecking": "accept-new", "HashKnownHosts": "yes"}
    assert await greeting(sshd, **new) == b"hello\n"
    assert sshd.client.known_hosts.read_text().startswith("|1|")
    assert await greeting(sshd) == b"hello\n"


@pytest.mark.parametrize("strict", ["yes", "ask", "accept-new", "no"])
async def test_a_changed_and_a_revoked_host_key_are_refused_whatever_the_settings(
    sshd: SSHServer, strict: str
) -> None:
    line = sshd.client.known_hosts.read_text()
    sshd.client.known_hosts.write_text(f"{line}@revoked * {line.split(' ', 1)[1]}")
    revoked = await failure(sshd, Somebody("yes"), StrictHostKeyChecking=strict)
    assert type(revoked) is ChangedHostKeyError
    assert "revoked" in revoked.answer
    sshd.client.change_host_key()
    changed = await failure(sshd, Somebody("yes"), StrictHostKeyChecking=strict)
    assert type(changed) is ChangedHostKeyError
    assert f"ssh-keygen -R '[127.0.0.1]:{sshd.port}'" in changed.fix
    assert "publickey" not in sshd.log()


async def test_the_host_is_asked_for_the_key_that_it_is_known_by(
    make_sshd: MakeSSHServer, tmp_path: Path
) -> None:
    lines = []
    for kind in ("rsa", "ecdsa"):
        keygen("-t", kind, "-N", "", "-f", tmp_path / kind)
        lines.append(f"HostKey {tmp_path / kind}")
    server = make_sshd(sshd_config=lines)
    known = server.client.known_hosts
    for kind in ("rsa", "ecdsa"):
        public = (tmp_path / f"{kind}.pub").read_text()
        known.write_text(f"[127.0.0.1]:{server.port} {public}")
        keygen("-H", "-f", known)
        assert await greeting(server) == b"hello\n"
        known.write_text(f"another {public}")
        assert await greeting(server, HostKeyAlias="another") == b"hello\n"


async def test_the_plain_key_of_a_host_with_a_certificate_is_what_counts(
    make_sshd: MakeSSHServer, tmp_path: Path
) -> None:
    authority, key = tmp_path / "authority", tmp_path / "host"
    public, plain = make_key(authority), make_key(key)
    keygen("-h", "-s", authority, "-I", "host", "-n", "127.0.0.1", f"{key}.pub")
    server = make_sshd(sshd_config=[f"HostKey {key}", f"HostCertificate {key}-cert.pub"])
    known = server.client.known_hosts
    known.write_text(f"@cert-authority * {public}")
    assert type(await failure(server)) is UnknownHostKeyError
    known.write_text(f"[127.0.0.1]:{server.port} {plain}")
    assert await greeting(server) == b"hello\n"


# The way there


async def test_what_is_wrong_with_the_way_is_told(sshd: SSHServer) -> None:
    error = await failure(sshd, HostName="nowhere.invalid")
    assert type(error) is HostNotFoundError
    assert "nowhere.invalid" in error.answer
    sshd.stop()
    error = await failure(sshd)
    assert type(error) is HostUnreachableError
    assert "refused" in error.answer


@pytest.mark.parametrize("says", [b"", b"SSH-2.0-OpenSSH_9.9\r\n"], ids=["nothing", "its version"])
async def test_a_host_that_falls_silent_is_given_up_after_its_connect_timeout(
    sshd: SSHServer, says: bytes
) -> None:
    async def fall_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        await reader.read()
        writer.close()

    async with serving(fall_silent) as port:
        attempt = plugin.sshpyk_connect(target_of(sshd, Port=port, ConnectTimeout=1), None)
        with pytest.raises(HostUnreachableError, match="no answer within 1 s"):
            await asyncio.wait_for(attempt, 3)


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (b"", "closed"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "closed"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "closed"),
        (b"SSH-1.0-old\r\n", "1.0"),
        (b"SSH-2.0-nonsense\r\n" + bytes(range(256)), ""),
        (b"SSH-2.0-OpenSSH_9.9\r\n\x7f\xff\xff\xf4" + bytes(64), "packet of 2147483"),
    ],
)
async def test_a_server_that_hangs_up_or_speaks_something_else_is_told(
    sshd: SSHServer, says: bytes, words: str
) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        writer.write_eof()
        await reader.read()  # to close before would be a reset, which may overtake what it says
        writer.close()

    async with serving(hang_up) as port:
        error = await failure(sshd, Port=port)
    assert type(error) is ConnectError
    assert words in error.answer


async def test_no_common_algorithm_is_told_with_what_each_side_offers(
    make_sshd: MakeSSHServer,
) -> None:
    server = make_sshd(sshd_config=["Ciphers aes256-ctr", "MACs hmac-sha2-256"])
    for settings, theirs in (
        ({"Ciphers": "aes128-gcm@openssh.com,chacha20-poly1305@openssh.com"}, "aes256-ctr"),
        ({"MACs": "hmac-sha2-512"}, "hmac-sha2-256"),
    ):
        error = await failure(server, **settings)
        assert type(error) is ConnectError
        ours = next(iter(settings.values())).split(",")[0]
        assert f"we offer {ours}; the server {theirs}" in error.answer
    error = await failure(server, Ciphers="chacha20-poly1305@openssh.com")
    assert "paramiko has none" in error.answer


@pytest.mark.parametrize(
    ("settings", "cipher"),
    [
        ({}, "aes128-gcm@openssh.com"),
        ({"Ciphers": "aes256-ctr,aes128-gcm@openssh.com"}, "aes256-ctr"),
        ({"Ciphers": "chacha20-poly1305@openssh.com,aes128-ctr"}, "aes128-ctr"),
        ({"Compression": "yes"}, "aes128-gcm@openssh.com"),
    ],
)
async def test_the_fastest_cipher_is_first_where_the_settings_name_none(
    shared_sshd: SSHServer, settings: dict[str, str], cipher: str
) -> None:
    async with connected(shared_sshd, **settings) as session:
        connection = session._connection
        assert connection.remote_cipher == cipher
        wanted = "zlib@openssh.com" if "Compression" in settings else "none"
        assert connection.local_compression == wanted
        process = await plugin.sshpyk_launch(session, "head -c 1000000 /dev/zero | wc -c")
        assert await outcome(process) == (0, b"1000000\n", b"")


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.02, 0.03, 0.05, 0.08])
async def test_a_cancelled_connect_leaves_nothing_behind(sshd: SSHServer, seconds: float) -> None:
    leaks = Leaks()
    attempt = asyncio.ensure_future(plugin.sshpyk_connect(target_of(sshd), None))
    await asyncio.wait([attempt], timeout=seconds)
    if attempt.cancel():
        await asyncio.wait([attempt])
        assert attempt.cancelled()
    else:
        await attempt.result().aclose()
    assert await leaks.found() == set()


# Jump hosts


async def test_a_host_is_reached_through_several_jump_hosts_and_all_are_closed_with_it(
    make_sshd: MakeSSHServer,
) -> None:
    first, second, third = (make_sshd() for _ in range(3))
    add_host(first.ssh_config, "second", second, f"ProxyJump {first.alias}")
    add_host(first.ssh_config, "third", third, "ProxyJump second")
    add_host(first.ssh_config, "listed", third, f"ProxyJump {first.alias},second")
    leaks = Leaks()
    assert await greeting(first, alias="third") == b"hello\n"
    assert await greeting(first, alias="listed") == b"hello\n"
    assert await leaks.found() == set()
    assert [server.logins() for server in (first, second, third)] == [2, 2, 2]
    async with connected(first, alias="third") as session:
        process = await plugin.sshpyk_launch(session, "exec cat")
        await asyncio.to_thread(first.cut)
        assert "closed" in await asyncio.wait_for(session.closed, 10)
        assert await process.stdout.read() == b""
    assert await leaks.found() == set()


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        ("forget_host_key", UnknownHostKeyError),
        ("change_host_key", ChangedHostKeyError),
        ("offer_wrong_key", AuthenticationError),
    ],
)
async def test_what_is_wrong_at_a_jump_host_is_told_by_its_name(
    sshd: SSHServer, spoil: str, kind: type[ConnectError]
) -> None:
    getattr(sshd.client, spoil)()
    with sshd.ssh_config.open("a") as config:
        config.write(f"\nHost inner\n  HostName 127.0.0.1\n  ProxyJump {sshd.alias}\n")
    error = await failure(sshd, alias="inner")
    assert type(error) is kind
    assert f"its jump host {sshd.alias}" in error.tried


async def test_a_host_that_its_jump_host_does_not_reach_is_told(make_sshd: MakeSSHServer) -> None:
    server = make_sshd()
    closed = make_sshd(sshd_config=["AllowTcpForwarding no"])
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        for jump in (server, closed):
            with jump.ssh_config.open("a") as config:
                config.write(f"\nHost inner\n  HostName 127.0.0.1\n  Port {port}\n")
                config.write(f"  ProxyJump {jump.alias}\n")
        error = await failure(server, alias="inner")
        assert type(error) is HostUnreachableError
        assert f"connect through {server.alias}" in error.tried
        assert str(port) in error.answer
        assert "AllowTcpForwarding" in (await failure(closed, alias="inner")).fix


async def test_a_host_is_reached_by_a_proxy_command(sshd: SSHServer, tmp_path: Path) -> None:
    relay = tmp_path / "relay.py"
    relay.write_text(RELAY)
    leaks = Leaks()
    command = f"{sys.executable} {relay} %h %p"
    assert await greeting(sshd, ProxyCommand=command) == b"hello\n"
    assert await leaks.found() == set()
    error = await failure(sshd, ProxyCommand="sh -c 'echo no way >&2; exit 3'")
    assert "ended with 3: no way" in error.answer
    error = await failure(sshd, ProxyCommand="sleep 1000", ConnectTimeout=1)
    assert type(error) is HostUnreachableError


# The configuration


async def test_what_the_configuration_passes_on_arrives(
    make_sshd: MakeSSHServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_HERE", "here")
    lines = ["SendEnv LC_H*", "SetEnv LC_THERE=there"]
    server = make_sshd(sshd_config=["AcceptEnv LC_*"], ssh_config=lines)
    async with connected(server) as session:
        process = await plugin.sshpyk_launch(session, 'echo "$LC_HERE $LC_THERE"')
        assert await outcome(process) == (0, b"here there\n", b"")


async def test_a_broken_configuration_is_told(sshd: SSHServer) -> None:
    sshd.client.append_config("Bogus yes")
    assert "bogus" in (await failure(sshd)).answer


@pytest.mark.parametrize(
    ("raw", "words"),
    [({"windw": 1}, "'window'"), ({"window": 1}, "32768"), ({"options": [1]}, "mapping")],
)
async def test_a_wrong_option_is_named(raw: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        await plugin.sshpyk_connect(Target("box", "paramiko", options=raw), None)


@pytest.mark.parametrize("alias", ["", "-oProxyCommand=id", "a;id", "a b"])
async def test_an_alias_that_could_be_mistaken_is_refused(
    alias: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in ("with ssh", "without"):
        with pytest.raises(ConfigError):
            await plugin.sshpyk_connect(Target(alias, "paramiko"), None)
        monkeypatch.setenv("PATH", without_ssh(tmp_path / "bin"))


async def test_nothing_of_the_users_own_files_is_read_behind_our_back(sshd: SSHServer) -> None:
    folder = Path.home() / ".ssh"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config").write_text("Host *\n  Port 1\n")
    (folder / "known_hosts").write_text(sshd.client.known_hosts.read_text())
    (folder / "id_ed25519").write_bytes(sshd.client.key.read_bytes())
    assert await greeting(sshd) == b"hello\n"
    sshd.client.offer_wrong_key()
    assert type(await failure(sshd)) is AuthenticationError
    sshd.client.forget_host_key()
    assert type(await failure(sshd)) is UnknownHostKeyError


async def test_an_ssh_program_that_the_spec_names_must_be_there(sshd: SSHServer) -> None:
    with pytest.raises(ConnectError, match="/no/such/ssh"):
        await plugin.sshpyk_connect(replace(target_of(sshd), ssh="/no/such/ssh"), None)


async def test_sockets_do_not_hold_back_small_packets(sshd: SSHServer) -> None:
    async with connected(sshd):
        found = []
        for name in os.listdir("/proc/self/fd"):
            with suppress(OSError, IndexError), copied_socket(int(name)) as sock:
                if sock.getpeername()[1] == sshd.port:
                    found.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        assert found == [1]


def copied_socket(descriptor: int) -> socket.socket:
    """Give a socket of this process once more; of what is no socket, nothing may stay open."""
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        raise OSError(errno.ENOTSOCK, os.strerror(errno.ENOTSOCK))
    return socket.socket(fileno=os.dup(descriptor))
