"""The sshd fixture is a real server whose every setting reaches the remote side."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import asyncssh
import pytest
from support import kernels, processes, require
from support.local import LocalSide
from support.sshd import SSHServer

MakeSSHServer = Callable[..., SSHServer]
SHELLS = ["sh", "bash", "dash", "zsh", "csh", "tcsh", "fish"]
ALL_BYTES = bytes(range(256)) * 1000


@pytest.mark.parametrize("shell", SHELLS)
def test_every_login_shell_gives_the_made_up_user(make_sshd: MakeSSHServer, shell: str) -> None:
    server = make_sshd(shell=shell)
    script = 'echo "$HOME"; echo "$SHELL"; echo "$PATH"; pwd; command -v python3'
    home, login_shell, path, directory, python = (
        server.run(f"exec sh -c '{script}'").stdout.decode().splitlines()
    )
    assert home == directory == str(server.home)
    assert login_shell == server.shell
    assert os.path.basename(login_shell) == shell
    assert path.startswith("/usr/local/bin:/usr/bin:/bin")
    assert os.access(python, os.X_OK)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_login_shell_passes_all_bytes_and_the_status(
    make_sshd: MakeSSHServer, shell: str
) -> None:
    done = make_sshd(shell=shell).run("exec sh -c 'cat; echo aside >&2; exit 9'", stdin=ALL_BYTES)
    assert done.stdout == ALL_BYTES
    assert done.stderr == b"aside\n"
    assert done.returncode == 9


@pytest.mark.parametrize(
    ("shell", "name"),
    [
        ("bash", ".bashrc"),
        ("zsh", ".zshenv"),
        ("csh", ".cshrc"),
        ("tcsh", ".tcshrc"),
        ("fish", ".config/fish/config.fish"),
    ],
)
def test_rc_files_are_read_by_their_shell(make_sshd: MakeSSHServer, shell: str, name: str) -> None:
    server = make_sshd(shell=shell, rc={name: "echo noise\n"})
    assert server.run("echo command").stdout == b"noise\ncommand\n"


def test_path_can_be_chosen(make_sshd: MakeSSHServer) -> None:
    server = make_sshd(path="/opt/tools:/usr/bin:/bin")
    assert server.run("echo $PATH").stdout == b"/opt/tools:/usr/bin:/bin\n"


def test_server_settings_win_over_the_defaults(make_sshd: MakeSSHServer, tmp_path: Path) -> None:
    banner = tmp_path / "banner"
    banner.write_text("a banner\n")
    server = make_sshd(sshd_config=[f"Banner {banner}", "SetEnv COLOUR=green"])
    done = server.run("echo $COLOUR")
    assert done.stdout == b"green\n"
    assert b"a banner" in done.stderr


async def test_forwards_can_be_forbidden(make_sshd: MakeSSHServer) -> None:
    server = make_sshd(sshd_config=["AllowTcpForwarding no", "AllowStreamLocalForwarding no"])
    async with await _connect(server) as connection:
        with pytest.raises(asyncssh.ChannelOpenError) as tcp:
            await connection.open_connection("127.0.0.1", server.port)
        with pytest.raises(asyncssh.ChannelOpenError) as unix:
            await connection.open_unix_connection(str(server.home / "s"))
    assert tcp.value.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED
    assert unix.value.code == asyncssh.OPEN_CONNECT_FAILED
    server.wait_for_log("refused streamlocal port forward")


async def test_forwards_are_carried_unless_forbidden(sshd: SSHServer) -> None:
    async with await _connect(sshd) as connection:
        reader, writer = await connection.open_connection("127.0.0.1", sshd.port)
        assert (await reader.readline()).startswith(b"SSH-2.0-")
        writer.close()


def test_sessions_are_limited_per_connection(make_sshd: MakeSSHServer) -> None:
    server = make_sshd(sshd_config=["MaxSessions 1"])
    control = str(server.directory / "c")
    with _Command(server, "cat", "-M", "-S", control) as first:
        first.echo(b"first\n")
        refused = server.run("true", "-S", control, "-o", "ControlMaster=no")
        server.wait_for_log("no more sessions")
    assert refused.returncode != 0 or b"refused" in refused.stderr


def test_client_config_of_the_alias_can_be_extended(make_sshd: MakeSSHServer) -> None:
    server = make_sshd(ssh_config=["RequestTTY force"])
    server.client.append_config("RemoteCommand echo from the config")
    arguments = ["ssh", "-G", "-F", str(server.ssh_config), server.alias]
    resolved = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    assert "requesttty force" in resolved
    assert "remotecommand echo from the config" in resolved


def test_unknown_and_changed_host_keys_are_refused(sshd: SSHServer) -> None:
    sshd.client.forget_host_key()
    assert b"No ED25519 host key is known" in sshd.run("true").stderr
    sshd.client.change_host_key()
    assert b"HOST IDENTIFICATION HAS CHANGED" in sshd.run("true").stderr
    sshd.client.trust_host_key()
    assert sshd.run("true").returncode == 0


def test_wrong_key_is_refused(sshd: SSHServer) -> None:
    sshd.client.offer_wrong_key()
    assert b"Permission denied" in sshd.run("true", "-o", "BatchMode=yes").stderr
    sshd.client.offer_right_key()
    assert sshd.run("true").returncode == 0


def test_authorized_keys_can_be_replaced(sshd: SSHServer) -> None:
    sshd.authorize()
    assert sshd.run("true", "-o", "BatchMode=yes").returncode == 255
    sshd.authorize(sshd.client.public_key)
    assert sshd.run("true").returncode == 0


def test_cut_drops_connections_and_lets_new_ones_in(sshd: SSHServer) -> None:
    with _Command(sshd, "cat") as command:
        command.echo(b"alive\n")
        sshd.cut()
        assert command.process.wait(10) == 255
    assert processes.wait_gone(sshd.processes, 10) == []
    assert sshd.run("echo again").stdout == b"again\n"


def test_stop_frees_the_port_and_start_takes_it_again(sshd: SSHServer) -> None:
    with _Command(sshd, "cat") as command:
        command.echo(b"alive\n")
        sshd.stop()
        assert command.process.wait(10) == 255
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", sshd.port)).close()
    sshd.start()
    assert sshd.run("echo again").stdout == b"again\n"
    assert sshd.log().count("Server listening") == 2


def test_processes_are_found_by_their_home_and_detached_ones_outlive_the_server(
    sshd: SSHServer,
) -> None:
    detach = "setsid sleep 600 </dev/null >/dev/null 2>&1 & echo $!"
    pid = int(sshd.run(detach).stdout)
    sshd.stop()
    assert [process.pid for process in sshd.processes()] == [pid]
    sshd.kill_processes()
    assert sshd.processes() == []


def test_close_tells_what_it_had_to_kill_and_removes_everything() -> None:
    server = SSHServer()
    server.start()
    pid = int(server.run("setsid sleep 600 </dev/null >/dev/null 2>&1 & echo $!").stdout)
    left = server.close(timeout=0)
    assert [process.pid for process in left] == [pid]
    assert "sleep 600" in str(left[0])
    assert processes.with_home(server.home) == []
    assert not server.directory.exists()


def test_shared_server_answers(shared_sshd: SSHServer) -> None:
    assert shared_sshd.run("echo shared").stdout == b"shared\n"


def test_near_side_is_isolated(local: LocalSide) -> None:
    from jupyter_core.paths import jupyter_config_dir, jupyter_data_dir, jupyter_runtime_dir

    assert Path.home() == local.home
    assert Path(jupyter_data_dir()) == local.data_dir
    assert Path(jupyter_config_dir()) == local.config_dir
    assert Path(jupyter_runtime_dir()) == local.runtime_dir
    assert "SSH_AUTH_SOCK" not in os.environ
    assert len(str(local.home)) < 20


def test_missing_program_skips_or_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSHPYK_REQUIRE_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match="Debian package none-such"):
        require.require_program("no-such-program", "none-such")
    monkeypatch.setenv("SSHPYK_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-program is not installed"):
        require.require_program("no-such-program", "none-such")


async def test_kernel_helpers_write_specs_that_run(local: LocalSide) -> None:
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import start_new_async_kernel

    kernels.remote_ipykernel(local.home, "near")
    kernels.install_spec(local.data_dir, "far", {"ssh_host_alias": "x"}, language="R")
    far = KernelSpecManager().get_kernel_spec("far")
    assert far.language == "R"
    assert far.metadata["kernel_provisioner"]["config"] == {"ssh_host_alias": "x"}
    source = local.home / ".local/share/jupyter/kernels/near"
    source.rename(local.data_dir / "kernels/near")
    manager, client = await start_new_async_kernel(kernel_name="near")
    try:
        done = await kernels.execute(client, "print('out'); import sys; print(1, file=sys.stderr)")
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
    assert done.reply["status"] == "ok"
    assert done.text == "out\n"
    assert done.stream("stderr") == "1\n"


async def _connect(server: SSHServer) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(server.alias, config=[str(server.ssh_config)])


class _Command:
    """A command that runs on the server while the block does."""

    def __init__(self, server: SSHServer, command: str, *options: str) -> None:
        arguments = ["ssh", "-F", str(server.ssh_config), *options, server.alias, command]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(arguments, stdin=pipe, stdout=pipe, stderr=pipe)

    def echo(self, line: bytes) -> None:
        """Wait until the command has echoed a line."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line)
        self.process.stdin.flush()
        assert self.process.stdout.readline() == line

    def __enter__(self) -> _Command:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate(timeout=30)
