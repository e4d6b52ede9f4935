"""``sshpyk attach``: a kernel that runs, had by a second program and by a third."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from support.far import OVER_SSH, FarSide
from support.invoked import invoked
from support.jupyter_server import jupyter_server
from support.kernel_app import (
    client_of,
    evaluated,
    file_on,
    first_object,
    holding,
    interrupted,
    on_screen,
)
from support.screen import SSHPYK, Screen

pytestmark = pytest.mark.ways(servers=["sshd"], why="these are programs, whatever the server")
over_openssh = pytest.mark.parametrize("way", [OVER_SSH], ids=str)


def left_running(name: str = "far") -> None:
    """Have a kernel that nobody holds."""
    with holding("-k", name, "--persistent", "--leave") as process:
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "was left running." in output


def test_kernel_that_was_left_is_had_by_two_programs_at_once(far: FarSide) -> None:
    left_running()
    (supervisor,) = far.supervisors()
    with Screen("attach", "far", columns=200) as first:
        file = file_on(first)
        assert "Another program" not in first.text
        with (
            client_of(file) as client,
            holding("attach", supervisor.name[:10], "--json", command=SSHPYK) as second,
        ):
            assert evaluated(client, "x = 42; print(x)") == "42"
            told = first_object(second)
            assert told["attached"] is True
            assert supervisor.name.startswith(told["id"])
            with client_of(Path(told["connection_file"])) as other:
                assert evaluated(other, "print(x)") == "42"
                with interrupted(other):
                    first.press_ctrl_c()
            first.type("\x1c")
            assert first.finish() == 0
            assert "was left running." in first.text
            second.send_signal(signal.SIGUSR2)
            _, errors = second.communicate(timeout=30)
            assert (second.returncode, "was shut down." in errors) == (0, True)
    assert not file.exists()
    assert list(far.local.runtime_dir.glob("sshpyk-kernel-*")) == []
    assert far.left_behind() == []


@over_openssh
def test_external_kernel_is_in_the_list_of_a_jupyter_server(far: FarSide) -> None:
    left_running()
    directory = far.local.runtime_dir
    setting = "--ServerApp.allow_external_kernels=True"
    with jupyter_server(directory, setting) as server, Screen("attach", "far", "--external") as us:
        us.wait_for("jupyter console --existing")
        assert [each["name"] for each in server.kernels()] == ["far"]
        us.type("\x04y\n")
        assert us.finish() == 0
        assert server.kernels() == []
        assert list((directory / "external_kernels").iterdir()) == []
    assert far.left_behind() == []


@over_openssh
def test_restart_by_one_program_is_no_end_for_the_others_and_a_shutdown_is(far: FarSide) -> None:
    with on_screen("-k", "far") as first, client_of(file_on(first)) as client:
        evaluated(client, "x = 1")
        with Screen("attach", "far", columns=200) as second:
            file_on(second)
            assert "Another program is attached already" in second.text
            second.type("\x04r\n")
            second.wait_for("was restarted")
            client.wait_for_ready(timeout=30)  # its subscription comes a moment after the kernel
            assert evaluated(client, "print('x' in dir())") == "False"
            assert first.process.poll() is None
            first.type("\x04\n")
            assert first.finish() == 0
            # It does not wait for somebody to start again what is gone (launch_timeout, 30 s).
            assert second.finish(timeout=15) == 0
            assert "has ended" in second.text
    assert far.left_behind() == []


@over_openssh
def test_what_cannot_be_attached_to_is_told_and_left_alone(far: FarSide, tmp_path: Path) -> None:
    for word, said in {
        "far": "no kernel of far runs on remote",
        "0f1e2d3c": "no kernel with the ID 0f1e2d3c was found",
        "no such": "neither a kernel spec of sshpyk nor the ID of a kernel",
    }.items():
        done = invoked("attach", word)
        assert (done.exit_code, done.stdout) == (1, "")
        assert said in done.stderr
    taken = tmp_path / "taken.json"
    taken.write_text(json.dumps({"key": "of another kernel"}))
    with on_screen("-k", "far") as first:
        file = file_on(first)
        done = invoked("attach", "far", "--connection-file", str(taken))
        assert (done.exit_code, done.stdout) == (1, "")
        assert "the kernel that runs has another key" in done.stderr
        with client_of(file) as client:
            assert evaluated(client, "print(1)") == "1"
        first.type("\x04\n")
        assert first.finish() == 0
    assert taken.read_text() == json.dumps({"key": "of another kernel"})
