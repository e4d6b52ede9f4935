"""``sshpyk-kernel``: a kernel of a host, held by a program at a terminal or in the background."""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import zmq
from jupyter_client.connect import write_connection_file
from sshpyk_core.kernelspecs import kernel_argv
from support.far import OVER_SSH, FarSide
from support.invoked import invoked
from support.kernel_app import (
    KERNEL_APP,
    client_of,
    complaint,
    evaluated,
    file_of,
    file_on,
    holding,
    interrupted,
    on_screen,
)
from support.kernels import remote_ipykernel

over_openssh = pytest.mark.parametrize("way", [OVER_SSH], ids=str)

others = pytest.mark.others


@pytest.mark.ways(servers=["sshd"], why="these are programs, whatever the server")
def test_keys_interrupt_restart_and_shut_down(far: FarSide) -> None:
    with on_screen("--kernel", "far") as screen:
        file = file_on(screen)
        with client_of(file) as client:
            assert evaluated(client, "x = 6; print(x * 7)") == "42"
            screen.type("\x04")
            screen.wait_for("[Y/i/r/l/n]")
            with interrupted(client):
                screen.press_ctrl_c()
            screen.wait_for("was interrupted.")
            screen.type("\n")  # it would be the answer if the menu were still open
            assert evaluated(client, "print(x)") == "6"
            with interrupted(client):
                screen.type("\x04i\n")
            screen.type("\x04n\n\x04\x04\x04r\n")
            screen.wait_for("was restarted")
            client.wait_for_ready(timeout=30)  # its subscription comes a moment after the kernel
            assert evaluated(client, "print('x' in dir())") == "False"
        screen.type("\x04\n")
        assert screen.finish() == 0
        assert "was shut down." in screen.text
        assert not file.exists()
    assert far.left_behind() == []


@pytest.mark.ways(servers=["sshd"], why="these are programs, whatever the server")
def test_programs_that_know_no_provisioners_get_the_kernel(far: FarSide, tmp_path: Path) -> None:
    file = tmp_path / "chosen here.json"
    write_connection_file(str(file), ip="127.0.0.1", key=b"a key of mine")
    before = file.read_bytes()
    argv = [word.format(connection_file=file) for word in kernel_argv("far")]
    with holding(command=argv) as process, client_of(file_of(process)) as client:
        assert evaluated(client, "print(6 * 7)") == "42"
        with interrupted(client):
            process.send_signal(signal.SIGINT)
        assert evaluated(client, "y = 1; print(y)") == "1"
        process.send_signal(signal.SIGUSR1)
        assert process.stdout is not None
        while "was restarted" not in (line := process.stdout.readline()):
            assert line
        client.wait_for_ready(timeout=30)
        assert evaluated(client, "print('y' in dir())") == "False"
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert file.read_bytes() == before
    assert far.left_behind() == []


@over_openssh
@pytest.mark.parametrize("ending", ["SIGUSR2", "exit", pytest.param("kill", marks=others)])
def test_exit_status_says_how_the_kernel_ended(far: FarSide, ending: str) -> None:
    with holding("-k", "far", "--poll-interval=5000") as process:
        file = file_of(process)
        with client_of(file) as client:
            if ending == "exit":
                client.execute("import os; os._exit(7)")
            elif ending == "kill":
                client.execute("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
            else:
                process.send_signal(signal.Signals[ending])
            _, errors = process.communicate(timeout=30)
    assert process.returncode == {"exit": 7, "kill": 137}.get(ending, 0)
    assert ("has ended by itself" in errors) == (ending in ("exit", "kill"))
    assert not file.exists()
    assert far.left_behind() == []


@over_openssh
def test_kernel_that_wants_messages_is_interrupted_by_one(far: FarSide) -> None:
    remote_ipykernel(far.server.home, "messages", interrupt_mode="message")
    far.install("messages", "messages")
    with holding("-k", "messages") as process:
        with client_of(file_of(process)) as client, interrupted(client):
            for _ in range(3):
                process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert "was interrupted." in output


@over_openssh
def test_terminal_that_is_closed_ends_the_kernel(far: FarSide) -> None:
    with on_screen("-k", "far") as screen:
        file = file_on(screen)
        screen.hang_up()
        assert screen.process.wait(30) == 0
    assert not file.exists()
    assert far.left_behind() == []


@over_openssh
@pytest.mark.parametrize("sent", ["SIGTERM", pytest.param("SIGINT", marks=others)])
def test_signal_during_the_start_undoes_it(far: FarSide, sent: str, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    far.install("slow", remote_precmd=f"echo > {begun}; sleep 60", launch_timeout=60)
    with holding("--kernel=slow") as process:
        begun.read_text()  # until the start is under way on the host
        for _ in range(3):
            process.send_signal(signal.Signals[sent])
        output, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.Signals[sent]
    assert "nothing was begun" in errors
    assert output == ""
    assert far.left_behind() == []
    assert list(far.local.runtime_dir.glob("kernel-*")) == []


CTRL_C_WHILE_IT_IS_IMPORTED = """
import os, signal, sys

class AtItsImport:
    def find_spec(self, name, *_):
        if name == "sshpyk_core.kernel_app.app":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, AtItsImport())
from sshpyk_core.kernel_app.__main__ import main
main()
"""


def test_ctrl_c_before_anything_was_begun_shows_no_traceback() -> None:
    command = [sys.executable, "-c", CTRL_C_WHILE_IT_IS_IMPORTED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "\nInterrupted.\n")


@over_openssh
def test_kernel_goes_on_when_nobody_reads_what_is_told(far: FarSide) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        command = [*KERNEL_APP, "-k", "far", "--leave"]
        assert subprocess.run(command, stdout=pipe, timeout=60, check=False).returncode == 0
    (supervisor,) = far.supervisors()
    assert invoked("stop", "-y", supervisor.name).exit_code == 0
    assert far.left_behind() == []


@over_openssh
def test_kernel_that_is_left_while_it_starts_is_left_when_it_runs(
    far: FarSide, tmp_path: Path
) -> None:
    begun, go_on = tmp_path / "begun", tmp_path / "go on"
    for each in (begun, go_on):
        os.mkfifo(each)
    far.install("slow", remote_precmd=f"echo > {begun}; read word < '{go_on}'", launch_timeout=60)
    with holding("--kernel=slow") as process:
        begun.read_text()
        for sent in (signal.SIGUSR1, signal.SIGQUIT):
            process.send_signal(sent)
        go_on.write_text("now\n")
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert "was left running." in output
    (supervisor,) = far.supervisors()
    assert invoked("stop", "-y", supervisor.name).exit_code == 0
    assert far.left_behind() == []


@over_openssh
@pytest.mark.skipif(
    "curve_publickey" not in inspect.signature(write_connection_file).parameters,
    reason="this jupyter_client is older than CURVE",
)
def test_connection_file_with_curve_keys_is_honoured(far: FarSide, tmp_path: Path) -> None:
    metadata = {"supported_encryption": "curve"}
    remote_ipykernel(far.server.home, "curved", metadata=metadata)
    far.install("curved", "curved")
    file = tmp_path / "curve.json"
    public, secret = zmq.curve_keypair()
    write_connection_file(
        str(file), ip="127.0.0.1", key=b"k", curve_publickey=public, curve_secretkey=secret
    )
    with holding("-k", "curved", f"--KernelManager.connection_file='{file}'") as process:
        with client_of(file_of(process)) as client:
            assert evaluated(client, "print(1)") == "1"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0


@over_openssh
def test_console_of_jupyter_connects_while_it_runs(far: FarSide) -> None:
    with holding("-k", "far") as process:
        file = file_of(process)
        done = subprocess.run(
            [sys.executable, "-m", "jupyter_console", "--simple-prompt", "--existing", str(file)],
            input="print(6 * 7)\nquit(keep_kernel=True)\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "42" in done.stdout, done.stdout + done.stderr
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@over_openssh
def test_job_in_the_background_of_a_terminal_is_not_stopped(far: FarSide) -> None:
    # An interactive shell gives a job a process group of its own, which is not the foreground's.
    script = 'set -m; "$@" & echo "job $!"; read word; echo "had $word"; kill -TERM %1; wait %1'
    command = ["/bin/sh", "-c", f"{script}; echo status $?", "sh", *KERNEL_APP]
    with on_screen("-k", "far", command=command) as screen:
        file = file_on(screen)
        screen.type("typed\n")
        screen.wait_for("had typed")
        screen.wait_for("status 0")
        assert screen.finish() == 0
        assert not file.exists()
    assert far.left_behind() == []


@over_openssh
def test_wrong_command_line_starts_nothing(
    far: FarSide, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoilt = tmp_path / "spoilt.json"
    spoilt.write_text("{")
    for line, status, said in (
        ("", 2, "Say which kernel: --kernel NAME."),
        ("-k nothing", 1, "There is no kernel spec 'nothing'"),
        ("-k far what", 2, "What is 'what'?"),
        ("-k far --poll-interval=often", 2, "poll_interval"),
        (f"-k far --KernelManager.connection_file={spoilt}", 1, "is no connection file"),
        ("-k far --ssh-verbose=w", 2, "ssh_verbose"),
    ):
        ended, errors = complaint(capsys, *line.split())
        assert (ended, said in errors) == (status, True), errors
    assert far.supervisors() == []
