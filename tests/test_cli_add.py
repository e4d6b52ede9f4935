"""``sshpyk add`` on a host with environments of several tools: what a person sees and gets."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ipykernel.kernelspec import get_kernel_dict
from sshpyk_core.cli import main
from sshpyk_core.kernelspecs import kernel_argv
from sshpyk_core.link.link import Link
from support import environments, kernels, processes, tools
from support.far import FarSide
from support.invoked import runner
from support.kernels import execute
from support.local import LocalSide
from support.managers import started
from support.screen import Screen, in_a_pipe
from support.sshd import SSHServer

ESCAPE = "\x1b"
LOGOS = ["logo-32x32.png", "logo-64x64.png", "logo-svg.svg"]
NAMES = {
    "ssh_remote_analysis_python3",
    "ssh_remote_data_python3",
    "ssh_remote_ir",
    "ssh_remote_work_python3",
}


@pytest.fixture(scope="module")
def lab() -> Iterator[SSHServer]:
    """Give a host with environments of venv, uv and conda, one of them without ipykernel, and R."""
    server = SSHServer(loud=True)
    try:
        home = server.home
        tools.venv(home, "work")
        tools.uv_environment(home, "analysis")
        root = tools.conda_root(home)
        tools.conda_environment(root, "data")
        kernels.remote_ir_kernel(home, display_name="R", interrupt_mode="signal")
        server.start()
        yield server
    finally:
        left = server.close()
    assert left == []


def flags(server: SSHServer) -> list[str]:
    """Give the words that lead to a host."""
    return [server.alias, "--ssh-config", str(server.ssh_config)]


def specs(local: LocalSide) -> dict[str, dict[str, Any]]:
    """Read the kernel specs that were written, by name."""
    found = (local.data_dir / "kernels").glob("*/kernel.json")
    return {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in found}


def stanza(spec: dict[str, Any]) -> dict[str, Any]:
    """Give the config of one of ours."""
    provisioner = spec["metadata"]["kernel_provisioner"]
    assert provisioner["provisioner_name"] == "sshpyk-provisioner"
    config: dict[str, Any] = provisioner["config"]
    return config


def listed_by_jupyter() -> set[str]:
    """Give the kernels that ``jupyter kernelspec list`` knows."""
    command = [sys.executable, "-m", "jupyter_client.kernelspecapp", "list", "--json"]
    done = subprocess.run(command, capture_output=True, check=True)
    return set(json.loads(done.stdout)["kernelspecs"])


def number_of(screen: Screen, kernel: str) -> str:
    """Find the number that the table gives a kernel."""
    found = re.search(rf"^ *(\d+)  {re.escape(kernel)} ", screen.text, re.M)
    assert found, screen.text
    return found[1]


def test_a_person_picks_and_finds_what_was_picked(lab: SSHServer, local: LocalSide) -> None:
    python = "{}.{}".format(*sys.version_info)
    with Screen("add", *flags(lab)) as screen:
        screen.wait_for("[all]:")
        assert "Kernels on remote:" in screen.text
        assert re.search(rf"Python {python} \(data\) +python3 +conda$", screen.text, re.M)
        assert re.search(rf"Python {python} \(analysis\) +python3 +uv$", screen.text, re.M)
        assert re.search(r"R +ir +user$", screen.text, re.M)
        screen.type("zero\n")
        screen.wait_for("'zero' is no number")
        screen.type("999\n")
        screen.wait_for("the numbers go from 1 to ")
        wanted = [number_of(screen, "R"), number_of(screen, f"Python {python} (work)")]
        screen.type(",".join(wanted) + "\n")
        assert screen.finish() == 0
        assert f"added: Python {python} (work) on remote" in screen.text
        assert str(local.data_dir / "kernels/ssh_remote_work_python3") in screen.text
        assert 'Next: jupyter lab, and choose "' in screen.text
        assert b"Looking for kernels on remote" in screen.raw
        assert "condabin/conda install -y -p" in screen.text.replace("\n", "")
    written = specs(local)
    assert set(written) == {"ssh_remote_ir", "ssh_remote_work_python3"}
    work = written["ssh_remote_work_python3"]
    assert (work["argv"], work["language"]) == (kernel_argv("ssh_remote_work_python3"), "python")
    assert work["display_name"] == f"Python {python} (work) on remote"
    assert work["interrupt_mode"] == "signal"
    assert work["metadata"]["debugger"] is True
    own = get_kernel_dict()["metadata"]  # what it says beyond that depends on the release
    assert work["metadata"] == {**own, "kernel_provisioner": work["metadata"]["kernel_provisioner"]}
    assert stanza(work) == {
        "ssh_host_alias": "remote",
        "ssh_config": str(lab.ssh_config),
        "remote_python": str(lab.home / "venvs/work/bin/python"),
        "remote_kernel_name": "python3",
    }
    assert written["ssh_remote_ir"]["display_name"] == "R on remote"
    assert written["ssh_remote_ir"]["language"] == "R"
    assert stanza(written["ssh_remote_ir"])["remote_python"] == "auto"
    folder = local.data_dir / "kernels/ssh_remote_work_python3"
    assert sorted(path.name for path in folder.glob("logo*")) == LOGOS
    original = tools.SPEC / "logo-svg.svg"
    assert (folder / "logo-svg.svg").read_bytes() == original.read_bytes()


async def test_all_are_added_without_a_terminal_and_each_starts(
    lab: SSHServer, local: LocalSide
) -> None:
    done = in_a_pipe("add", *flags(lab), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {each["name"] for each in told["kernels"]} >= NAMES
    assert {each["status"] for each in told["kernels"]} == {"added"}
    assert told["checked"] is True
    (bare,) = [each for each in told["without_ipykernel"] if each["kind"] == "conda"]
    assert bare["environment"] == "base"
    assert bare["install"].startswith(f"ssh -F {lab.ssh_config} remote '{lab.home}/miniforge3/")
    assert listed_by_jupyter() >= NAMES
    prefixes = {
        "ssh_remote_analysis_python3": lab.home / "analysis/.venv",
        "ssh_remote_data_python3": lab.home / "miniforge3/envs/data",
        "ssh_remote_work_python3": lab.home / "venvs/work",
    }
    for name, prefix in prefixes.items():
        async with started(name) as (_, client):
            assert (await execute(client, "import sys; print(sys.prefix)")).text == f"{prefix}\n"
    async with started("ssh_remote_ir") as (_, client):
        assert (await execute(client, "cat(1 + 1)")).text == "2"
    assert FarSide(lab, local).left_behind() == []


def test_what_is_there_already_is_marked_and_left(lab: SSHServer, local: LocalSide) -> None:
    folder = local.data_dir / "kernels"
    only = ["--remote-kernel-name", "ir"]
    assert runner().invoke(main, ["add", *flags(lab), *only]).exit_code == 0
    (folder / "ssh_remote_ir").rename(folder / "mine")
    before = (folder / "mine/kernel.json").stat()
    with Screen("add", *flags(lab), columns=60, NO_COLOR="1") as screen:
        screen.wait_for("[all]:")
        assert re.search(r"R +ir +user +already there$", screen.text, re.M)
        assert max(map(len, screen.text.splitlines())) <= 60
        screen.type("\n")
        assert screen.finish() == 0
        assert "already there: R on remote" in screen.text
        assert not re.search(rb"\x1b\[(\d+;)*3\d(;\d+)*m", screen.raw)
    assert set(specs(local)) >= {*NAMES - {"ssh_remote_ir"}, "mine"}
    assert "ssh_remote_ir" not in specs(local)
    assert (folder / "mine/kernel.json").stat().st_mtime_ns == before.st_mtime_ns
    again = in_a_pipe("add", *flags(lab), COLUMNS="60")
    assert again.returncode == 0
    assert again.stdout.count("already there: ") == len(specs(local))
    assert ESCAPE not in again.stdout + again.stderr
    assert max(map(len, re.sub(r"/\S+|ssh -F.*", "", again.stdout).splitlines())) <= 60


def test_none_adds_nothing_and_is_no_error(lab: SSHServer, local: LocalSide) -> None:
    with Screen("add", *flags(lab)) as screen:
        screen.wait_for("[all]:")
        screen.type("none\n")
        assert screen.finish() == 0
        assert "Nothing was added." in screen.text
    assert specs(local) == {}


@pytest.mark.parametrize(("key", "status"), [("\x03", 130), ("\x04", 1)], ids=["ctrl-c", "eof"])
def test_who_leaves_the_question_adds_nothing(
    lab: SSHServer, local: LocalSide, key: str, status: int
) -> None:
    with Screen("add", *flags(lab)) as screen:
        screen.wait_for("[all]:")
        screen.type(key)
        assert screen.finish() == status
        assert "Traceback" not in screen.text
    assert specs(local) == {}


def test_flags_become_keys_of_the_kernel_spec(lab: SSHServer, local: LocalSide) -> None:
    done = runner().invoke(
        main,
        [
            *("add", "--ssh-host-alias", lab.alias, "--ssh-config", str(lab.ssh_config)),
            *("--remote-python-prefix", "~/venvs/work", "--kernel-name", "Mine"),
            *("--display-name", "My own", "--launch-timeout", "60", "--shutdown-timeout", "2.5"),
            *("--remote-cwd", "~/x", "--env", "A=1", "--env", "B=two=2", "--persistent"),
            *("--remote-precmd", "module load x", "--channels", "forward", "--language", "Py"),
            *("--transport", "openssh", "--transport-option", "verbose=1"),
            *("--remote-pythonhome", "/p", "--remote-kernel-pythonhome", "/k"),
        ],
    )
    assert done.exit_code == 0, done.output
    spec = specs(local)["mine"]
    assert (spec["display_name"], spec["language"]) == ("My own", "Py")
    assert stanza(spec) == {
        "ssh_host_alias": "remote",
        "ssh_config": str(lab.ssh_config),
        "transport_options": {"verbose": 1},
        "remote_python": "~/venvs/work/bin/python",
        "remote_kernel_name": "python3",
        "launch_timeout": 60,
        "shutdown_time": 2.5,
        "remote_cwd": "~/x",
        "env": {"A": "1", "B": "two=2"},
        "persistent": True,
        "remote_precmd": "module load x",
        "channels": "forward",
        "remote_pythonhome": "/p",
        "remote_kernel_pythonhome": "/k",
    }


async def test_a_kernel_is_added_over_any_transport(far: FarSide) -> None:
    words = [far.server.alias, "--ssh-config", str(far.server.ssh_config)]
    words += ["--transport", far.way.transport, "--remote-kernel-name", "python3"]
    words += ["--remote-python", "auto", "--kernel-name", "added"]
    done = in_a_pipe("add", *words)
    assert done.returncode == 0, done.stderr
    config = stanza(specs(far.local)["added"])
    assert config.get("transport", "openssh") == far.way.transport
    async with started("added") as (_, client):
        assert (await execute(client, "print(1)")).text == "1\n"


def test_a_kernel_added_again_keeps_its_name(lab: SSHServer, local: LocalSide) -> None:
    one = ["add", *flags(lab), "--remote-python", "~/venvs/work/bin/python"]

    def run(*more: str) -> str:
        done = runner().invoke(main, [*one, *more])
        said = done.stdout + done.stderr
        assert done.exit_code == (1 if "is there already with" in said else 0), said
        return said

    assert "added: " in run()
    assert "already there: " in run()
    assert "is there already with other settings" in run("--remote-cwd", "~/x")
    assert "remote_cwd" not in stanza(specs(local)["ssh_remote_work_python3"])
    assert "added: " in run("--remote-cwd", "~/x", "--replace")
    assert list(specs(local)) == ["ssh_remote_work_python3"]
    assert stanza(specs(local)["ssh_remote_work_python3"])["remote_cwd"] == "~/x"


def test_dry_run_and_json_tell_what_the_help_describes(lab: SSHServer, local: LocalSide) -> None:
    done = runner().invoke(main, ["add", *flags(lab), "--dry-run", "--json"])
    assert done.exit_code == 0
    assert {each["status"] for each in json.loads(done.stdout)["kernels"]} == {"new"}
    assert specs(local) == {}

    def words(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set(value).union(*map(words, value.values()))
        return set().union(*map(words, value)) if isinstance(value, list) else set()

    text = runner().invoke(main, ["add", "--help"]).output
    assert words(json.loads(done.stdout)) <= set(re.findall(r"\w+", text))
    shown = runner().invoke(main, ["add", *flags(lab), "--dry-run"]).stdout
    assert "R on remote: new" in shown


@pytest.mark.others
@pytest.mark.parametrize("where", ["--sys-prefix", "--prefix"])
def test_the_place_can_be_chosen(
    lab: SSHServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    place = [where] if where == "--sys-prefix" else [where, str(tmp_path)]
    command = ["add", *flags(lab), "--remote-kernel-name", "IR", *place]
    assert runner().invoke(main, command).exit_code == 0
    assert (tmp_path / "share/jupyter/kernels/ssh_remote_ir/kernel.json").is_file()
    again = runner().invoke(main, command)
    assert "already there: R on remote" in again.output


def test_ten_environments_take_one_exec_channel_and_two_requests(
    make_sshd: Any, local: LocalSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = make_sshd()
    for number in range(10):
        root = environments.environment(server.home / f"venvs/e{number}")
        tools.give_ipykernel(root)
    assert runner().invoke(main, ["add", *flags(server), "--dry-run"]).exit_code == 0
    asked: list[str] = []
    request = Link.request

    def counted(self: Link, do: str, **fields: Any) -> Any:
        asked.append(do)
        return request(self, do, **fields)

    monkeypatch.setattr(Link, "request", counted)
    before = server.sessions()
    done = runner().invoke(main, ["add", *flags(server)])
    assert done.exit_code == 0, done.output
    assert set(specs(local)) >= {f"ssh_remote_e{number}_python3" for number in range(10)}
    assert asked == ["survey", "resources"]
    assert server.sessions() - before == 1
    assert processes.wait_gone(server.processes, 5) == []
