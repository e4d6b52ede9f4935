"""Known hosts files are read, and written, as the programs of OpenSSH do it."""

from __future__ import annotations

import base64
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sshpyk_core.transport_kit.host_keys.host_key import HostKey
from sshpyk_core.transport_kit.host_keys.known_hosts import KnownHosts, KnownKey, Verdict
from sshpyk_core.transport_kit.host_keys.remember import remember
from support.client import make_key
from support.require import require_program
from support.sshd import SSHServer

NAMES = [
    "box.example.org",
    "BOX.Example.ORG",
    "box",
    "other.example.org",
    "secret.example.org",
    "[box.example.org]:2222",
    "[box.example.org]:22",
    "10.0.0.7",
    "10.0.0.77",
    "fe80::1",
    "[fe80::1]:2200",
    "a.b",
    "axb",
    "nobody",
]
LINES = [
    "box.example.org,10.0.0.7 {key}",
    "*.example.org,!secret.example.org {key} a comment",
    "!box,b?x {key}",
    "[box.example.org]:2222\t{key}",
    "   fe80::1,[fe80::1]:2200   {key}",
    "10.0.0.? {key}",
    "a.b {key}",
    "@revoked box* {key}",
    "@cert-authority *.example.org {key}",
    "@unknown box {key}",
    "@revoked @cert-authority box {key}",
    "# box {key}",
    "|1|short|hash {key}",
    "|2|AAAA|AAAA {key}",
    "",
]
WITHOUT_KEY = [
    "box",
    "box ssh-ed25519",
    "box ssh-ed25519 !!!!",
    "box ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA==",
    "box ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
    "box 1024 35 1234567",
    "@revoked box",
]


@pytest.fixture
def key(tmp_path: Path) -> HostKey:
    return HostKey.from_line(make_key(tmp_path / "key"))


@pytest.fixture
def other(tmp_path: Path) -> HostKey:
    return HostKey.from_line(make_key(tmp_path / "other"))


def text(key: HostKey) -> str:
    return f"{key.algorithm} {key.base64}"


def written(path: Path, *lines: str, **keys: HostKey) -> KnownHosts:
    shown = {name: text(key) for name, key in keys.items()}
    path.write_text("".join(f"{line.format(**shown)}\n" for line in lines))
    return KnownHosts.read([str(path)])


def keygen(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = require_program("ssh-keygen", "openssh-client")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def found_by_keygen(path: Path, name: str) -> list[tuple[int, str]]:
    """Give the lines that ``ssh-keygen -F`` finds: their number and what marks them."""
    said = keygen("-F", name, "-f", str(path)).stdout
    markers = {"": "", " CA": "@cert-authority", " REVOKED": "@revoked"}
    found = re.findall(r"^# Host .* found: line (\d+)(.*?) *$", said, re.MULTILINE)
    return [(int(number), markers[marker.rstrip()]) for number, marker in found]


def found_by_us(path: Path, name: str) -> list[tuple[int, str]]:
    known = KnownHosts.read([str(path)]).keys
    return [(one.line, one.marker) for one in known if one.matches(name)]


# Reading


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_found_where_ssh_keygen_finds_it(tmp_path: Path, key: HostKey, name: str) -> None:
    path = tmp_path / "known"
    written(path, *LINES, key=key)
    assert found_by_us(path, name) == found_by_keygen(path, name.lower())


@pytest.mark.parametrize("name", ["box.example.org", "[box.example.org]:2222", "10.0.0.7", "no"])
def test_hashed_names_are_found_where_ssh_keygen_finds_them(
    tmp_path: Path, key: HostKey, name: str
) -> None:
    path = tmp_path / "known"
    written(path, "box.example.org,10.0.0.7 {key}", "[box.example.org]:2222 {key}", key=key)
    assert keygen("-H", "-f", str(path)).returncode == 0
    assert "example" not in path.read_text()
    found = found_by_us(path, name)
    assert found == found_by_keygen(path, name)
    assert bool(found) == (name != "no")


def test_a_fingerprint_is_what_ssh_keygen_prints(tmp_path: Path, key: HostKey) -> None:
    said = keygen("-l", "-f", str(tmp_path / "key.pub")).stdout
    assert key.fingerprint == said.split()[1]


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_every_type_of_key_is_read(tmp_path: Path, kind: str) -> None:
    keygen("-q", "-t", kind, "-N", "", "-f", str(tmp_path / "id"))
    line = (tmp_path / "id.pub").read_text()
    key = HostKey.from_line(line)
    assert key.algorithm == line.split()[0]
    assert key.base64 == line.split()[1]
    assert HostKey.from_blob(key.blob) == key


@pytest.mark.parametrize("blob", [b"", b"\0\0\0", b"\0\0\0\x0bssh-ed25519", b"\xff" * 9, b"\0" * 9])
def test_bytes_that_are_no_key_are_refused(blob: bytes) -> None:
    with pytest.raises(ValueError, match="not a public key"):
        HostKey.from_blob(blob)


def test_a_key_of_another_type_than_its_line_says_is_refused(key: HostKey) -> None:
    with pytest.raises(ValueError, match="ssh-rsa"):
        HostKey.from_line(f"ssh-rsa {key.base64}")


@pytest.mark.parametrize("line", WITHOUT_KEY)
def test_a_line_without_a_key_is_passed_over(tmp_path: Path, key: HostKey, line: str) -> None:
    assert written(tmp_path / "known", line, "box {key}", key=key).trusted("box") == [key]


def test_several_files_count_and_missing_ones_do_not(
    tmp_path: Path, key: HostKey, other: HostKey
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    written(one, "box {key}", key=key)
    written(two, "box {key}", key=other)
    (tmp_path / "directory").mkdir()
    files = [str(one), str(tmp_path / "absent"), str(tmp_path / "directory"), str(two)]
    assert KnownHosts.read(files).trusted("box") == [key, other]


def test_lines_may_end_as_on_windows_and_hold_any_bytes(tmp_path: Path, key: HostKey) -> None:
    path = tmp_path / "known"
    line = f"box {text(key)}\r\n".encode()
    path.write_bytes(b"\xff\xfe\0 rubbish\r\n" + line + b"last\x0b\x85line")
    assert KnownHosts.read([str(path)]).trusted("box") == [key]


# Judging


def test_a_key_is_judged_as_ssh_judges_it(tmp_path: Path, key: HostKey, other: HostKey) -> None:
    known = written(tmp_path / "known", "box {key}", "@revoked bad {key}", "bad {key}", key=key)
    assert known.judge("box", key) is Verdict.TRUSTED
    assert known.judge("box", other) is Verdict.CHANGED
    assert known.judge("new", key) is Verdict.UNKNOWN
    assert known.judge("bad", key) is Verdict.REVOKED
    assert known.judge("bad", other) is Verdict.CHANGED


def test_another_type_of_key_than_the_known_one_is_a_change(tmp_path: Path, key: HostKey) -> None:
    keygen("-q", "-t", "ecdsa", "-N", "", "-f", str(tmp_path / "ecdsa"))
    ecdsa = HostKey.from_line((tmp_path / "ecdsa.pub").read_text())
    known = written(tmp_path / "known", "box {key}", key=key)
    assert known.judge("box", ecdsa) is Verdict.CHANGED


def test_an_authority_is_no_key_of_a_host(tmp_path: Path, key: HostKey, other: HostKey) -> None:
    lines = ["@cert-authority *.org {key}", "@cert-authority *.org {other}", "@revoked * {other}"]
    known = written(tmp_path / "known", *lines, key=key, other=other)
    assert known.authorities("box.org") == [key, other]
    assert known.revoked("box.org") == [other]
    assert known.judge("box.org", key) is Verdict.UNKNOWN
    assert known.judge_authority("box.org", key) is Verdict.TRUSTED
    assert known.judge_authority("box.org", other) is Verdict.REVOKED
    assert known.judge_authority("box.net", key) is Verdict.UNKNOWN


def test_the_known_algorithms_are_those_to_prefer(tmp_path: Path, key: HostKey) -> None:
    keygen("-q", "-t", "rsa", "-N", "", "-f", str(tmp_path / "rsa"))
    rsa = HostKey.from_line((tmp_path / "rsa.pub").read_text())
    known = written(tmp_path / "known", "box {rsa}", "box {key}", "b* {key}", rsa=rsa, key=key)
    assert known.algorithms("box") == ["rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519"]
    assert known.algorithms("bix") == ["ssh-ed25519"]
    assert known.algorithms("other") == []


# Adding


@pytest.mark.parametrize("hashed", [False, True])
@pytest.mark.parametrize("name", ["box.example.org", "[Box.Example.org]:2222", "fe80::1%eth0"])
def test_what_is_remembered_ssh_keygen_finds(
    tmp_path: Path, key: HostKey, name: str, hashed: bool
) -> None:
    path = tmp_path / "new" / "known"
    remember(str(path), name, key, hashed=hashed)
    assert found_by_keygen(path, name.lower()) == [(1, "")]
    assert KnownHosts.read([str(path)]).judge(name, key) is Verdict.TRUSTED
    assert (name.lower() in path.read_text()) == (not hashed)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_last_line_without_an_end_is_left_whole(
    tmp_path: Path, key: HostKey, other: HostKey
) -> None:
    path = tmp_path / "known"
    path.write_text(f"old {text(other)}")
    remember(str(path), "box", key, hashed=False)
    assert path.read_text() == f"old {text(other)}\nbox {text(key)}\n"


def test_processes_that_write_at_once_leave_every_line_whole(tmp_path: Path, key: HostKey) -> None:
    path = tmp_path / "known"
    code = (
        "import sys; from sshpyk_core.transport_kit.host_keys.remember import remember;"
        "from sshpyk_core.transport_kit.host_keys.host_key import HostKey;"
        "key = HostKey.from_line(sys.argv[3]); sys.stdin.readline();"
        "[remember(sys.argv[1], f'{sys.argv[2]}-{i}', key, hashed=False) for i in range(200)]"
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path), f"box{n}", text(key)], stdin=subprocess.PIPE
        )
        for n in range(3)
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    wanted = {f"box{n}-{i} {text(key)}" for n in range(3) for i in range(200)}
    assert sorted(path.read_text().splitlines()) == sorted(wanted)


@pytest.mark.parametrize(
    "name", ["", "a b", "a,b", "*", "!a", "|1|a|b", "@revoked", "#a", "[a]", "[a]:x", "a\nb", "a?"]
)
def test_a_name_that_a_line_cannot_hold_is_not_written(
    tmp_path: Path, key: HostKey, name: str
) -> None:
    with pytest.raises(ValueError, match="not a name"):
        remember(str(tmp_path / "known"), name, key, hashed=False)
    assert not (tmp_path / "known").exists()


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path, key: HostKey) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        remember(str(tmp_path / "file" / "known"), "box", key, hashed=False)


@pytest.mark.parametrize("hashed", [False, True])
def test_ssh_logs_in_by_what_was_remembered(shared_sshd: SSHServer, hashed: bool) -> None:
    home = Path(os.environ["HOME"])
    key = HostKey.from_line(shared_sshd.client.known_hosts.read_text().partition(" ")[2])
    files = [str(home / "absent"), str(home / "right")]
    for path, name in zip(files, ["[127.0.0.1]:1", f"[127.0.0.1]:{shared_sshd.port}"], strict=True):
        remember(path, name, key, hashed=hashed)
    done = [shared_sshd.run("echo in", "-o", f"UserKnownHostsFile={path}") for path in files]
    assert [one.stdout for one in done] == [b"", b"in\n"]


def test_a_hash_is_compared_as_it_is_written(key: HostKey) -> None:
    salt = base64.b64encode(bytes(20)).decode()
    assert not KnownKey(f"|1|{salt}|ü", key).matches("box")
