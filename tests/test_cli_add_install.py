"""``sshpyk add --install-ipykernel``: the host's own tools do it, and their words are seen."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from sshpyk_core.cli import main
from support import processes, tools
from support.invoked import runner
from support.local import LocalSide
from support.screen import Screen
from support.scripts import script
from support.sshd import SSHServer


def flags(server: SSHServer) -> list[str]:
    """Give the words that lead to a host."""
    return [server.alias, "--ssh-config", str(server.ssh_config)]


def written(local: LocalSide) -> list[str]:
    """Name what lies where kernel specs do."""
    folder = local.data_dir / "kernels"
    return sorted(os.listdir(folder)) if folder.is_dir() else []


def test_pip_is_run_where_ipykernel_is_missing(
    sshd: SSHServer, local: LocalSide, tmp_path: Path
) -> None:
    environment = tools.venv(sshd.home, "bare", ipykernel=False)
    tools.give_pip(environment)
    tools.use_wheels_of(sshd.home, tmp_path / "wheels")
    python = str(environment / "bin/python")
    one = ["add", *flags(sshd), "--remote-python", python]
    offered = runner().invoke(main, one)
    assert offered.exit_code == 1
    command = f"ssh -F {sshd.ssh_config} remote '{python} -m pip install ipykernel'"
    assert f"the host has no kernel of {python}" in offered.stderr
    assert f"    {command}\n" in offered.stderr
    again = f"sshpyk add remote --ssh-config {sshd.ssh_config} --install-ipykernel"
    assert f"{again} --remote-python {python}" in offered.stderr
    assert written(local) == []
    tools.ipykernel_wheel(tmp_path / "wheels")
    with Screen(*one, "--install-ipykernel", columns=200) as screen:
        assert screen.finish() == 0, screen.text
        assert f"remote$ {python} -m pip install ipykernel" in screen.text
        assert "  Successfully installed ipykernel-99.0" in screen.text
        assert f"added: Python {sys.version_info[0]}.{sys.version_info[1]} (bare)" in screen.text
    assert written(local) == ["ssh_remote_bare_python3"]


@pytest.mark.others
def test_where_nothing_can_be_installed_the_way_to_an_environment_is_told(
    sshd: SSHServer, local: LocalSide
) -> None:
    python = str(tools.venv(sshd.home, "bare", ipykernel=False) / "bin/python")
    for flag in ([], ["--install-ipykernel"]):
        done = runner().invoke(main, ["add", *flags(sshd), "--remote-python", python, *flag])
        assert done.exit_code == 1
        assert "python3 -m venv ~/.venvs/work" in done.stderr
    assert "there is no pip, uv or conda for it" in done.stderr
    assert written(local) == []


def test_a_failed_installation_is_told_in_its_own_words(sshd: SSHServer, local: LocalSide) -> None:
    root = tools.conda_root(sshd.home)
    script(root / "condabin/conda", "#!/bin/sh\nprintf 'no \\033[31mroom\\n' >&2; exit 3\n")
    with Screen("add", *flags(sshd), "--install-ipykernel", columns=300) as screen:
        assert screen.finish() == 1
        assert "  no ?[31mroom" in screen.text
        assert "could not install ipykernel for Python" in screen.text
        assert "ended with status 3: no ?[31mroom" in screen.text
        assert f"Try it by hand: ssh -F {sshd.ssh_config} remote '" in screen.text
    assert b"\x1b[31mroom" not in screen.raw
    assert written(local) == []


def test_ctrl_c_stops_an_installation(sshd: SSHServer, local: LocalSide) -> None:
    root = tools.conda_root(sshd.home)
    script(root / "condabin/conda", "#!/bin/sh\necho thinking\nexec sleep 20\n")
    with Screen("add", *flags(sshd), "--install-ipykernel") as screen:
        screen.wait_for("  thinking")
        screen.press_ctrl_c()
        assert screen.finish() == 130
    assert processes.wait_gone(sshd.processes, 5) == []
    assert written(local) == []


@pytest.mark.others
def test_several_are_not_installed_into_unless_told(sshd: SSHServer, local: LocalSide) -> None:
    root = tools.conda_root(sshd.home)
    tools.conda_environment(root, "data", ipykernel=False)
    done = runner().invoke(main, ["add", *flags(sshd), "--install-ipykernel"])
    assert done.exit_code == 1
    assert "2 interpreters lack it" in done.stderr
    assert f"  --remote-python {root}/envs/data/bin/python\n" in done.stderr
    every = runner().invoke(main, ["add", *flags(sshd), "--install-ipykernel", "--all"])
    assert every.stderr.count("  conda: install -y -p ") == 2
