"""``sshpyk list``: every kernel, and whether those on other hosts can be had."""

from __future__ import annotations

import json
import re
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sshpyk_core.cli.listing.command import list_kernels
from support import kernels
from support.far import OVER_SSH, FarSide
from support.local import LocalSide
from support.screen import Screen, in_a_pipe
from support.sshd import SSHServer

ESCAPE = "\x1b"
SILENT = 6


@pytest.fixture
def there(kernel_sshd: SSHServer, local: LocalSide) -> FarSide:
    """A host with a kernel, and no spec yet that leads there."""
    return FarSide(kernel_sshd, local, OVER_SSH)


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Path]:
    """An ssh config with hosts `silent0` and on, which take connections and say nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        config = tmp_path / "silent_config"
        entry = f"HostName 127.0.0.1\n  Port {server.getsockname()[1]}\n"
        config.write_text("".join(f"Host silent{number}\n  {entry}" for number in range(SILENT)))
        yield config


def write(local: LocalSide, name: str, text: str) -> None:
    """Write a kernel.json as it is."""
    directory = local.data_dir / "kernels" / name
    directory.mkdir(parents=True)
    (directory / "kernel.json").write_text(text)


def listed(*arguments: str, status: int = 0) -> dict[str, dict[str, Any]]:
    """Give what ``--json`` tells, by the kernels' names."""
    done = in_a_pipe("list", "--json", *arguments)
    assert done.returncode == status, done.stdout + done.stderr
    return {each["name"]: each for each in json.loads(done.stdout)["kernels"]}


def words(text: str) -> str:
    """Give a text as one line, whatever the width it was wrapped for."""
    return " ".join(text.split())


def block(text: str, name: str) -> str:
    """Give the block of one kernel of a screen."""
    return next(each for each in text.split("\n\n") if re.search(rf"^  Name +{name}$", each, re.M))


def test_a_screen_tells_of_every_kernel_and_the_host_is_connected_to_once(
    there: FarSide, silent: Path
) -> None:
    write(there.local, "spoilt", "{")
    write(there.local, "native", json.dumps({"argv": ["bash", "-c", "x"], "display_name": "Bash"}))
    write(there.local, "gone", json.dumps({"argv": ["no-such-program"]}))
    there.install("good")
    there.install("modes", kernel_json={"interrupt_mode": "message"})
    there.install("no-kernel", "nothing-there")
    there.install("no-python", remote_python="/nowhere/bin/python")
    there.install("wrong", transport="openssh", no_such_key=1)
    there.install("stalled", ssh_host_alias="silent1", ssh_config=str(silent))
    there.install("nowhere", ssh_host_alias="no-such-host.invalid")
    before = there.server.logins()
    with Screen("list", "--timeout", "6") as screen:
        screen.wait_for("waiting for")
        assert screen.finish() == 1
        text = screen.text
    assert there.server.logins() == before + 1

    assert "hosts done" not in text
    assert block(text, "native").startswith("Local Kernel")
    assert "✓ bash -c x" in block(text, "native")
    assert "✗ no-such-program" in block(text, "gone")
    assert block(text, "spoilt").startswith("Broken Kernel Spec")
    assert "cannot be read" in words(block(text, "spoilt"))

    good = block(text, "good")
    assert good.startswith("SSH Kernel")
    shown = words(good)
    assert f"Kernel spec {there.local.data_dir}/kernels/good/kernel.json" in shown
    assert f"Command (simplified) ssh -F {there.server.ssh_config} remote ... python3" in shown
    assert "Interrupt Mode ✓ signal" in shown
    assert "Transport ✓ openssh" in shown
    assert re.search(r"SSH Path ✓ /\S+/ssh SSH Config File ✓ /\S+ SSH Host Alias remote", shown)
    assert f"✓ Port {there.server.port}" in shown
    assert "✓ IdentityFile /" in shown
    assert "SSH Connection ✓ works" in shown
    assert re.search(r"Remote System ✓ Linux \S+ \S+ \(.+\) Remote Interrupt Mode signal", shown)
    assert re.search(r"Remote Python ✓ /\S+ \(auto\) Remote Kernel Name ✓ python3", shown)
    assert "Launch Timeout 30 s" in shown
    assert "-m ipykernel_launcher -f '{connection_file}'" in shown

    check_what_is_wrong(text)


def check_what_is_wrong(text: str) -> None:
    """Look at the blocks of those kernels of which something is to be told."""
    assert "i message the host says signal" in words(block(text, "modes"))
    missing = words(block(text, "no-kernel"))
    assert "Remote Kernel Name ✗ nothing-there there is no kernel" in missing
    assert "Fix: Name one of them: `sshpyk edit no-kernel --remote-kernel-name NAME`" in missing
    python = words(block(text, "no-python"))
    assert "Remote Python ✗ /nowhere/bin/python /nowhere/bin/python: there is no such" in python
    assert "Remote Kernel Name ? python3" in python
    wrong = words(block(text, "wrong"))

    assert "Config ✗ wrong unknown key 'no_such_key'" in wrong
    assert "Fix: Correct it: `sshpyk edit wrong --editor`." in wrong
    assert "SSH Host Alias remote SSH Connection ? not checked" in wrong
    stalled = words(block(text, "stalled"))
    assert "SSH Connection ✗ failed no connection within 6 s" in stalled
    assert "`sshpyk login stalled`" in stalled
    assert "Remote Python ? auto" in stalled
    nowhere = words(block(text, "nowhere"))
    assert "SSH Connection ✗ failed" in nowhere
    assert "Fix: Check the alias" in nowhere


def test_hosts_that_say_nothing_do_not_add_up(there: FarSide, silent: Path) -> None:
    names = [f"silent{number}" for number in range(SILENT)]
    for name in names:
        there.install(name, ssh_host_alias=name, ssh_config=str(silent))
    there.install("well", transport="asyncssh")
    begun = time.monotonic()
    told = listed("-r", "--timeout", "5", status=1)
    assert time.monotonic() - begun < 5 * SILENT
    assert {told[name]["connection"]["mark"] for name in names} == {"error"}
    assert told["well"]["kernel"] == {"value": "python3", "mark": "ok", "cause": "", "fix": ""}


def test_json_tells_what_is_wrong_and_what_to_do(there: FarSide) -> None:
    config = there.local.home / "no_key"
    text = there.server.ssh_config.read_text()
    config.write_text(re.sub(r"(?m)^(\s*IdentityFile) .*$", r"\1 /nowhere/key", text))
    there.install("locked", ssh_config=str(config))
    there.install("later", "nothing-there", remote_precmd="true")
    there.install("lost", "lost")
    spec = kernels.remote_kernel(there.server.home, "lost", ["no-such-program"])
    try:
        told = listed("-r", status=1)
    finally:
        shutil.rmtree(spec)
    locked = told["locked"]["connection"]
    assert (locked["value"], locked["mark"]) == ("needs a login", "error")
    assert locked["fix"] == "Run `sshpyk login locked`."
    later = told["later"]["kernel"]
    assert later["mark"] == "warning"
    assert "remote_precmd was not run" in later["cause"]
    lost = told["lost"]
    assert (lost["python"]["mark"], lost["kernel"]["mark"]) == ("ok", "error")
    assert "runs no-such-program, which is not on the PATH" in lost["kernel"]["cause"]


def test_ctrl_c_ends_it_while_hosts_are_waited_for(there: FarSide, silent: Path) -> None:
    there.install("stalled", ssh_host_alias="silent1", ssh_config=str(silent))
    with Screen("list") as screen:
        screen.wait_for("0 of 1 hosts done, waiting for silent1")
        screen.press_ctrl_c()
        assert screen.finish() == 130
        assert "Traceback" not in screen.text


def test_without_checks_no_host_is_asked(there: FarSide) -> None:
    config = there.local.home / "jumping_config"
    jump = "Host through\n  HostName 192.0.2.1\n  ProxyJump remote\n  StrictHostKeyChecking no\n"
    config.write_text(f"{jump}Include {there.server.ssh_config}\n")
    there.install("plain")
    there.install("jumping", ssh_host_alias="through", ssh_config=str(config))
    there.install("elsewhere", transport="pigeon", kernel_json={"display_name": "a\x1b[2Jb"})
    write(there.local, "own", '{"metadata": "sshpyk-provisioner" ')
    write(there.local, "foreign", '{"argv": ')
    before = there.server.logins()
    told = listed("--no-check", "--remote", status=1)
    assert there.server.logins() == before
    assert list(told) == ["own", "elsewhere", "jumping", "plain"]
    assert told["plain"]["connection"]["mark"] == told["plain"]["kernel"]["mark"] == "unknown"
    assert told["elsewhere"]["transport"]["mark"] == "error"
    near, last = told["jumping"]["hops"]
    assert (near["alias"], near["jump"], last["alias"], last["jump"]) == (
        *("remote", True),
        *("through", False),
    )
    checking = next(each for each in last["settings"] if each["keyword"].startswith("Strict"))
    assert (checking["value"], checking["mark"]) == ("no", "warning")

    shown = in_a_pipe("list", "-n", "-r", COLUMNS="60").stdout
    assert ESCAPE not in shown
    assert "(jump) remote" in shown
    assert "a?[2Jb" in shown
    assert all(len(line) <= 60 for line in shown.splitlines() if "/" not in line)
    with Screen("list", "-n", "-r", columns=60, NO_COLOR="1") as screen:
        assert screen.finish() == 1
        assert "".join(screen.text.split()) == "".join(shown.split())
        assert b"\x1b[3" not in screen.raw


def test_a_broken_spec_of_another_tool_does_not_count(there: FarSide) -> None:
    write(there.local, "spoilt", "{")
    there.install("ours")
    told = listed("-n", "-l", "-r")
    assert told["spoilt"]["kind"] == "broken"
    assert not told["spoilt"]["ours"]
    assert told["ours"]["kind"] == "ssh"
    assert list_kernels.help
    assert keys(list(told.values())) <= set(re.findall(r"\w+", list_kernels.help))
    assert "ours" not in listed("-l")


def keys(value: Any) -> set[str]:
    """Give all keys of a JSON value."""
    if isinstance(value, dict):
        return set(value).union(*(keys(each) for each in value.values()))
    return set().union(*(keys(each) for each in value)) if isinstance(value, list) else set()


def test_none_of_ours_is_told_with_the_next_step(local: LocalSide) -> None:
    done = in_a_pipe("list", "--remote")
    assert done.returncode == 0
    assert done.stdout.startswith("There are no kernels yet.\nNext: `sshpyk add HOST`")
    homeless = in_a_pipe("list", HOME="/nowhere", JUPYTER_DATA_DIR="", XDG_DATA_HOME="")
    assert homeless.returncode == 0, homeless.stderr
    assert "There are no SSH kernels yet." in homeless.stdout
