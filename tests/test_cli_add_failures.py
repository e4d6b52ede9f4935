"""``sshpyk add`` where something is wrong: one clear word, and nothing half-written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from sshpyk_core.cli import main
from support import kernels, tools
from support.invoked import runner
from support.local import LocalSide
from support.openssh import left_behind
from support.peers import full_server
from support.screen import Screen, in_a_pipe
from support.sshd import SSHServer

NAME = "ssh_remote_work_python3"


@pytest.fixture(scope="module")
def plain() -> Iterator[SSHServer]:
    """Give a host with one environment and two kernels of the user."""
    server = SSHServer()
    try:
        tools.venv(server.home, "work")
        for name in ("first", "third"):
            kernels.remote_bash_kernel(server.home, name, display_name=name.title())
        server.start()
        yield server
    finally:
        left = server.close()
    assert left == []


def run(server: SSHServer, *arguments: str) -> Result:
    """Run the command in this process, where nobody can be asked."""
    flags = [server.alias, "--ssh-config", str(server.ssh_config)]
    return runner().invoke(main, ["add", *flags, *arguments])


def written(local: LocalSide) -> list[str]:
    """Name all that lies where kernel specs do, hidden or not."""
    folder = local.data_dir / "kernels"
    return sorted(os.listdir(folder)) if folder.is_dir() else []


def take(local: LocalSide, name: str, **kernel_json: object) -> Path:
    """Have a kernel spec of something else by this name."""
    content = {"argv": ["true"], "display_name": "x", "language": "x", **kernel_json}
    directory = local.data_dir / "kernels" / name
    directory.mkdir(parents=True)
    (directory / "kernel.json").write_text(json.dumps(content), encoding="utf-8")
    return directory


@pytest.mark.parametrize("answer", ["no\n", "\x03", "yes\n"], ids=["no", "ctrl-c", "yes"])
def test_an_unknown_host_key_is_shown_and_asked_about(
    sshd: SSHServer, local: LocalSide, answer: str
) -> None:
    kernels.remote_bash_kernel(sshd.home)
    sshd.client.forget_host_key()
    sshd.client.append_config("StrictHostKeyChecking ask")
    flags = (sshd.alias, "--ssh-config", str(sshd.ssh_config), "--remote-kernel-name", "bash")
    with Screen("add", *flags) as screen:
        screen.wait_for("SHA256:")
        screen.wait_for("?")
        screen.type(answer)
        status = screen.finish()
    assert left_behind(sshd) == []
    known = sshd.client.known_hosts.read_text(encoding="ascii")
    if answer == "yes\n":
        assert (status, written(local)) == (0, ["ssh_remote_bash"]), screen.text
        assert known
        return
    assert status == (130 if answer == "\x03" else 1), screen.text
    assert "Traceback" not in screen.text
    assert (written(local), known) == ([], "")
    assert "host key" in screen.text.lower() or status == 130


def test_nobody_is_asked_about_a_host_key_without_a_terminal(
    sshd: SSHServer, local: LocalSide
) -> None:
    sshd.client.forget_host_key()
    sshd.client.append_config("StrictHostKeyChecking ask")
    done = run(sshd)
    assert done.exit_code == 1
    assert "remote: could not connect" in done.stderr
    assert written(local) == []


def test_ctrl_c_ends_the_wait_for_a_host(sshd: SSHServer, local: LocalSide) -> None:
    sshd.stop()
    with full_server() as silent:
        sshd.reach_through(silent.getsockname()[1])
        with Screen("add", sshd.alias, "--ssh-config", str(sshd.ssh_config)) as screen:
            screen.wait_for("Connecting to remote")
            screen.press_ctrl_c()
            assert screen.finish() == 130
            assert "Traceback" not in screen.text
        assert left_behind(sshd) == []
    assert written(local) == []


def test_an_unknown_host_is_said(local: LocalSide) -> None:
    done = in_a_pipe("add", "nowhere.invalid")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: nowhere.invalid: could not ")
    assert (done.stdout, written(local)) == ("", [])


@pytest.mark.parametrize(
    ("flags", "status", "words"),
    [
        (["--transport", "carrier-pigeon"], 1, "carrier-pigeon"),
        (["--kernel-name", "two words"], 1, "'two words' cannot be the name of a kernel"),
        (["--remote-cwd", "relative"], 1, "remote_cwd: 'relative' is not allowed"),
        (["--remote-kernel-name", "a/b"], 1, "remote_kernel_name: 'a/b' is not allowed"),
        (["--env", "1=2"], 1, "'1' is not the name of a variable"),
        (["--env", "novalue"], 2, "'novalue' is not of the form K=V"),
        (["--launch-timeout", "0"], 2, "--launch-timeout"),
        (["--channels", "smoke"], 2, "--channels"),
        (["--user", "--sys-prefix"], 2, "exclude each other"),
        (["--dry-run", "--install-ipykernel"], 2, "exclude each other"),
        (["--remote-python", "p", "--remote-python-prefix", "q"], 2, "exclude each other"),
        (["--ssh-host-alias", "other"], 2, "HOST is remote and --ssh-host-alias is other"),
        (["--ssh-config", "/no/such/file"], 1, "there is no file /no/such/file"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_wrong_flag_is_said_before_anything_is_connected_to(
    plain: SSHServer, local: LocalSide, flags: list[str], status: int, words: str
) -> None:
    before = plain.logins()
    done = run(plain, *flags)
    assert done.exit_code == status
    assert words in done.stderr
    assert (plain.logins(), written(local)) == (before, [])


def test_a_command_line_needs_a_host() -> None:
    done = runner().invoke(main, ["add"])
    assert done.exit_code == 2
    assert "Which host?" in done.stderr


def test_a_name_that_something_else_has_is_left_alone(plain: SSHServer, local: LocalSide) -> None:
    theirs = take(local, NAME)
    before = (theirs / "kernel.json").read_bytes()
    for flags in ([], ["--replace"]):
        done = run(plain, *flags)
        assert done.exit_code == 1
        assert f"{NAME} is the name of something else ({theirs})" in done.stderr
        assert "or say --replace" not in done.stderr
        assert written(local) == [NAME]
    assert (theirs / "kernel.json").read_bytes() == before


def test_a_name_of_ours_that_leads_elsewhere_is_replaced_only_when_told(
    plain: SSHServer, local: LocalSide
) -> None:
    stanza = {"ssh_host_alias": "elsewhere"}
    kernels.install_spec(local.data_dir, "ssh_remote_first", stanza)
    one = ("--remote-kernel-name", "first")
    done = run(plain, *one)
    assert done.exit_code == 1
    assert "or say --replace" in done.stderr
    assert run(plain, *one, "--replace").exit_code == 0
    content = json.loads((local.data_dir / "kernels/ssh_remote_first/kernel.json").read_text())
    assert content["metadata"]["kernel_provisioner"]["config"]["ssh_host_alias"] == "remote"


def test_what_was_written_before_a_failure_is_told(plain: SSHServer, local: LocalSide) -> None:
    folder = local.data_dir / "kernels"
    folder.mkdir()
    (folder / NAME).write_text("in the way")
    done = run(plain)
    assert done.exit_code == 1
    assert f"The kernel name {NAME} is taken" in done.stderr
    assert "Added before that: ssh_remote_first" in done.stderr
    told = done.stderr.split("Added before that: ")[1].split("\n")[0].rstrip(".").split(", ")
    assert sorted([*told, NAME]) == written(local)


def test_where_nothing_can_be_written_it_is_said(plain: SSHServer, local: LocalSide) -> None:
    (local.data_dir / "kernels").write_text("in the way")
    done = run(plain)
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: Could not write the kernel spec ")
    assert done.stderr.endswith("Nothing was added.\n")


def test_a_user_without_a_home_is_told(
    plain: SSHServer, local: LocalSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("JUPYTER_DATA_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable)
    monkeypatch.setenv("HOME", os.devnull)
    done = run(plain, "--remote-kernel-name", "first")
    assert done.exit_code == 1
    assert "Not a directory" in done.stderr


@pytest.mark.others
def test_one_name_is_not_given_to_several_kernels(plain: SSHServer, local: LocalSide) -> None:
    done = run(plain, "--kernel-name", "mine")
    assert done.exit_code == 1
    assert "are for one kernel" in done.stderr
    assert "--remote-python auto --remote-kernel-name first" in done.stderr
    flags = (plain.alias, "--ssh-config", str(plain.ssh_config), "--kernel-name", "mine")
    with Screen("add", *flags) as screen:
        screen.wait_for("[all]:")
        screen.type("\n")
        screen.wait_for("choose one")
        screen.type("1\n")
        assert screen.finish() == 0
    assert written(local) == ["mine"]


def test_what_is_not_there_is_answered_with_what_is(plain: SSHServer, local: LocalSide) -> None:
    done = run(plain, "--remote-kernel-name", "frist")
    assert done.exit_code == 1
    assert "there is no kernel frist; there are: first" in done.stderr
    done = run(plain, "--remote-python", "/no/python")
    assert done.exit_code == 1
    assert "remote: could not use /no/python" in done.stderr
    assert written(local) == []


def test_a_hostile_host_does_not_reach_the_terminal(sshd: SSHServer, local: LocalSide) -> None:
    evil = "\x1b]0;owned\x07\x9b2J\x1b[31mEvil\u202e"
    provisioner = {"provisioner_name": "local-provisioner"}
    metadata = {"debugger": True, evil: evil}
    argv = ["sh", "-c", evil, "{connection_file}"]
    kernels.remote_kernel(
        sshd.home, "evil", argv, display_name=evil, language=evil, metadata=metadata
    )
    loop = {"metadata": {"kernel_provisioner": provisioner}}
    kernels.remote_kernel(sshd.home, "loop", argv, display_name=evil, **loop)
    kernels.remote_kernel(sshd.home, "gone", [evil], display_name=evil)
    with Screen("add", sshd.alias, "--ssh-config", str(sshd.ssh_config)) as screen:
        screen.wait_for("[all]:")
        screen.type("\n")
        assert screen.finish() == 0
        assert "it starts its kernel elsewhere" in " ".join(screen.text.split())
    assert b"owned\x07" not in screen.raw
    assert b"\x1b]0" not in screen.raw
    assert b"\x9b2J" not in screen.raw
    assert b"\x1b[31mEvil" not in screen.raw
    content = json.loads((local.data_dir / "kernels/ssh_remote_evil/kernel.json").read_text())
    assert content["display_name"].isprintable()
    assert content["language"].isprintable()
    assert content["metadata"]["debugger"] is True
    assert "ssh_remote_loop" not in written(local)
