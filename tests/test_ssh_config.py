"""What ssh would use for an alias is asked of ssh itself."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest
from sshpyk_core.errors import ConfigError, ConnectError
from sshpyk_core.local_tool import ask_tool
from sshpyk_core.ssh_config import HostSettings, resolve, validate_alias
from sshpyk_core.types import Target
from support.require import require_program

from sshpyk_core import ssh_config

MISTAKABLE = " \t\n\0;$`|&><'\"*?(){}[]\\~!#"
CONFIG = """\
Host box
    HostName box.example.org
    Port 2222
    User someone
    ProxyJump first,second
    ControlPath {directory}/%h-%p-%r
    IdentityFile {directory}/key-%h
    IdentityFile ~/.ssh/other
    CertificateFile {directory}/cert
    UserKnownHostsFile {directory}/known1 {directory}/known2
    ConnectTimeout 7
    SetEnv GREETING=hello
Host aliased
    HostKeyAlias the-one
"""


@pytest.fixture
def target(tmp_path: Path) -> Target:
    require_program("ssh", "openssh-client")
    config = tmp_path / "config"
    config.write_text(CONFIG.format(directory=tmp_path))
    return Target("box", ssh_config=str(config))


@pytest.fixture
def broken(tmp_path: Path) -> Target:
    require_program("ssh", "openssh-client")
    config = tmp_path / "broken"
    config.write_text("Host *\n  Bogus yes\n")
    return Target("box", ssh_config=str(config))


@pytest.fixture
def hanging(tmp_path: Path) -> Target:
    require_program("ssh", "openssh-client")
    config = tmp_path / "hanging"
    config.write_text('Match exec "sleep 60"\n  Port 7\n')
    return Target("box", ssh_config=str(config))


async def test_settings_of_an_alias_have_types(target: Target, tmp_path: Path) -> None:
    settings = await resolve(target)
    assert settings.hostname == "box.example.org"
    assert settings.port == 2222
    assert settings.user == "someone"
    assert settings.proxy_jump == "first,second"
    assert settings.proxy_command is None
    assert settings.connect_timeout == 7
    assert settings.control_path == f"{tmp_path}/box.example.org-2222-someone"
    other = f"{os.environ['HOME']}/.ssh/other"
    assert settings.identity_files == [f"{tmp_path}/key-box.example.org", other]
    assert settings.certificate_files == [f"{tmp_path}/cert"]
    assert settings.user_known_hosts_files == [f"{tmp_path}/known1", f"{tmp_path}/known2"]
    assert settings.known_hosts_name == "[box.example.org]:2222"
    assert settings.all("SetEnv") == ["GREETING=hello"]
    assert not settings.flag("batchmode")


async def test_a_name_that_the_configuration_does_not_have_is_its_own_host_name(
    target: Target,
) -> None:
    settings = await resolve(Target("nobody.example.org", ssh_config=target.ssh_config))
    assert settings.hostname == settings.known_hosts_name == "nobody.example.org"
    assert settings.port == 22
    assert settings.control_path is None
    assert settings.proxy_jump is None
    assert settings.connect_timeout is None


async def test_a_host_key_alias_is_the_name_in_known_hosts(target: Target) -> None:
    settings = await resolve(Target("aliased", ssh_config=target.ssh_config))
    assert settings.known_hosts_name == "the-one"


async def test_further_arguments_count(target: Target) -> None:
    settings = await resolve(target, ["-o", "Port=2300", "-o", "BatchMode=yes"])
    assert settings.port == 2300
    assert settings.flag("batchmode")


async def test_a_keyword_that_ssh_does_not_know_is_not_supported(target: Target) -> None:
    settings = await resolve(target)
    assert settings.supports("HostName")
    assert settings.supports("port")
    assert not settings.supports("teleportation")
    assert settings.get("teleportation") is None


def test_file_names_may_hold_tokens() -> None:
    entries = (("hostname", "h.example.org"), ("port", "23"), ("user", "me"))
    settings = HostSettings("box", entries)
    assert settings.expand("/k/%%-%h-%n-%p-%r-%k-%z") == "/k/%-h.example.org-box-23-me-box-%z"
    assert settings.expand("%d/x") == os.path.expanduser("~/x")


@pytest.mark.parametrize(
    "alias", ["box", "me@box.example.org", "10.0.0.1", "::1", "ssh://me@box:22", "a_b-c", "größe"]
)
def test_what_ssh_takes_for_a_host_is_an_alias(alias: str) -> None:
    validate_alias(alias)


@pytest.mark.parametrize(
    "alias",
    ["", "-oProxyCommand=id", "\x1b[0m", "a\u2028", *(f"a{char}b" for char in MISTAKABLE)],
)
async def test_what_ssh_or_a_shell_could_mistake_is_no_alias(alias: str) -> None:
    with pytest.raises(ConfigError, match="alias"):
        validate_alias(alias)
    with pytest.raises(ConfigError, match="alias"):
        await resolve(Target(alias))


async def test_a_broken_configuration_is_told_in_the_words_of_ssh(broken: Target) -> None:
    with pytest.raises(ConnectError, match=r"line 2: Bad configuration option: bogus") as caught:
        await resolve(broken)
    assert caught.value.host == "box"
    assert caught.value.fix


async def test_a_missing_program_is_named() -> None:
    with pytest.raises(ConnectError, match="no-such-ssh"):
        await resolve(Target("box", ssh="/no/no-such-ssh"))


async def test_a_missing_config_file_is_named(tmp_path: Path) -> None:
    require_program("ssh", "openssh-client")
    with pytest.raises(ConnectError, match="absent-config"):
        await resolve(Target("box", ssh_config=str(tmp_path / "absent-config")))


async def test_a_tool_that_does_not_end_is_killed_with_what_it_started() -> None:
    started = time.monotonic()
    with pytest.raises(asyncio.TimeoutError):
        await ask_tool(["sh", "-c", "sleep 60 & sleep 60"], 0.3)
    assert time.monotonic() - started < 20


async def test_of_a_tool_that_is_given_up_no_pipe_stays_open() -> None:
    before = os.listdir("/proc/self/fd")
    with pytest.raises(asyncio.TimeoutError):
        # One that has left the group keeps the far ends of the pipes.
        await ask_tool(["sh", "-c", "setsid sleep 2 & sleep 60"], 0.3)
    await asyncio.sleep(0)  # asyncio closes in the loop's next turn
    assert os.listdir("/proc/self/fd") == before


async def test_a_configuration_that_hangs_is_given_up(
    hanging: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_config, "_RESOLVE_LIMIT_SECONDS", 0.5)
    with pytest.raises(ConnectError, match="no answer within"):
        await resolve(hanging)
