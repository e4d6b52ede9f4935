"""The reader of ssh config files, for transports where there is no ssh to ask, is held to ssh."""

from __future__ import annotations

import getpass
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sshpyk_core.errors import ConfigError, ConnectError
from sshpyk_core.transport_kit.settings.config_reader import Reading, read_files
from sshpyk_core.types import Target
from support.require import require_program

Read = Callable[..., Reading]

# What ssh decides by more than the files: it is not compared.
BY_SSH = {"host", "canonicalizehostname", "updatehostkeys"}


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a config file of this text."""

    def reading(text: str, alias: str = "box", **given: str) -> Reading:
        config = tmp_path / "config"
        config.write_text(text)
        return read_files(Target(alias, ssh_config=str(config)), given)

    return reading


def printed(config: Path | str, alias: str = "box", **given: str) -> dict[str, list[str]]:
    """Return what `ssh -G` says, by keyword."""
    options = [word for key, value in given.items() for word in ("-o", f"{key}={value}")]
    command = [require_program("ssh", "openssh-client"), "-F", str(config), "-G", *options, alias]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, list[str]] = {}
    for key, _, value in (line.partition(" ") for line in answer.splitlines()):
        found.setdefault(key.lower(), []).append(value)
    return found


def plain(values: list[str]) -> list[str]:
    """Write values in one way where ssh has several, and none for what is off."""
    words = {"true": "yes", "false": "no", "1m": "60", "1h30m": "5400"}
    home = str(Path.home())
    same = [words.get(value, value).replace(f"{home}/", "~/") for value in values]
    return [] if same == ["none"] else sorted(set(same))


SAME = [
    "Host box\n  HostName there\n  Port 7\n  User me\n  IdentityFile ~/a\n  IdentityFile ~/b\n",
    "Host *\n  ProxyJump me@one:7,two\n  Compression yes\n  ServerAliveInterval 7\n",
    "Host b*\n  ProxyCommand nc %h %p\n  UserKnownHostsFile /a /b\n  HashKnownHosts yes\n",
    "Host !box *\n  Port 9\nHost *\n  Port 8\n  StrictHostKeyChecking accept-new\n",
    "Host ?ox other\n  Port 9\nHost b[o]x\n  User me\nHost BOX\n  User you\n",
    "Match originalhost box user me\n  Port 7\nMatch all\n  User you\n  AddressFamily inet\n",
    "Host box\n  Ciphers aes256-ctr,aes128-ctr\n  PreferredAuthentications password\n",
    'Host box\n  Ciphers = aes256-ctr,aes128-ctr\n  IdentityFile "/a b"\n  Port=9\n',
    "Host box\n  SetEnv A=b C=d\n  SetEnv E=f\n  SendEnv LC_* LANG\n  ForwardAgent yes\n",
    'Host box\n  SetEnv "A=b c" D=e\n  SendEnv A B\n  SendEnv -A* C\n',
    "Host box\n  IdentityAgent none\n  HostKeyAlias other\n  NumberOfPasswordPrompts 1\n",
    "Host box\n  CertificateFile ~/c\n  IdentitiesOnly yes\n  ConnectTimeout 5\n",
    "Host box\n  CertificateFile /c\n  CertificateFile /d\n  SendEnv A\n  SendEnv B\n",
    "Host box\n  ServerAliveInterval 1m\n  ConnectTimeout 1h30m\n  RekeyLimit 1024 60\n",
    # Which way leads there
    "Host box\n  ProxyJump none\nHost *\n  ProxyCommand nc %h %p\n  ConnectTimeout 7\n",
    "Host box\n  ProxyJump none\nHost *\n  ProxyJump one\n",
    "Host box\n  ProxyCommand nc %h %p\nHost *\n  ProxyJump one\n",
    "Host box\n  ProxyCommand none\nHost *\n  ProxyJump one\n",
    "Host box\n  ProxyJump one\nHost *\n  ProxyCommand nc %h %p\n",
    'Host box\n  ProxyCommand "n c" %h \'%p\' # no comment\n  KnownHostsCommand /bin/k "a b" %H\n',
    # Comments, quotes and backslashes
    "# first\nHost box # another\n  User me # c\n\n  HostName there #c\n  Port 9 # c\n  # last\n",
    "Match all # every\n  User me\n  ProxyJump one,two # c\n  IdentityFile /a#b\n",
    'Host box\n  UserKnownHostsFile "/a b/kh" /c # d\n  GlobalKnownHostsFile "/e"\n',
    'Host "box"\n  "User" me\n  IdentityFile "/a #b" # c\n  IdentityFile \'/c "d\'\n',
    'Host box\n  IdentityFile C:\\x\\y\n  IdentityFile "C:\\a b\\\\c"\n  IdentityFile /x\\ y\n',
    "\thost\tbox\n  PORT\t=\t9\n  IdentityFile /%r/%%\n  HostName = X.%h\n",
    # Match
    "Host box\n  HostName X.%h\nMatch host x.b*,other\n  User me\nMatch user me\n  Port 9\n",
    "Match host=box\n  Port 9\nMatch !user me originalhost box\n  User me\n",
    "Match Host BOX\n  Port 9\nMatch OriginalHost !box,*\n  User me\n",
    'Match exec "test %n = box"\n  Port 9\nMatch !exec "true"\n  User me\n',
    'Match user nobody exec "touch %d/touched"\n  Port 9\n',
    "Host box\n  User me\n  SendEnv A\nMatch final\n  Port 5\nMatch canonical\n  Port 6\n",
    f"Match localuser {getpass.getuser()}\n  Port 9\nMatch localuser nobody\n  User me\n",
    "",
]


@pytest.mark.parametrize("text", SAME)
def test_every_setting_is_read_as_ssh_reads_it(read: Read, tmp_path: Path, text: str) -> None:
    reading = read(text)
    usual, theirs = printed("/dev/null"), printed(tmp_path / "config")
    assert reading.left_out == ()
    ours = {key: reading.settings.all(key) for key, _ in reading.settings.entries}
    named = {key for key in ours if key in text.lower()}
    changed = {key for key in {**usual, **theirs} if theirs.get(key) != usual.get(key)}
    for key in (named | changed) - BY_SSH:
        assert plain(ours.get(key, [])) == plain(theirs.get(key, [])), key


def test_what_is_given_is_read_as_an_option_of_the_command_line(read: Read, tmp_path: Path) -> None:
    given = {"IdentityFile": '"/a b" # c', "ProxyJump": "one", "SendEnv": "A B", "Port": "7"}
    text = "Host box\n  IdentityFile /d\n  ProxyCommand nc\n  SendEnv C\n  Port 8\n  User me\n"
    settings, theirs = (
        read(text, "you@box", **given).settings,
        printed(tmp_path / "config", **given),
    )
    for key in ("identityfile", "proxyjump", "proxycommand", "sendenv", "port"):
        assert settings.all(key) == theirs.get(key, []), key
    assert settings.user == "you"
    assert read(text, "you@box", User="them").settings.user == "them"


def test_files_are_included_where_a_block_holds(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh/more").mkdir(parents=True)
    (tmp_path / ".ssh/more/1").write_text("User first\nHost other\n  Port 1\n")
    (tmp_path / ".ssh/more/2").write_text("User second\nCompression yes\n")
    (tmp_path / ".ssh/never").write_text("Host *\n  Port 2\n")
    text = "Host box\n  Include more/*\n  Port 3\nHost other\n  Include ~/.ssh/never missing\n"
    settings = read(text).settings
    assert (settings.user, settings.port, settings.compression) == ("first", 3, True)


def test_files_that_include_each_other_are_an_error(read: Read, tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match="nested"):
        read(f"Include {tmp_path}/config\n")


def test_a_block_that_only_ssh_can_judge_does_not_hold_and_is_said(read: Read) -> None:
    blocks = "Match sessiontype exec\n  User nobody\n  Bogus x\nMatch user me sessiontype exec\n"
    reading = read(f"{blocks}Match final\n  Port 7\n")
    (phrase,) = reading.left_out
    assert "'Match sessiontype exec'" in phrase
    assert "config line 1" in phrase
    assert reading.settings.get("user") is None
    assert reading.settings.port == 7


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Port many", "'many'"),
        ("Port 9 10", "9 10"),
        ("User", "user has no argument"),
        ("User me you", "me you"),
        ('User "me', "quote"),
        ("User me'", "quote"),
        ("Compression maybe", "'maybe'"),
        ("ConnectTimeout soon", "'soon'"),
        ("AddressFamily inet5", "'inet5'"),
        ("Match user", "Match user has no argument"),
        ("!user me", "keyword"),
    ],
)
def test_what_ssh_would_refuse_is_refused(
    read: Read, tmp_path: Path, line: str, words: str
) -> None:
    with pytest.raises(ConnectError, match=f"config line 2: .*{words}") as caught:
        read(f"Host box\n  {line}\n")
    assert caught.value.host == "box"
    assert caught.value.fix
    with pytest.raises(subprocess.CalledProcessError):
        printed(tmp_path / "config")


def test_what_cannot_be_read_at_all_is_refused(read: Read, tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match=f"{tmp_path}/missing: No such file"):
        read_files(Target("box", ssh_config=str(tmp_path / "missing")), {})
    with pytest.raises(ConfigError):
        read("", "-oProxyCommand=id")
