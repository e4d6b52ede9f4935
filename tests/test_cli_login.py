"""``sshpyk login`` and ``sshpyk logout`` as a person uses them, and kernels that profit from it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sshpyk_core.testing.embedded_server import EmbeddedServer
from support.askpass import AskpassProgram
from support.file_keyring import BACKEND, FILE, kept
from support.kernels import execute, install_spec, remote_ipykernel
from support.local import LocalSide
from support.managers import started
from support.openssh import local_ssh
from support.processes import wait_gone
from support.programs import START
from support.said import listened
from support.screen import Screen, in_a_pipe
from support.sshd import SSHServer

MakeEmbedded = Callable[..., EmbeddedServer]
Server = EmbeddedServer | SSHServer

PASSWORD = "open sesame"
TWO = (("Password: ", PASSWORD), ("Verification code: ", "123456"))
NO_COLOUR = {"NO_COLOR": "1"}


@pytest.fixture(autouse=True)
def no_master_left(local: LocalSide) -> Iterator[None]:
    """End what a test that failed has left, and fail where one that passed has."""
    yield
    left = list(masters(local))
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []
    assert os.listdir(local.home / "xdg") == []


def masters(local: LocalSide) -> Iterator[int]:
    """Find the control masters whose socket lies in this test's home."""
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if b"ControlMaster=yes" in words and os.fsencode(local.home) in words:
            yield int(entry.name)


def records(local: LocalSide) -> list[str]:
    """Name what lies where logins are kept."""
    folder = local.home / ".cache/sshpyk/logins"
    return sorted(os.listdir(folder)) if folder.exists() else []


def install(server: Server, local: LocalSide, transport: str = "openssh", **more: object) -> None:
    """Write the local spec ``far`` of a kernel of this server."""
    config = {
        "ssh_host_alias": server.alias,
        "ssh_config": str(server.ssh_config),
        "remote_kernel_name": "python3",
        "transport": transport,
        **more,
    }
    install_spec(local.data_dir, "far", config)


def start_kernel() -> subprocess.CompletedProcess[str]:
    """Start a kernel in another process, where nobody can be asked."""
    return subprocess.run(
        [sys.executable, "-c", START],
        env={**os.environ, "SSHPYK_ASK": "never"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def log_in(*answers: tuple[str, str], columns: int = 88) -> tuple[int, str]:
    """Log in to ``far`` on a terminal; give the exit status and the screen."""
    with Screen("login", "far", columns=columns, **NO_COLOUR) as screen:
        for question, answer in answers:
            screen.wait_for(question)
            screen.type(f"{answer}\n")
        status = screen.finish()
        assert PASSWORD not in screen.text
        return status, screen.text


# A connection that is kept open


def test_one_login_serves_the_kernels_of_other_programs_until_the_logout(
    make_embedded: MakeEmbedded, local: LocalSide
) -> None:
    server = make_embedded(questions=TWO, allow_key=False)
    remote_ipykernel(server.home)
    install(server, local)
    needed = start_kernel()
    assert "needs login" in needed.stderr
    command = f"sshpyk login {server.alias} --ssh-config {server.ssh_config}"
    assert f"`{command}`" in needed.stderr

    with Screen("login", "far", **NO_COLOUR) as given_up:  # it does not take this login along
        given_up.wait_for("Password:")
        status, text = log_in(*((prompt.strip(), answer) for prompt, answer in TWO), columns=60)
        given_up.press_ctrl_c()
        assert given_up.finish() == 130
    assert status == 0, text
    assert f"✓ {server.alias}: logged in. Kernels use this connection" in text
    assert "`sshpyk logout far`" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 60
    assert start_kernel().stdout == "started\n"

    (master,) = masters(local)
    again = in_a_pipe("login", server.alias, "--ssh-config", str(server.ssh_config), "--json")
    assert again.returncode == 0
    (told,) = json.loads(again.stdout)["logins"]
    assert (told["lasting"], told["kept_open"], told["already"]) == (True, True, True)
    assert list(masters(local)) == [master]
    assert "logged in already, since 2" in in_a_pipe("login", "far").stdout
    assert server.connections_made == 1
    folder = local.home / ".cache/sshpyk/logins"
    assert {path.stat().st_mode & 0o077 for path in (folder, *folder.iterdir())} == {0}

    out = in_a_pipe("logout", "far")
    assert (out.returncode, out.stderr) == (0, "")
    assert "logged out: the connection that was kept open is closed" in out.stdout
    assert wait_gone(lambda: local_ssh(server), 5) == []  # type: ignore[arg-type]
    assert records(local) == []
    assert "needs login" in start_kernel().stderr
    nothing = in_a_pipe("logout", "far", "--json")
    assert nothing.returncode == 0
    assert json.loads(nothing.stdout)["logouts"][0]["ended"] is False


async def test_a_kernel_that_needs_login_is_back_by_itself_after_one(
    make_embedded: MakeEmbedded,
    local: LocalSide,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = make_embedded(questions=TWO, allow_key=False)
    remote_ipykernel(server.home)
    install(server, local)
    with monkeypatch.context() as patch:
        AskpassProgram(tmp_path, {"*assword*": PASSWORD, "*code*": "123456"}).use(patch)
        async with started() as (_, client):
            patch.undo()
            with listened() as said:
                await asyncio.to_thread(server.cut)
                await said.wait_for("needs login")
                assert said.containing(f"`sshpyk login {server.alias} --ssh-config ")
                answers = [(prompt.strip(), answer) for prompt, answer in TWO]
                status, text = await asyncio.to_thread(log_in, *answers)
                assert status == 0, text
                await said.wait_for("connected again")
            assert (await execute(client, "print('back')")).text == "back\n"
    assert server.connections_made == 2
    done = await asyncio.to_thread(in_a_pipe, "logout", "far")
    assert "is closed" in done.stdout


def test_targets_share_no_login_and_the_users_own_master_is_left_alone(
    make_sshd: Callable[..., SSHServer], local: LocalSide
) -> None:
    server = make_sshd(ssh_config=["ControlPath ${XDG_CACHE_HOME}/user-%C"])
    install(server, local)
    ssh = ["ssh", "-F", str(server.ssh_config)]
    quiet: dict[str, Any] = {"timeout": 30, "stderr": subprocess.DEVNULL}
    # A key that needs no question: a connection is kept all the same, one for each target.
    done = in_a_pipe("login", "far", **NO_COLOUR)
    assert done.returncode == 0, done.stderr
    assert "no login needed" in done.stdout
    assert "is kept open all the same" in done.stdout
    install(server, local, transport_options={"options": {"ServerAliveInterval": "7"}})
    assert in_a_pipe("login", "far").returncode == 0
    assert len(list(masters(local))) == 2
    assert "is closed" in in_a_pipe("logout", "far").stdout
    install(server, local)
    assert "is closed" in in_a_pipe("logout", "far").stdout

    subprocess.run([*ssh, "-fN", "-M", server.alias], check=True, **quiet)
    logins = server.logins()
    users = local_ssh(server)
    done = in_a_pipe("login", "far", **NO_COLOUR)
    assert "no login needed" in done.stdout
    assert "kept open" not in done.stdout
    assert "no login was kept" in in_a_pipe("logout", "far").stdout
    assert (server.logins(), local_ssh(server)) == (logins, users)
    subprocess.run([*ssh, "-O", "exit", server.alias], check=True, **quiet)
    assert "no login needed" in in_a_pipe("login", "far", "--no-keep").stdout
    assert list(masters(local)) == []


# What goes wrong


def test_wrong_passwords_and_ctrl_c_leave_nothing(
    make_embedded: MakeEmbedded, local: LocalSide
) -> None:
    server = make_embedded(questions=TWO, allow_key=False)
    install(server, local)
    for answered in (0, 1):
        with Screen("login", "far", **NO_COLOUR) as screen:
            for prompt, answer in TWO[:answered]:
                screen.wait_for(prompt.strip())
                screen.type(f"{answer}\n")
            screen.wait_for(TWO[answered][0].strip())
            screen.press_ctrl_c()
            assert screen.finish() == 130
            assert "Interrupted." in screen.text
        assert local_ssh(server) == []  # type: ignore[arg-type]
        assert records(local) == []
    simple = make_embedded(password=PASSWORD, allow_key=False)
    install(simple, local)
    prompt = "jupyter@127.0.0.1's password:"
    status, text = log_in(*(("\n".join([prompt] * times), "wrong") for times in (1, 2, 3)))
    assert status == 1
    assert "Permission denied" in text
    assert "keep=true" not in text
    assert simple.logins_refused == 3
    done = in_a_pipe("login", "far")
    assert done.returncode == 1
    assert "Nobody can be asked here" in done.stderr
    assert done.stdout == ""
    assert (local_ssh(simple), records(local)) == ([], [])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("transport", "answer"),
    [("openssh", "yes\n"), ("openssh", "\x03"), ("paramiko", "no\n")],
    ids=["yes", "ctrl-c", "no"],
)
def test_an_unknown_host_key_is_shown_and_asked_about(
    sshd: SSHServer, local: LocalSide, transport: str, answer: str
) -> None:
    install(sshd, local, transport)
    sshd.client.forget_host_key()
    sshd.client.append_config("StrictHostKeyChecking ask")
    with Screen("login", "far", **NO_COLOUR) as screen:
        screen.wait_for("SHA256:")
        screen.wait_for("?")
        screen.type(answer)
        assert screen.finish() == {"yes\n": 0, "no\n": 1, "\x03": 130}[answer], screen.text
    assert bool(sshd.client.known_hosts.read_text()) == (answer == "yes\n")
    if answer == "yes\n":
        assert in_a_pipe("logout", "far").returncode == 0
    assert wait_gone(lambda: local_ssh(sshd), 5) == []


def test_bad_input_is_one_clear_line(local: LocalSide) -> None:
    for arguments in (["--", "-oProxyCommand=x"], ["there", "--transport", "pigeon"]):
        done = in_a_pipe("login", *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("Error: ")
        assert arguments[-1] in done.stderr
    assert records(local) == []


# The keyring


@pytest.mark.parametrize("transport", ["asyncssh", "paramiko"])
def test_the_keyring_keeps_a_password_until_the_logout(
    make_embedded: MakeEmbedded,
    local: LocalSide,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    transport: str,
) -> None:
    server = make_embedded(password=PASSWORD, allow_key=False)
    remote_ipykernel(server.home)
    install(server, local, transport)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    status, text = log_in(("assword", PASSWORD))
    assert status == 1
    assert "No keyring is there" in text
    assert "pip install './sshpyk_core[keyring]'" in text
    assert '"transport": "openssh"' in text

    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", BACKEND)
    monkeypatch.setenv(FILE, str(tmp_path / "keyring.json"))
    with Screen("login", "far", **NO_COLOUR) as screen:
        screen.wait_for("assword")
        screen.type(f"{PASSWORD}\n")
        screen.wait_for("Keep the password")
        screen.press_ctrl_c()
        assert screen.finish() == 130
    assert kept() == {}
    status, text = log_in(("assword", PASSWORD), ("Keep the password", "yes"))
    assert status == 0, text
    assert "The keyring (" in text
    account = f"jupyter@127.0.0.1:{server.port}"
    assert kept() == {account: PASSWORD}
    if transport == "asyncssh":
        assert start_kernel().stdout == "started\n"
    done = in_a_pipe("logout", "far")
    assert done.returncode == 0
    assert f"the keyring has forgotten {account}" in " ".join(done.stdout.split())
    assert kept() == {}
    monkeypatch.setenv("TEST_KEYRING_MOOD", "broken")
    done = in_a_pipe("logout", "far")
    assert done.returncode == 1
    assert "may still hold" in done.stdout
