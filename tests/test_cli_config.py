"""``sshpyk config``: an entry is suggested; written only when told, and nothing else is touched."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
from click.testing import Result
from sshpyk_core.cli.ssh_entry import control_path
from sshpyk_core.cli.ssh_entry.placing import placed
from support.far import OVER_SSH, FarSide
from support.invoked import invoked
from support.kernels import execute
from support.local import LocalSide
from support.managers import started
from support.require import require_modes_that_count, require_program
from support.screen import SSHPYK, Screen, in_a_pipe

KEYWORDS = [
    "ServerAliveInterval",
    "ServerAliveCountMax",
    "ControlMaster",
    "ControlPath",
    "ControlPersist",
]
ENTRY = "Host lab\n  # Why.\n  Port 7\n"


@pytest.fixture
def file(local: LocalSide) -> Path:
    """Give the place of the user's ssh config; there is none yet."""
    require_program("ssh", "openssh-client")
    return local.home / ".ssh" / "config"


def write(file: Path, text: str | bytes, mode: int = 0o644) -> bytes:
    """Write an ssh config file; give its bytes."""
    file.parent.mkdir(mode=0o700, exist_ok=True)
    content = text.encode() if isinstance(text, str) else text
    file.write_bytes(content)
    file.chmod(mode)
    return content


def keywords(done: Result) -> list[str]:
    """Give the keywords of the entry that was printed."""
    lines = [line.split() for line in done.stdout.splitlines()]
    return [words[0] for words in lines[1:] if words[0] != "#"]


def holds(file: Path, host: str = "lab") -> dict[str, str]:
    """Ask ssh what holds for a host."""
    command = ["ssh", "-G", "-F", str(file), host]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


# What is suggested


def test_an_entry_is_printed_with_reasons_and_nothing_is_written(file: Path) -> None:
    flags = ["--hostname", "lab.example.org", "--user", "ada", "--port", "2222"]
    flags += ["--identity-file", "~/my keys/id", "--proxy-jump", "gate,bea@inner:22"]
    done = in_a_pipe("config", "lab", *flags)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "Host lab"
    settings = [line.strip() for line in lines[2::2]]
    assert settings[:6] == [
        "HostName lab.example.org",
        "User ada",
        "Port 2222",
        "ProxyJump gate,bea@inner:22",
        'IdentityFile "~/my keys/id"',
        "IdentitiesOnly yes",
    ]
    assert [setting.split()[0] for setting in settings[6:]] == KEYWORDS
    assert all(line.startswith("  # ") for line in lines[1::2])
    assert max(map(len, lines)) <= 60
    assert not file.parent.exists()
    write(file, done.stdout)
    assert holds(file)["identityfile"] == "~/my keys/id"
    assert len(holds(file)["controlpath"]) <= 90


def test_what_is_decided_for_all_hosts_is_left_alone(file: Path) -> None:
    before = write(file, "Host *\n  ServerAliveInterval 7\n  ControlMaster auto\n  User me\n")
    done = invoked("config", "lab", "--user", "me")
    assert done.exit_code == 0
    assert keywords(done) == ["ServerAliveCountMax", "ControlPath", "ControlPersist"]
    said = "Left alone: User me, ServerAliveInterval 7, ControlMaster auto. It holds already."
    assert said in done.stderr
    assert "has an entry" not in done.stderr
    assert file.read_bytes() == before


def test_only_what_is_worth_adding_to_an_entry_is_printed(file: Path) -> None:
    (file.parent / "more").mkdir(parents=True)
    (file.parent / "more" / "lab").write_text("Host lab\n  ServerAliveInterval 9\n")
    write(file, f"Include {file.parent}/more/*\n")
    done = invoked("config", "lab", "--json")
    told = json.loads(done.stdout)
    assert (told["host"], told["file"], told["has_entry"]) == ("lab", str(file), True)
    assert [each["keyword"] for each in told["settings"]] == KEYWORDS[1:]
    assert told["left_alone"] == [
        {"keyword": "ServerAliveInterval", "value": "9", "why": "It holds already."}
    ]
    assert (told["written"], told["copy"]) == (False, None)
    assert told["entry"].startswith("Host lab\n  # ")
    assert "lab has an entry in" in invoked("config", "lab").stderr


def test_nothing_worth_adding_is_said(file: Path) -> None:
    write(file, invoked("config", "lab", "--hostname", "a").stdout)
    done = invoked("config", "lab", "--hostname", "a", "--write", "-y")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "There is nothing worth adding for lab." in done.stderr
    assert os.listdir(file.parent) == ["config"]


@pytest.mark.parametrize(
    ("decided", "left", "said"),
    [
        ("ControlPath none", KEYWORDS[:2], "ControlPath none"),
        ("ControlMaster no", KEYWORDS[:2], "ControlMaster false"),
        ("ServerAliveInterval 0", KEYWORDS[2:], "ServerAliveInterval 0"),
        ("ControlPersist no", KEYWORDS[:4], "ControlPersist no"),
    ],
)
def test_a_default_that_was_written_down_is_a_decision(
    file: Path, decided: str, left: list[str], said: str
) -> None:
    write(file, f"Host lab\n  {decided}\n")
    done = invoked("config", "lab")
    assert keywords(done) == left
    said = f"Left alone: {said}. Something earlier in your ssh config decides."
    assert said in done.stderr


def test_a_control_path_is_never_too_long(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = "x" * 60
    write(file, f"Host lab\n  ControlPath /tmp/{long}-%C\n")
    assert (
        "It has 106 characters, and ssh fails with more than 90" in invoked("config", "lab").stderr
    )
    monkeypatch.setattr(control_path, "_candidates", lambda: [f"/{long}/cm-%C", "/run/cm-%C"])
    assert "  ControlPath /run/cm-%C\n" in invoked("config", "other").stdout
    monkeypatch.setattr(control_path, "_candidates", lambda: [f"/{long}/cm-%C"])
    done = invoked("config", "other")
    assert keywords(done) == KEYWORDS[:2]
    assert "No directory of yours has a path of at most 90 characters" in done.stderr


# Where it is put


@pytest.mark.parametrize(
    ("above", "gap", "below"),
    [
        ("", "", ""),
        ("Host a\n  User b\n", "\n", ""),
        ("Host a\n  User b", "\n\n", ""),
        ("Host a\n\n", "", ""),
        ("Host a\n\n", "", "# all\n#  of us\nHost *\n  User b"),
        ("", "", '# mine\nhost="*"\n'),
        ("Host *.org b?d\n  User b\n", "\n", "  Match all\n"),
        ("HashKnownHosts no\n", "\n", "HOST LA*\n"),
        ("Host a\r\n  User b\r\n", "\r\n", "Host *\r\n  User c"),
    ],
)
def test_it_is_put_before_what_is_for_all_hosts(above: str, gap: str, below: str) -> None:
    newline = "\r\n" if "\r" in above else "\n"
    own = ENTRY.replace("\n", newline) + (newline if below else "")
    after = placed((above + below).encode(), "lab", ENTRY)
    assert after.decode() == above + gap + own + below


def test_bytes_that_are_no_text_survive(file: Path) -> None:
    before = write(file, b"# \xff\xfe \x1b[2J\nHost a\n\tUser  b \n\n\n# end\n", 0o640)
    done = invoked("config", "lab", "--hostname", "h", "--write", "-y")
    assert done.exit_code == 0, done.stderr
    assert "\x1b" not in done.stderr
    after = file.read_bytes()
    assert after.startswith(before + b"\nHost lab\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    copy = file.parent / "config.bak-1"
    assert copy.read_bytes() == before
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert sorted(os.listdir(file.parent)) == ["config", "config.bak-1"]
    assert holds(file, "a")["user"] == "b"
    assert (holds(file)["hostname"], holds(file)["serveraliveinterval"]) == ("h", "15")


# Writing


@pytest.mark.parametrize("columns", [60, 100])
def test_it_shows_the_difference_and_asks(file: Path, columns: int) -> None:
    write(file, "Host a\n  User b\n\nHost *\n  User c\n")
    flags = ["--user", "ada", "--write"]
    with Screen("config", "lab", *flags, columns=columns, NO_COLOR="1") as screen:
        screen.wait_for("[y/N]:")
        assert "+Host lab" in screen.text
        assert "+  User ada" in screen.text
        assert " Host *" in screen.text
        assert b"\x1b[3" not in screen.raw
        screen.type("y\r")
        assert screen.finish() == 0
        assert "lab is written to" in screen.text
    assert (holds(file)["user"], holds(file, "a")["user"], holds(file, "x")["user"]) == (
        "ada",
        "b",
        "c",
    )


@pytest.mark.parametrize(("key", "status"), [("n\r", 1), ("\x03", 130)])
def test_anything_but_yes_writes_nothing(file: Path, key: str, status: int) -> None:
    before = write(file, "Host a\n")
    with Screen("config", "lab", "--write") as screen:
        screen.wait_for("[y/N]:")
        screen.type(key)
        assert screen.finish() == status
    assert file.read_bytes() == before
    assert os.listdir(file.parent) == ["config"]


def test_a_new_file_is_private(file: Path) -> None:
    done = invoked("config", "lab", "--write", "-y", "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["written"], told["copy"]) == (True, None)
    assert file.read_text() == told["entry"]
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (file, file.parent)]
    assert modes == [0o600, 0o700]


def test_a_link_stays_one_and_copies_pile_up(file: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "config"
    before = write(real, "Host a\n")
    file.parent.mkdir()
    file.symlink_to(real)
    (real.parent / "config.bak-1").symlink_to("nowhere")
    assert invoked("config", "lab", "--write", "-y").exit_code == 0
    assert file.is_symlink()
    assert real.read_bytes().startswith(before + b"\nHost lab\n")
    assert (real.parent / "config.bak-2").read_bytes() == before
    assert os.listdir(file.parent) == ["config"]


def test_a_copy_in_a_folder_of_entries_is_hidden(tmp_path: Path, file: Path) -> None:
    part = tmp_path / "config.d" / "lab"
    write(part, "Host a\n")
    done = invoked("config", "lab", "--ssh-config", str(part), "--write", "-y")
    assert done.exit_code == 0
    assert sorted(os.listdir(part.parent)) == [".lab.bak-1", "lab"]
    assert not file.exists()


def test_without_a_terminal_it_wants_to_be_told(file: Path) -> None:
    before = write(file, "Host a\n")
    done = in_a_pipe("config", "lab", "--write")
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no terminal to ask on: say -y" in done.stderr
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "flags", "status", "said"),
    [
        ("Host lab\n  User b\n", ["--user", "c"], 1, "lab has User b already in"),
        ("User b\nHost a\n", ["--user", "c"], 1, "User c would not hold for lab: something earl"),
        ("Host a\n  Prot 7\n", [], 1, "Bad configuration option: prot\n"),
        ("", ["--hostname", "a\nProxyCommand x"], 1, "cannot stand in an ssh config file."),
        ("", ["--hostname", "-oProxyCommand=x"], 1, "cannot stand in an ssh config file."),
        ("", ["--user", 'a"b'], 1, "cannot stand in an ssh config file."),
        ("", ["--identity-file", 'a"\nb'], 1, "cannot stand in an ssh config file."),
        ("", ["--proxy-jump", "a:b:c@"], 1, "ssh does not accept such an entry: "),
        ("", ["--port", "70000"], 2, "70000 is not in the range"),
    ],
)
def test_bad_input_writes_nothing(
    file: Path, text: str, flags: list[str], status: int, said: str
) -> None:
    before = write(file, text)
    done = invoked("config", "lab", *flags, "--write", "-y")
    assert (done.exit_code, done.stdout) == (status, "")
    assert said in done.stderr
    assert "sshpyk-config-" not in done.stderr
    assert file.read_bytes() == before
    assert os.listdir(file.parent) == ["config"]


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("ada@lab", "sshpyk config lab --user ada"),
        ("-F/etc/passwd", "No such option"),
        ("la b", "holds what no host name may"),
        ("l*b", "holds what no host name may"),
        ("a/b", "cannot be the name of an entry"),
        ("", "the ssh host alias is empty"),
    ],
)
def test_what_is_no_host_is_refused(file: Path, host: str, said: str) -> None:
    done = invoked("config", host, "--write", "-y")
    assert done.exit_code != 0
    assert said in done.stderr
    assert not file.exists()


def test_a_file_that_is_not_the_users_to_write_is_left_alone(file: Path) -> None:
    before = write(file, "Host a\n", 0o444)
    done = invoked("config", "lab", "--write", "-y")
    assert done.exit_code == 1
    assert f"{file} is read-only: it is left alone." in done.stderr
    file.chmod(0o644)
    if os.getuid() == 0:  # nobody else can give a file away
        os.chown(file, 12345, -1)
        done = invoked("config", "lab", "--write", "-y")
        assert done.exit_code == 1
        assert f"{file} belongs to another user: it is left alone." in done.stderr
    assert file.read_bytes() == before


def test_a_directory_that_cannot_be_written_is_told(file: Path) -> None:
    before = write(file, "Host a\n")
    file.parent.chmod(0o500)
    command = [*require_modes_that_count(), *SSHPYK, "config", "lab", "--write", "-y"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    file.parent.chmod(0o700)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"Could not write {file}: Permission denied. Nothing has changed." in done.stderr
    assert file.read_bytes() == before
    assert os.listdir(file.parent) == ["config"]


def test_no_file_at_all_can_be_named(file: Path, tmp_path: Path) -> None:
    for name, said in ((tmp_path, "is not a file"), (tmp_path / "loop", "cannot be followed")):
        (tmp_path / "loop").unlink(missing_ok=True)
        (tmp_path / "loop").symlink_to("loop")
        done = invoked("config", "lab", "--ssh-config", str(name), "--write", "-y")
        assert done.exit_code == 1
        assert said in done.stderr
    (tmp_path / "link").symlink_to("dotfiles/config")
    done = invoked("config", "lab", "--ssh-config", str(tmp_path / "link"), "--write", "-y")
    assert done.exit_code == 0
    assert (tmp_path / "dotfiles" / "config").read_text().startswith("Host lab\n")


def test_a_file_that_has_changed_meanwhile_is_left_alone(file: Path) -> None:
    write(file, "Host a\n")
    with Screen("config", "lab", "--write") as screen:
        screen.wait_for("[y/N]:")
        other = write(file, "Host b\n")
        screen.type("y\r")
        assert screen.finish() == 1
        assert "has changed meanwhile: try again." in screen.text
    assert file.read_bytes() == other
    assert os.listdir(file.parent) == ["config"]


@pytest.mark.parametrize("way", [OVER_SSH], ids=str)
async def test_a_kernel_starts_by_what_was_written(far: FarSide) -> None:
    file = far.local.home / ".ssh" / "config"
    write(file, far.server.ssh_config.read_text())
    done = in_a_pipe("config", far.server.alias, "--ssh-config", str(file), "--write", "-y")
    assert done.returncode == 0, done.stderr
    assert holds(file, far.server.alias)["controlmaster"] == "auto"
    assert invoked("edit", "far", "--ssh-config", str(file)).exit_code == 0
    async with started("far") as (_, client):
        assert (await execute(client, "print(6 * 7)")).text == "42\n"
    assert far.left_behind() == []
