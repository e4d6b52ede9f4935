"""``sshpyk delete``: what is ours goes, all or nothing is asked for, the rest is left alone."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from support.invoked import invoked
from support.kernels import install_spec
from support.local import LocalSide
from support.require import require_modes_that_count
from support.screen import SSHPYK, Screen, in_a_pipe


def own(local: LocalSide, *names: str) -> list[Path]:
    """Write kernel specs of ours."""
    return [install_spec(local.data_dir, name, {"ssh_host_alias": "lab"}) for name in names]


def foreign(local: LocalSide, name: str, text: str = '{"argv": ["x"]}') -> Path:
    """Write a kernel spec of another tool."""
    directory = local.data_dir / "kernels" / name
    directory.mkdir(parents=True)
    (directory / "kernel.json").write_text(text)
    return directory


@pytest.mark.parametrize("columns", [60, 100])
def test_it_asks_once_for_all_of_them(local: LocalSide, columns: int) -> None:
    one, two, kept = own(local, "one", "two", "kept")
    with Screen("delete", "one", "TWO", columns=columns, NO_COLOR="1") as screen:
        screen.wait_for("Remove these 2 kernel specs? [y/N]:")
        assert one.is_dir()
        screen.type("y\r")
        assert screen.finish() == 0
        assert "one is removed." in screen.text
        assert "two is removed." in screen.text
        assert b"\x1b[3" not in screen.raw
    assert [one.exists(), two.exists(), kept.exists()] == [False, False, True]
    assert sorted(os.listdir(local.data_dir / "kernels")) == ["kept"]


@pytest.mark.parametrize(("keys", "status"), [("n\r", 1), ("\r", 1), ("\x03", 130), ("\x04", 130)])
def test_anything_but_yes_removes_nothing(local: LocalSide, keys: str, status: int) -> None:
    (one,) = own(local, "one")
    with Screen("delete", "one") as screen:
        screen.wait_for("Remove this kernel spec? [y/N]:")
        screen.type(keys)
        assert screen.finish() == status
        assert ("Nothing was removed." if status == 1 else "Interrupted.") in screen.text
    assert one.is_dir()


def test_without_a_terminal_it_wants_to_be_told(local: LocalSide) -> None:
    (one,) = own(local, "one")
    done = in_a_pipe("delete", "one")
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr == "Error: There is no terminal to ask on: say -y to remove without asking.\n"
    )
    assert one.is_dir()
    done = invoked("delete", "-y", "one", "one", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "removed": [{"name": "one", "directory": str(one)}],
        "failed": [],
    }
    assert not one.exists()


def test_every_wrong_name_is_told_before_anything_goes(local: LocalSide) -> None:
    (one,) = own(local, "one")
    other = foreign(local, "other")
    broken = foreign(local, "broken", "{")
    done = invoked("delete", "-y", "one", "other", "nothing", "broken", "a/b")
    assert (done.exit_code, done.stdout) == (1, "")
    for said in (
        f"The kernel spec other ({other}) is not one of sshpyk: it is left alone.",
        "There is no kernel spec 'nothing'. Those of sshpyk are: one.",
        f"{broken}/kernel.json cannot be read",
        "There is no kernel spec 'a/b'.",
        "Nothing was removed.",
    ):
        assert said in done.stderr
    assert [one.is_dir(), other.is_dir(), broken.is_dir()] == [True] * 3


def test_no_name_is_no_command_line() -> None:
    assert invoked("delete").exit_code == 2


def test_what_could_not_be_removed_is_told_and_the_rest_is_gone(
    local: LocalSide, tmp_path: Path
) -> None:
    (one,) = own(local, "one")
    stuck = install_spec(tmp_path, "stuck", {"ssh_host_alias": "lab"})
    stuck.parent.chmod(0o555)
    try:
        done = subprocess.run(
            [*require_modes_that_count(), *SSHPYK, "delete", "-y", "one", "stuck"],
            env={**os.environ, "JUPYTER_PATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        stuck.parent.chmod(0o755)
    assert done.returncode == 1
    assert "one is removed." in done.stdout
    assert "Could not remove the kernel spec" in done.stderr
    assert not one.exists()
    assert os.listdir(stuck.parent) == ["stuck"]


def test_a_spec_that_comes_to_light_is_told(local: LocalSide, tmp_path: Path) -> None:
    install_spec(tmp_path, "one", {"ssh_host_alias": "lab"})
    below = foreign(local, "one")
    done = invoked("delete", "-y", "one", JUPYTER_PATH=str(tmp_path))
    assert f"one is now the one in {below}" in done.stdout
