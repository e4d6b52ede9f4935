"""What all commands share: how they fail, what they complete, what they cost."""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from sshpyk_core.cli.completing import hosts_of
from sshpyk_core.cli.page import Page, printable
from sshpyk_core.cli.status import LiveStatus
from support.kernels import install_spec
from support.local import LocalSide
from support.screen import SSHPYK, in_a_pipe

ALLOWED_CPU_SECONDS = 0.2


def cpu_of(*arguments: str) -> float:
    """CPU seconds that one run takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*SSHPYK, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_takes_next_to_no_time() -> None:
    assert min(cpu_of("--help") for _ in range(5)) < ALLOWED_CPU_SECONDS


def test_jupyter_knows_the_command() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("jupyter"), "sshpyk", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("sshpyk, version 2")


@pytest.mark.parametrize("arguments", [("transports",), ("list", "--json")])
def test_a_full_disk_is_told_of(arguments: tuple[str, ...], local: LocalSide) -> None:
    command, pipe = [*SSHPYK, *arguments], subprocess.PIPE
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=pipe, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "Error: The output could not be written: No space left on device.\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(shell: str) -> None:
    done = in_a_pipe("completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"_SSHPYK_COMPLETE={shell}_complete" in done.stdout


def test_bash_completes_commands() -> None:
    words = {"COMP_WORDS": "sshpyk tr", "COMP_CWORD": "1", "_SSHPYK_COMPLETE": "bash_complete"}
    assert in_a_pipe(**words).stdout.split() == ["plain,transports"]


def test_hosts_are_those_that_the_ssh_config_names(tmp_path: Path) -> None:
    config = tmp_path / "config"
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "work").write_text("Host=gpu\n  HostName 10.0.0.1\nInclude more/work\n")
    config.write_text(
        'Include more/*\nhost lab lab2 *.example !not "quoted"\n# Host none\nMatch all\n'
    )
    assert hosts_of(config) == ["lab", "lab2", "gpu"]
    assert hosts_of(tmp_path / "none") == []


def test_words_of_a_host_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b[2Jgone\x07\x9b1mé\r"
    assert printable(evil) == "?[2Jgone??1mé?"
    page = Page()
    page.line(evil)
    page.row("label", evil, "ok")
    page.marked("error", evil)
    assert not set(capsys.readouterr().out) & set("\x1b\x07\x9b\r")


def test_an_error_is_one_message_and_a_status(local: LocalSide) -> None:
    install_spec(local.data_dir, "far", {"ssh_host_alias": "lab"})
    done = in_a_pipe("frobnicate")
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no command 'frobnicate'" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_home_help_is_still_there() -> None:
    env = {name: value for name, value in os.environ.items() if name != "HOME"}
    done = subprocess.run([*SSHPYK, "--help"], env=env, capture_output=True, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("text", ["me@[fe80::1]", "a [/b] c"])
def test_the_live_line_shows_brackets(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    shown = io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    with LiveStatus(text) as status:
        status.say(f"{text}!")
    assert text in shown.getvalue()
