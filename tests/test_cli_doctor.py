"""``sshpyk doctor`` as a person runs it: on a terminal, in a pipe, for programs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sshpyk_core.cli import main
from sshpyk_core.cli.doctor.command import doctor
from sshpyk_core.testing.embedded_server import EmbeddedServer
from support.far import FarSide
from support.invoked import runner
from support.kernels import remote_ipykernel, remote_kernel
from support.local import LocalSide
from support.openssh import left_behind
from support.screen import Screen, in_a_pipe
from support.sshd import SSHServer

MakeSSHServer = Callable[..., SSHServer]
ESCAPE = "\x1b"
COLOUR = re.compile(r"\x1b\[(\d+;)*3\d(;\d+)*m")
EVERY_CHECK = (
    *("name", "port", "transport", "settings", "host key", "login", "shell", "python"),
    *("kernel spec", "kernel", "link", "throughput", "forwarding", "sessions"),
)


def leads_to(server: SSHServer | EmbeddedServer) -> list[str]:
    """Give the arguments that lead to a server."""
    return [server.alias, "--ssh-config", str(server.ssh_config)]


def test_a_host_that_is_in_order_on_a_narrow_terminal_without_colours(
    kernel_sshd: SSHServer,
) -> None:
    with Screen("doctor", *leads_to(kernel_sshd), columns=60, NO_COLOR="1") as screen:
        assert screen.finish() == 0, screen.text
    assert not COLOUR.search(screen.raw.decode())
    lines = screen.text.splitlines()
    assert lines[0] == "remote, over openssh"
    labels = [line[2:14].strip() for line in lines if line.startswith("  ")]
    assert [each for each in labels if each][: len(EVERY_CHECK)] == list(EVERY_CHECK)
    words = " ".join(screen.text.split())
    assert "python3 started in" in words
    assert re.search(r"round trip over the link \d+\.\d ms \(median of 10", words)
    assert re.search(r"MB/s from the host, \S+ MB/s to it", words)
    assert "asyncssh ✓ would do as well, logged in within" in words
    assert "paramiko ✓ would do as well, logged in within" in words
    assert lines[-1] == "✓ Nothing stands in the way."
    assert left_behind(kernel_sshd) == []


def test_the_json_has_the_words_of_the_help(kernel_sshd: SSHServer, local: LocalSide) -> None:
    far = FarSide(kernel_sshd, local)
    far.install("far")
    done = runner().invoke(main, ["doctor", "far", "--json", "--no-start"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["usable"] is True
    assert told["target"]["kernel_spec"] == "far"
    assert [each["name"] for each in told["transports"]] == ["openssh", "asyncssh", "paramiko"]
    checks = dict.fromkeys(each["check"] for each in told["findings"])
    assert list(checks) == [each for each in EVERY_CHECK if each != "kernel"]

    def words(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set(value).union(*(words(each) for each in value.values()))
        return set().union(*(words(each) for each in value)) if isinstance(value, list) else set()

    assert doctor.help
    assert words(told) <= set(re.findall(r"\w+", doctor.help))
    assert all(each in " ".join(doctor.help.split()) for each in EVERY_CHECK)


def test_what_is_wrong_is_told_with_the_command_in_a_pipe(sshd: SSHServer) -> None:
    sshd.client.offer_wrong_key()
    done = in_a_pipe("doctor", *leads_to(sshd), "--transport", "paramiko")
    assert done.returncode == 1
    assert ESCAPE not in done.stdout + done.stderr
    assert done.stderr == ""
    words = " ".join(done.stdout.split())
    again = f"sshpyk login remote --transport paramiko --ssh-config {sshd.ssh_config}"
    assert f"Fix: `{again}`" in words
    assert words.endswith("It fails here: login. What follows was not tried.")
    assert "The other transports" not in words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-x"], "No such option"),
        (["a b"], "holds what no host name may"),
        ([], "Missing argument"),
        (["box", "--transport-option", "x"], "is not of the form K=V"),
    ],
)
def test_bad_input_is_one_clear_message(arguments: list[str], words: str) -> None:
    done = runner().invoke(main, ["doctor", *arguments])
    assert done.exit_code != 0
    assert isinstance(done.exception, SystemExit)
    assert words in done.stdout + done.stderr


def test_a_host_cannot_do_anything_to_the_terminal(make_sshd: MakeSSHServer) -> None:
    bad = "\x1b]0;owned\x07"
    server = make_sshd(rc={".bashrc": f"printf '{bad}\\n'"})
    remote_kernel(server.home, "python3", ["sh", "-c", f"printf '{bad}' >&2; exit 1"])
    done = in_a_pipe("doctor", *leads_to(server), "--transport", "openssh")
    assert done.returncode == 1
    assert ESCAPE not in done.stdout
    assert "\x07" not in done.stdout
    assert "exit status 1" in done.stdout
    assert "It fails here: kernel." in done.stdout


def test_a_password_is_asked_for_on_a_terminal(
    make_embedded: Callable[..., EmbeddedServer],
) -> None:
    server = make_embedded(password="open sesame", allow_key=False)
    remote_ipykernel(server.home)
    with Screen("doctor", *leads_to(server), "--transport", "asyncssh", "--no-start") as screen:
        screen.wait_for("password")
        screen.type("open sesame\n")
        assert screen.finish() == 0, screen.text
    words = " ".join(screen.text.split())
    assert "open sesame" not in words
    assert "! without somebody to answer" in words
    assert "`sshpyk login embedded --transport asyncssh" in words
    assert "✓ Nothing stands in the way." in words
    with Screen("doctor", *leads_to(server), "--transport", "asyncssh", "--no-start") as screen:
        screen.wait_for("password")
        screen.press_ctrl_c()
        assert screen.finish() == 130, screen.text


def test_ctrl_c_while_the_kernel_starts_stops_it(sshd: SSHServer, local: LocalSide) -> None:
    far = FarSide(sshd, local)
    fifo = sshd.home / "fifo"
    os.mkfifo(fifo)
    remote_kernel(sshd.home, "deaf", ["sh", "-c", f"echo up > {fifo}; exec sleep 1000"])
    far.install("deaf", "deaf")
    with Screen("doctor", "deaf") as screen:
        screen.wait_for("starting a kernel")
        assert Path(fifo).read_text() == "up\n"
        screen.press_ctrl_c()
        assert screen.finish() == 130, screen.text
    assert "Interrupted." in screen.text
    assert far.left_behind() == []
    assert left_behind(sshd) == []
