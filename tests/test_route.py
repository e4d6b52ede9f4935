"""Jump hosts are followed as ssh follows them."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from conftest import MakeSSHServer
from sshpyk_core.errors import ConfigError, ConnectError
from sshpyk_core.host_settings import HostSettings
from sshpyk_core.ssh_config import read_settings
from sshpyk_core.transport_kit.route.jump import Jump, parse_jumps
from sshpyk_core.transport_kit.route.route import route
from sshpyk_core.types import Target
from support.client import ClientSide
from support.require import require_program

CONFIG = """\
Host direct
    HostName direct.invalid
Host one
    HostName box
    ProxyJump gate
Host several
    ProxyJump me@gate:2201,[::1]:2202,ssh://you%2Bx@inner:2203/
Host nested
    ProxyJump second,third
Host second
    ProxyJump gate
Host third
    ProxyJump never
    User third-user
Host tokens
    HostName real.invalid
    Port 2204
    User someone
    ProxyJump %r@gate-%n:2205,%h
Host off
    ProxyJump none
Host round
    ProxyJump about
Host about
    ProxyJump gate2,round
Host gate2
    ProxyJump about
Host self
    ProxyJump self
Host commanded
    ProxyJump behind
Host behind
    ProxyCommand nc -x proxy %h %p
Host gate
    HostName gate.invalid
    User keeper
    Port 2299
Host deep-*
    ProxyCommand none
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    require_program("ssh", "openssh-client")
    path = tmp_path / "config"
    path.write_text(CONFIG)
    return path


async def places(config: Path, alias: str) -> list[str]:
    hosts = await route(Target(alias, ssh_config=str(config)), read_settings)
    return [f"{one.user}@{one.hostname}:{one.port}" for one in hosts]


def user_of(settings: list[str]) -> str:
    return settings[-1].partition("@")[0]


@pytest.mark.parametrize(
    ("alias", "expected"),
    [
        ("direct", ["ME@direct.invalid:22"]),
        ("off", ["ME@off:22"]),
        ("one", ["keeper@gate.invalid:2299", "ME@box:22"]),
        (
            "several",
            ["me@gate.invalid:2201", "ME@::1:2202", "you+x@inner:2203", "ME@several:22"],
        ),
        (
            "nested",
            ["keeper@gate.invalid:2299", "ME@second:22", "third-user@third:22", "ME@nested:22"],
        ),
        (
            "tokens",
            [
                "someone@gate-tokens:2205",
                "ME@real.invalid:22",
                "someone@real.invalid:2204",
            ],
        ),
    ],
)
async def test_a_route_is_the_one_that_ssh_takes(
    config: Path, alias: str, expected: list[str]
) -> None:
    me = user_of(await places(config, "direct"))
    assert await places(config, alias) == [one.replace("ME@", f"{me}@") for one in expected]


@pytest.mark.parametrize("alias", ["one", "several", "nested", "tokens"])
async def test_the_nearest_host_is_the_one_that_ssh_connects_to(config: Path, alias: str) -> None:
    # ssh makes a ProxyCommand of each jump host, and says so.
    nearest, *others = await route(Target(alias, ssh_config=str(config)), read_settings)
    ssh = require_program("ssh", "openssh-client")
    # No such name resolves, so it ends after ssh has said for whom it goes.
    unresolved = ("-o", "ConnectTimeout=1", "-o", "BatchMode=yes")
    process = await asyncio.create_subprocess_exec(
        *(ssh, "-v", "-F", str(config), *unresolved, alias),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    text = said.decode()
    tried = re.findall(r"ssh: Could not resolve hostname (\S+):|Connecting to (\S+) ", text)
    assert [name or address for name, address in tried] == [nearest.hostname]
    assert text.count("Executing proxy command: exec ") == len(others)
    for host in others:
        assert re.search(rf"Executing proxy command: .*-W '\[{host.hostname}\]:{host.port}'", text)


async def test_a_jump_host_is_reached_in_a_terminal_as_we_reach_it(config: Path) -> None:
    target = Target("several", ssh_config=str(config))
    hosts = await route(target, read_settings)
    start = f"ssh -F {config}"
    assert [host.login_line for host in hosts] == [
        f"{start} -o User=me -o Port=2201 gate",
        f"{start} -o Port=2202 -o ProxyJump=me@gate:2201 ::1",
        f"{start} -o User=you+x -o Port=2203 -o 'ProxyJump=me@gate:2201,[::1]:2202' inner",
        f"{start} several",
    ]


async def test_a_proxy_command_of_the_nearest_host_is_kept(config: Path) -> None:
    hosts = await route(Target("commanded", ssh_config=str(config)), read_settings)
    assert [host.proxy_command for host in hosts] == ["nc -x proxy %h %p", None]


async def test_jump_hosts_in_a_circle_are_an_error(config: Path) -> None:
    with pytest.raises(ConnectError, match="about -> gate2 -> about -> round") as caught:
        await places(config, "round")
    assert caught.value.host == "round"
    assert "ProxyJump none" in caught.value.fix


async def test_a_host_that_is_its_own_jump_host_is_an_error(config: Path) -> None:
    with pytest.raises(ConnectError, match="loop"):
        await places(config, "self")


async def test_a_chain_without_an_end_is_given_up() -> None:
    read: list[str] = []

    async def endless(target: Target, overrides: object) -> HostSettings:
        read.append(target.alias)
        return HostSettings(target.alias, (("proxyjump", f"{target.alias}x"),))

    with pytest.raises(ConnectError, match="more than 10"):
        await route(Target("a"), endless)
    assert len(read) == 11


async def test_a_jump_host_keeps_what_the_spec_says_of_its_target() -> None:
    seen: list[Target] = []

    async def read(target: Target, overrides: object) -> HostSettings:
        seen.append(target)
        jump = (("proxyjump", "gate"),) if target.alias == "box" else ()
        return HostSettings(target.alias, jump)

    target = Target("box", "asyncssh", "/config", "/ssh", {"x": 1})
    await route(target, read)
    assert seen == [target, Target("gate", "asyncssh", "/config", "/ssh", {"x": 1})]


# The value of ProxyJump


@pytest.mark.parametrize(
    ("text", "jump"),
    [
        ("gate", Jump("gate")),
        ("gate:22", Jump("gate", port=22)),
        ("me@gate", Jump("gate", "me")),
        ("a@b@gate:1", Jump("gate", "a@b", 1)),
        ("[::1]", Jump("::1")),
        ("me@[fe80::1]:65535", Jump("fe80::1", "me", 65535)),
        ("[127.0.0.1]:2200", Jump("127.0.0.1", port=2200)),
        ("ssh://gate", Jump("gate")),
        ("SSH://me%40org@gate:22/", Jump("gate", "me@org", 22)),
        ("psm#x@gate", Jump("gate", "psm#x")),
    ],
)
def test_a_jump_host_is_read_and_written(text: str, jump: Jump) -> None:
    assert Jump.parse(text) == jump
    assert Jump.parse(str(jump)) == jump
    assert parse_jumps(f"first,{text}") == [Jump("first"), jump]


@pytest.mark.parametrize("value", [None, "none", "NONE"])
def test_no_jump_hosts_are_none(value: str | None) -> None:
    assert parse_jumps(value) == []


@pytest.mark.parametrize(
    "text",
    [
        *("", "-oProxyCommand=id", "me@-x", "-l@gate", "@gate", "a b", "gate,", "gate,,x", "a\nb"),
        *(
            "gate:",
            "gate:0",
            "gate:65536",
            "gate:x",
            "::1",
            "[::1",
            "[-x]:22",
            "ssh://",
            "ssh://a/b",
        ),
        *(
            "$(id)",
            "`id`@gate",
            "me;id@gate",
            "a|b",
            "ssh://%2Dx@gate",
            "ssh://a%20b@gate",
            "x\\@gate",
        ),
    ],
)
def test_what_is_no_jump_host_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="ProxyJump"):
        parse_jumps(text)


async def test_a_token_cannot_bring_in_shell_syntax() -> None:
    async def read(target: Target, overrides: object) -> HostSettings:
        return HostSettings(target.alias, (("proxyjump", "%r@gate"), ("user", "$(id)")))

    with pytest.raises(ConfigError, match="cannot stand for %r"):
        await route(Target("box"), read)


# A real way through real servers


async def test_ssh_logs_in_along_the_route(make_sshd: MakeSSHServer, tmp_path: Path) -> None:
    servers = [make_sshd() for _ in range(3)]
    names = ["near", "middle", "far"]
    entries = []
    for name, server in zip(names, servers, strict=True):
        side: ClientSide = server.client
        side.alias = name
        side.append_config("ProxyJump near,middle" if name == "far" else "ProxyJump none")
        entries.append(side.ssh_config.read_text())
    config = tmp_path / "config"
    config.write_text("".join(entries))
    hosts = await route(Target("far", ssh_config=str(config)), read_settings)
    assert [host.port for host in hosts] == [server.port for server in servers]
    ssh = require_program("ssh", "openssh-client")
    process = await asyncio.create_subprocess_exec(
        *(ssh, "-F", str(config), "far", "echo there"), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert output == b"there\n"
    assert [server.log().count("Accepted publickey") for server in servers] == [1, 1, 1]
