"""What ssh prints about a host has types."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sshpyk_core.errors import ConfigError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.ssh_config import read_settings, resolve
from sshpyk_core.transport_kit.login.agent import agent_path, forwarded_agent_path
from sshpyk_core.transport_kit.settings.variables import with_variables
from sshpyk_core.types import Target
from support.require import require_program

CONFIG = """\
Host box
    ServerAliveInterval 5
    ServerAliveCountMax 7
    Compression yes
    Ciphers aes128-gcm@openssh.com,aes256-ctr
    MACs hmac-sha2-256
    KexAlgorithms curve25519-sha256
    HostKeyAlgorithms ssh-ed25519,rsa-sha2-512
    PreferredAuthentications password,publickey
    IdentitiesOnly yes
    PubkeyAuthentication no
    PasswordAuthentication no
    KbdInteractiveAuthentication no
    HashKnownHosts yes
    RevokedHostKeys {directory}/lost
    UserKnownHostsFile "{directory}/with space/known" {directory}/b ~/c
    GlobalKnownHostsFile none
    ConnectTimeout 1m
"""


@pytest.fixture
def target(tmp_path: Path) -> Target:
    require_program("ssh", "openssh-client")
    config = tmp_path / "config"
    config.write_text(CONFIG.format(directory=tmp_path))
    return Target("box", ssh_config=str(config))


async def test_the_settings_of_a_host_have_types(target: Target, tmp_path: Path) -> None:
    settings = await resolve(target)
    assert (settings.server_alive_interval, settings.server_alive_count_max) == (5, 7)
    assert settings.connect_timeout == 60
    assert settings.compression
    assert settings.ciphers == ["aes128-gcm@openssh.com", "aes256-ctr"]
    assert settings.macs == ["hmac-sha2-256"]
    assert settings.kex_algorithms == ["curve25519-sha256"]
    assert settings.host_key_algorithms == ["ssh-ed25519", "rsa-sha2-512"]
    assert settings.preferred_authentications == ["password", "publickey"]
    assert settings.identities_only
    assert not settings.pubkey_authentication
    assert not settings.password_authentication
    assert not settings.kbd_interactive_authentication
    assert settings.hash_known_hosts
    assert settings.revoked_host_keys == f"{tmp_path}/lost"


async def test_names_of_files_may_hold_spaces(target: Target, tmp_path: Path) -> None:
    settings = await resolve(target)
    files = [f"{tmp_path}/with space/known", f"{tmp_path}/b", f"{os.environ['HOME']}/c"]
    # ssh takes the home from the user database, not from HOME.
    assert settings.user_known_hosts_files[:2] == files[:2]
    assert len(settings.user_known_hosts_files) == 3
    assert settings.global_known_hosts_files == []


@pytest.mark.parametrize(
    ("printed", "files"),
    [
        ("/a/b /c d/e /f", ["/a/b", "/c d/e", "/f"]),
        (r"C:\Users\A B/.ssh/known D:\x", [r"C:\Users\A B/.ssh/known", r"D:\x"]),
        ("one two", ["one", "two"]),
        ("none", []),
        ("/a none", ["/a"]),
        ("", []),
    ],
)
def test_a_list_of_files_is_split_where_a_file_begins(printed: str, files: list[str]) -> None:
    settings = HostSettings("box", (("userknownhostsfile", printed),))
    assert settings.user_known_hosts_files == files


async def test_the_settings_of_an_unknown_host_are_the_defaults_of_ssh(target: Target) -> None:
    for settings in [
        await resolve(Target("nobody", ssh_config="/dev/null")),
        HostSettings("nobody", ()),
    ]:
        assert settings.strict_host_key_checking == "ask"
        assert (settings.server_alive_interval, settings.server_alive_count_max) == (0, 3)
        assert settings.connect_timeout is None
        assert not settings.compression
        assert not settings.identities_only
        assert not settings.hash_known_hosts
        assert settings.revoked_host_keys is None
        assert settings.preferred_authentications == []
        assert settings.pubkey_authentication
        assert settings.password_authentication
        assert settings.kbd_interactive_authentication
        assert settings.port == 22


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("off", "no"),
        ("ask", "ask"),
        ("accept-new", "accept-new"),
    ],
)
async def test_strictness_is_as_ssh_reads_it(said: str, meant: str) -> None:
    settings = await resolve(Target("box"), ["-o", f"StrictHostKeyChecking={said}"])
    assert settings.strict_host_key_checking == meant


def test_an_unheard_of_strictness_is_to_ask() -> None:
    settings = HostSettings("box", (("stricthostkeychecking", "perhaps"),))
    assert settings.strict_host_key_checking == "ask"


@pytest.mark.parametrize("value", ["yes", "true", "unbound", "host-bound"])
def test_every_way_of_allowing_keys_allows_them(value: str) -> None:
    assert HostSettings("box", (("pubkeyauthentication", value),)).pubkey_authentication


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("10", 10), ("1m", 60), ("1h30m", 5400), ("2D", 172800), ("none", None), ("soon", None)],
)
def test_times_are_seconds(said: str, seconds: int | None) -> None:
    assert HostSettings("box", (("connecttimeout", said),)).connect_timeout == seconds


async def test_what_is_given_wins_over_the_configuration(target: Target) -> None:
    settings = await read_settings(target, {"User": "them", "Port": "77", "Compression": "no"})
    assert (settings.user, settings.port) == ("them", 77)
    assert not settings.compression
    assert settings.server_alive_interval == 5


async def test_a_user_can_do_the_same_in_a_terminal(target: Target) -> None:
    settings = await read_settings(target, {"User": "them"})
    assert settings.login_line == f"ssh -F {target.ssh_config} -o User=them box"
    assert HostSettings("box", ()).login_line == "ssh box"


async def test_a_name_has_no_user() -> None:
    settings = await resolve(Target("me@box"))
    assert (settings.name, settings.user) == ("box", "me")
    assert HostSettings("me@box", ()).name == "box"


def test_variables_stand_in_names_of_files_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSHPYK_TEST", "/100%h")
    names = "${SSHPYK_TEST}/a ${SSHPYK_TEST}/b"
    entries = (("userknownhostsfile", names), ("proxycommand", "nc ${SSHPYK_TEST}"))
    settings = with_variables(HostSettings("box", entries))
    assert settings.user_known_hosts_files == ["/100%h/a", "/100%h/b"]
    assert settings.proxy_command == "nc ${SSHPYK_TEST}"
    monkeypatch.delenv("SSHPYK_TEST")
    with pytest.raises(ConfigError, match=r"box: userknownhostsfile .* variable SSHPYK_TEST"):
        with_variables(settings_with("userknownhostsfile", names))


@pytest.mark.parametrize(
    ("named", "path"),
    [
        (None, "/usual"),
        ("SSH_AUTH_SOCK", "/usual"),
        ("none", None),
        ("$SSHPYK_TEST", "/other"),
        ("$SSHPYK_TEST_UNSET", None),
        ("/run/%h", "/run/box"),
    ],
)
def test_an_agent_is_named_as_ssh_has_it(
    monkeypatch: pytest.MonkeyPatch, named: str | None, path: str | None
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/usual")
    monkeypatch.setenv("SSHPYK_TEST", "/other")
    settings = settings_with("identityagent", named)
    assert agent_path(settings) == path
    assert forwarded_agent_path(settings) is None
    both = HostSettings("box", (*settings.entries, ("forwardagent", "yes")))
    assert forwarded_agent_path(both) == path


@pytest.mark.parametrize(
    ("value", "path"), [("no", None), ("$SSHPYK_TEST", "/other"), ("/run/%n", "/run/box")]
)
def test_an_agent_to_forward_may_be_another_one(
    monkeypatch: pytest.MonkeyPatch, value: str, path: str | None
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/usual")
    monkeypatch.setenv("SSHPYK_TEST", "/other")
    assert forwarded_agent_path(settings_with("forwardagent", value)) == path


def settings_with(keyword: str, value: str | None) -> HostSettings:
    return HostSettings("box", () if value is None else ((keyword, value),))
