"""Kernels that stay when ``sshpyk-kernel`` ends, and are had again by their file, ID or name."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.far import OVER_SSH, FarSide, state_of
from support.invoked import invoked
from support.kernel_app import (
    client_of,
    complaint,
    evaluated,
    file_of,
    file_on,
    holding,
    on_screen,
)
from support.managers import started

pytestmark = pytest.mark.ways(servers=["sshd"], why="these are programs, whatever the server")
over_openssh = pytest.mark.parametrize("way", [OVER_SSH], ids=str)


def test_kernel_that_stays_is_had_again_by_its_file(far: FarSide, tmp_path: Path) -> None:
    note = tmp_path / "note.json"
    with holding("-k", "far", "--persistent-file", str(note)) as process:
        with client_of(file_of(process)) as client:
            evaluated(client, "x = 42")
            key = client.session.key.decode()
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert f"again     sshpyk-kernel --existing {note}" in output
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    assert key not in note.read_text()

    with holding("--existing", str(note)) as process:
        with client_of(file_of(process)) as client:
            assert evaluated(client, "print(x)") == "42"
            process.send_signal(signal.SIGHUP)
        process.communicate(timeout=30)
    assert (process.returncode, note.exists()) == (0, True)

    with on_screen("-e", str(note)) as screen, client_of(file_on(screen)) as client:
        assert evaluated(client, "print(x)") == "42"
        screen.type("\x04r\n")
        screen.wait_for("was restarted")
        screen.process.send_signal(signal.SIGUSR2)
        assert screen.finish() == 0
    assert not note.exists()
    assert far.left_behind() == []


@over_openssh
def test_kernel_that_was_left_is_had_again_by_its_id_and_by_its_file(
    far: FarSide,
) -> None:
    with on_screen("-k", "far") as screen:
        with client_of(file_on(screen)) as client:
            evaluated(client, "x = 42")
        screen.type("\x1c")
        assert screen.finish() == 0
        assert "was left running." in screen.text
    (note,) = far.local.runtime_dir.glob("sshpyk-kernel-*.json")
    (supervisor,) = far.supervisors()
    with holding("-k", "far", "-e", supervisor.name[:12]) as process:
        with client_of(file_of(process)) as client:
            assert evaluated(client, "print(x)") == "42"
        process.send_signal(signal.SIGQUIT)
        process.communicate(timeout=30)
        assert process.returncode == 0
    with holding("--existing", note.name) as process, client_of(file_of(process)) as client:
        client.execute("import os; os._exit(3)")
        process.communicate(timeout=30)
    assert (process.returncode, note.exists()) == (3, False)
    assert far.left_behind() == []


@over_openssh
def test_kernel_that_is_stopped_takes_the_file_along_that_leads_to_it(far: FarSide) -> None:
    with holding("-k", "far", "--leave") as process:
        process.communicate(timeout=60)
    (note,) = far.local.runtime_dir.glob("sshpyk-kernel-*.json")
    (supervisor,) = far.supervisors()
    assert invoked("stop", "-y", supervisor.name[:12]).exit_code == 0
    assert not note.exists()
    assert far.left_behind() == []


@over_openssh
async def test_file_that_a_kernel_spec_wants_is_there_as_long_as_its_kernel(far: FarSide) -> None:
    far.install("noted", persistent_file="note.json")
    note = far.local.runtime_dir / "note.json"
    async with started("noted") as (manager, _client):
        (supervisor,) = far.supervisors()
        assert json.loads(note.read_text())["supervisor"] == supervisor.name
        await manager.shutdown_kernel()
        assert not note.exists()
    assert await asyncio.to_thread(far.left_behind) == []


def changed(**values: Any) -> Callable[[dict[str, Any]], str]:
    """Change what a file says that leads to a kernel."""
    return lambda content: json.dumps({**content, **values})


def gone(_content: dict[str, Any]) -> str:
    return ""


OTHERS = {
    "is not there": gone,
    "holds no JSON": lambda content: "{",
    "leads to a kernel of 'somebody@there'": changed(owner="somebody@there"),
    "has version 2": changed(version=2),
    "is of sshpyk 1.x": lambda content: json.dumps({"rem_pid_k": 1, "rem_conn_info": {}}),
    "leads to a kernel on 'elsewhere'": changed(machine="another", host="elsewhere"),
}


@over_openssh
def test_file_that_does_not_lead_to_the_kernel_is_told_and_changes_nothing(
    far: FarSide, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note, bad = tmp_path / "note.json", tmp_path / "bad.json"
    with holding("-k", "far", "-f", str(note), "--leave") as process:
        process.communicate(timeout=60)
    content = json.loads(note.read_text())
    for said, spoil in OTHERS.items():
        bad.write_text(spoil(content))
        if spoil is gone:
            bad.unlink()
        before = bad.read_bytes() if bad.exists() else None
        status, errors = complaint(capsys, "--existing", str(bad))
        assert (status, said in errors) == (1, True), errors
        assert (bad.read_bytes() if bad.exists() else None) == before
    status, errors = complaint(capsys, "--existing", "nosuch")
    assert (status, "neither a kernel spec of sshpyk nor the ID" in errors) == (1, True), errors
    assert far.supervisors() == [Path(content["directory"])]

    os.kill(state_of(far.supervisors()[0])["pid"], signal.SIGKILL)
    assert far.left_behind() == []
    status, errors = complaint(capsys, "--existing", str(note))
    assert (status, "its supervisor has ended" in errors) == (1, True), errors
    assert json.loads(note.read_text()) == content
