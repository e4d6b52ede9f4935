"""``sshpyk import``: kernel specs of other tools become ours, or it is said why not."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sshpyk_core.cli.importing import remote_ikernel, ssh_ipykernel
from sshpyk_core.cli.importing.translation import NotImportable
from sshpyk_core.config import KernelConfig
from sshpyk_core.kernelspecs import find_ours, kernel_argv
from support.far import OVER_SSH, FarSide
from support.invoked import invoked
from support.kernels import execute, install_spec
from support.local import LocalSide
from support.managers import started
from support.require import require_modes_that_count
from support.screen import SSHPYK, Screen

IPYTHON = "ipython kernel -f {host_connection_file}"
KERNEL_APP = ["/x/bin/sshpyk-kernel", "--SSHKernelApp.connection_file={connection_file}"]


def rik(*arguments: str, command: str = IPYTHON) -> list[str]:
    """Give the argv of a kernel spec of remote_ikernel."""
    tail = ["--kernel_cmd", command, "{connection_file}"]
    return ["/usr/bin/python", "-m", "remote_ikernel", *arguments, *tail]


def over_ssh(*arguments: str, command: str = IPYTHON) -> list[str]:
    """Give the same over SSH to the host lab."""
    return rik("--interface", "ssh", "--host", "lab", *arguments, command=command)


def ssh_ipy(*arguments: str, python: str = "/opt/env", host: str = "lab") -> list[str]:
    """Give the argv of a kernel spec of ssh_ipykernel."""
    start = ["/usr/bin/python", "-m", "ssh_ipykernel", "--host", host, "--python", python]
    return [*start, *arguments, "-f", "{connection_file}"]


def write(local: LocalSide, name: str, argv: list[str], **more: Any) -> Path:
    """Write a kernel spec of another tool with a logo; give its kernel.json."""
    directory = local.data_dir / "kernels" / name
    directory.mkdir(parents=True)
    (directory / "logo-64x64.png").write_bytes(b"logo")
    file = directory / "kernel.json"
    file.write_text(json.dumps({"argv": argv, "display_name": name.upper(), **more}))
    return file


def old(local: LocalSide, name: str = "old", **config: Any) -> Path:
    """Write a kernel spec as sshpyk 1.x did; give its kernel.json."""
    stanza = {
        "ssh_host_alias": "lab",
        "remote_python": "/opt/env/bin/python",
        "shutdown_timeout": 15,
        "ssh": None,
        "ssh_verbose": "vv",
        "persistent": False,
        "persistent_file": "",
        "existing": "",
        "raise_on_ssh_config_error": False,
        "independent_local_processes": True,
        **config,
    }
    return install_spec(local.data_dir, name, stanza, argv=KERNEL_APP) / "kernel.json"


# What becomes of arguments


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (over_ssh(), {"remote_python": "auto"}),
        (
            over_ssh("--workdir", "~/work", "--verbose", command="/e/bin/ipython3 kernel -f {f}"),
            {"remote_python": "/e/bin/python3", "remote_cwd": "~/work"},
        ),
        (
            over_ssh("--workdir", "work", command="/e/bin/python3.11 -m ipykernel -f {f}"),
            {"remote_python": "/e/bin/python3.11", "remote_cwd": "~/work"},
        ),
        (
            over_ssh("--precmd", "ml gcc", command="~/e/bin/python -m IPython kernel -f {f}"),
            {"remote_python": "~/e/bin/python", "remote_precmd": "ml gcc"},
        ),
        (over_ssh(command="python3 -m ipykernel_launcher -f {f}"), {"remote_python": "python3"}),
        (rik("--interface", "local", "--tunnel-hosts", "lab"), {"remote_python": "auto"}),
        (rik("--tunnel-hosts", "lab", "--cpus", "4"), {"remote_python": "auto"}),
    ],
)  # fmt: skip
def test_what_remote_ikernel_says_in_our_words(argv: list[str], expected: dict[str, Any]) -> None:
    argv = [word.replace("{f}", "{host_connection_file}") for word in argv]
    translation = remote_ikernel.translated({"argv": argv})
    assert translation is not None
    wanted = {"ssh_host_alias": "lab", "remote_kernel_name": "python3", **expected}
    assert translation.stanza == wanted
    KernelConfig.parse(translation.stanza)


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        *(
            (rik("--interface", kind), f"as a job of {name}, and sshpyk starts kernels over SSH")
            for kind, name in remote_ikernel._BATCH_SYSTEMS.items()
        ),
        (rik("--interface", "local"), "on this machine, without SSH"),
        (rik("--interface", "ssh"), "it names no host"),
        (rik("--interface", "ssh", "--host", "lab:2222"), "sshpyk config lab --port 2222 --write"),
        (over_ssh("--tunnel-hosts", "a", "b"), "sshpyk config lab --proxy-jump a,b --write"),
        (rik("--tunnel-hosts", "a", "lab"), "sshpyk config lab --proxy-jump a --write"),
        (over_ssh("--launch-args", "-o Port=7 -A"), "belongs into the ssh config"),
        (over_ssh("--launch-cmd", "myssh"), "belongs into the ssh config"),
        (over_ssh(command="R --slave -e x --args {host_connection_file}"), "sshpyk add lab"),
        (over_ssh(command="python2 -m ipykernel -f {host_connection_file}"), "sshpyk add lab"),
        (over_ssh(command="python -m other -f {host_connection_file}"), "sshpyk add lab"),
        (over_ssh(command=IPYTHON + " --pylab"), "arguments of its own"),
        (over_ssh(command="ipython kernel"), "arguments of its own"),
        (over_ssh(command="$HOME/e/" + IPYTHON), "shell syntax"),
        (over_ssh(command="e/bin/" + IPYTHON), "a relative path"),
        (over_ssh(command="'"), "No closing quotation"),
        (over_ssh(command=""), "the command is empty"),
        (over_ssh("--precmd", "conda activate x"), "its precmd decides which program ipython is"),
        (over_ssh("--workdir", "$SCRATCH/x"), "its workdir '$SCRATCH/x' holds shell syntax"),
        (over_ssh("--hots", "x"), "unrecognized arguments"),
        (over_ssh("--cpus", "many"), "invalid int value"),
        (over_ssh()[:-1], "the following arguments are required"),
        ([*over_ssh()[:-1], "/tmp/x.json"], "{connection_file}"),
    ],
)  # fmt: skip
def test_why_remote_ikernel_cannot_be_imported(argv: list[str], reason: str) -> None:
    with pytest.raises(NotImportable) as refused:
        remote_ikernel.translated({"argv": argv})
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (ssh_ipy("--timeout", "5"), {}),
        (ssh_ipy("-t", "90", "--session", "--echo"), {"launch_timeout": 90}),
        (ssh_ipy(python="/opt/env/bin/python3"), {"remote_python": "/opt/env/bin/python3"}),
        (ssh_ipy(python="miniforge3/envs/x/"), {"remote_python": "~/miniforge3/envs/x/bin/python"}),
        (ssh_ipy("--env", "A=b C='d e'"), {"env": {"A": "b", "C": "d e"}}),
        (ssh_ipy("-e", "A=b", "P=$HOME/x:${P}"), {"env": {"A": "b", "P": "${HOME}/x:${P}"}}),
    ],
)
def test_what_ssh_ipykernel_says_in_our_words(argv: list[str], expected: dict[str, Any]) -> None:
    translation = ssh_ipykernel.translated({"argv": argv})
    assert translation is not None
    wanted = {"ssh_host_alias": "lab", "remote_kernel_name": "python3"}
    assert translation.stanza == {**wanted, "remote_python": "/opt/env/bin/python", **expected}
    KernelConfig.parse(translation.stanza)


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (ssh_ipy("--sudo"), "as root with sudo"),
        (ssh_ipy("-s"), "as root with sudo"),
        (ssh_ipy("--env", "A=$(date)"), "its --env holds shell syntax"),
        (ssh_ipy("--env", "A=~/x"), "its --env holds shell syntax"),
        (ssh_ipy("--env", "A"), "NAME=VALUE"),
        (ssh_ipy("--env", "A='"), "its --env cannot be read"),
        (ssh_ipy(python="~other/env"), "holds shell syntax"),
        (ssh_ipy("--timeout", "soon"), "invalid int value"),
        (ssh_ipy("--verbose"), "unrecognized arguments"),
        (ssh_ipy()[:-2], "required: --file/-f"),
    ],
)
def test_why_ssh_ipykernel_cannot_be_imported(argv: list[str], reason: str) -> None:
    with pytest.raises(NotImportable) as refused:
        ssh_ipykernel.translated({"argv": argv})
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "argv", [None, "python -m remote_ikernel", [3], ["-m", "remote_ikernel"], ["R", "-m", "other"]]
)
def test_what_is_of_no_such_tool_is_not_looked_at(argv: object) -> None:
    assert remote_ikernel.translated({"argv": argv}) is None
    assert ssh_ipykernel.translated({"argv": argv}) is None


# The command


def test_an_old_one_gets_the_keys_of_today_and_means_the_same(local: LocalSide) -> None:
    file = old(local)
    before = find_ours("old")
    done = invoked("import", "-y", "OLD")
    assert done.exit_code == 0, done.stderr
    after = find_ours("old")
    assert after.config() == before.config()
    assert after.config().notices == ()
    assert after.stanza == {
        "ssh_host_alias": "lab",
        "remote_python": "/opt/env/bin/python",
        "shutdown_time": 15,
        "transport_options": {"verbose": 2},
    }
    assert after.content["argv"] == kernel_argv("old")
    assert json.loads((file.parent / "kernel.json.bak-1").read_text()) == before.content
    again = invoked("import", "-y", "old")
    assert (again.exit_code, again.stdout) == (0, "✓ old: nothing needs to change.\n")
    assert sorted(os.listdir(file.parent)) == ["kernel.json", "kernel.json.bak-1"]


def test_one_of_today_needs_nothing(local: LocalSide) -> None:
    install_spec(local.data_dir, "new", {"ssh_host_alias": "lab", "ssh": None})
    done = invoked("import", "-y", "--json")
    assert (done.exit_code, json.loads(done.stdout)["kernels"][0]["state"]) == (0, "unchanged")
    assert invoked("import").stdout == "There is nothing to import.\n"


@pytest.mark.parametrize("spoil", ["gone", "renamed"])
def test_argv_that_starts_nothing_is_told_and_written_anew(local: LocalSide, spoil: str) -> None:
    argv = kernel_argv("other" if spoil == "renamed" else "new")
    argv[0] = "/gone/bin/python" if spoil == "gone" else argv[0]
    install_spec(local.data_dir, "new", {"ssh_host_alias": "no-such-host.invalid"}, argv=argv)
    shown = " ".join(invoked("list", "--remote", "--timeout", "1").stdout.split())
    assert "so only Jupyter's own programs can start it" in shown
    assert "`sshpyk import new`" in shown
    assert invoked("import", "-y", "new").exit_code == 0
    assert find_ours("new").content["argv"] == kernel_argv("new")
    assert invoked("import").stdout == "There is nothing to import.\n"


def test_everything_beside_the_command_stays_and_copies_pile_up(local: LocalSide) -> None:
    file = write(
        local,
        "rik_ssh_lab",
        over_ssh(),
        language="python",
        metadata={"x": 1},
        env={"LOCAL": "secret"},
        remote_ikernel_argv=["x"],
    )
    file.chmod(0o600)
    (file.parent / "kernel.json.bak-1").write_text("an older one")
    text = file.read_text()
    done = invoked("import", "-y", "--json")
    assert done.exit_code == 0, done.stderr
    (kernel,) = json.loads(done.stdout)["kernels"]
    assert (kernel["origin"], kernel["state"]) == ("remote_ikernel", "rewritten")
    assert "secret" not in done.stdout
    copy = file.parent / "kernel.json.bak-2"
    assert kernel["copy"] == str(copy)
    assert copy.read_text() == text
    assert (file.parent / "kernel.json.bak-1").read_text() == "an older one"
    assert [stat.S_IMODE(each.stat().st_mode) for each in (file, copy)] == [0o600, 0o600]
    stanza = {
        "ssh_host_alias": "lab",
        "remote_python": "auto",
        "remote_kernel_name": "python3",
    }
    assert json.loads(file.read_text()) == {
        "argv": kernel_argv("rik_ssh_lab"),
        "display_name": "RIK_SSH_LAB",
        "language": "python",
        "metadata": {
            "x": 1,
            "kernel_provisioner": {"provisioner_name": "sshpyk-provisioner", "config": stanza},
        },
    }
    assert (file.parent / "logo-64x64.png").read_bytes() == b"logo"


def test_what_cannot_be_imported_is_told_and_the_rest_goes_on(local: LocalSide) -> None:
    slurm = write(local, "cluster", rik("--interface", "slurm"))
    bad = write(local, "bad", ssh_ipy(host="-oProxyCommand=x"))
    wrong = old(local, "wrong", remote_pyhton="x")
    (local.data_dir / "kernels" / "broken").mkdir()
    (local.data_dir / "kernels" / "broken" / "kernel.json").write_text("{")
    good = write(local, "good", ssh_ipy("--env", "A=sesame"))
    texts = [file.read_text() for file in (slurm, bad, wrong)]
    done = invoked("import", "-y")
    assert done.exit_code == 1
    for said in (
        "cluster (remote_ikernel) cannot be imported:",
        "as a job of Slurm",
        "bad (ssh_ipykernel) cannot be imported:",
        "wrong (sshpyk 1.x) cannot be imported:",
        "did you mean remote_python?",
        "good is rewritten.",
    ):
        assert said in done.stdout
    assert "sesame" not in done.stdout
    assert [file.read_text() for file in (slurm, bad, wrong)] == texts
    assert find_ours("good").stanza["env"] == {"A": "sesame"}
    assert sorted(os.listdir(good.parent)) == ["kernel.json", "kernel.json.bak-1", "logo-64x64.png"]


def test_a_dry_run_writes_nothing(local: LocalSide) -> None:
    file = write(local, "one", ssh_ipy())
    text = file.read_text()
    for arguments in (["--dry-run"], ["--dry-run", "-y", "--json"]):
        done = invoked("import", *arguments)
        assert done.exit_code == 0
        assert '"auto"' not in done.stdout
        assert "/opt/env/bin/python" in done.stdout
    assert '"state": "to be rewritten"' in done.stdout
    assert (file.read_text(), len(os.listdir(file.parent))) == (text, 2)


@pytest.mark.parametrize("columns", [60, 100])
def test_on_a_terminal_it_lists_and_asks(local: LocalSide, columns: int) -> None:
    file = write(local, "one", over_ssh("--verbose"))
    old(local, "two")
    with Screen("import", columns=columns, NO_COLOR="1") as screen:
        screen.wait_for("Rewrite these 2 kernel specs? [y/N]:")
        assert "one (remote_ikernel):" in screen.text
        assert "ssh_host_alias" in screen.text
        assert "--verbose is dropped" in screen.text
        assert "argv" in json.loads(file.read_text())
        screen.type("y\r")
        assert screen.finish() == 0
        assert "one is rewritten." in screen.text
        assert "two is rewritten." in screen.text
        assert b"\x1b[3" not in screen.raw
    assert find_ours("one").stanza["ssh_host_alias"] == "lab"


@pytest.mark.parametrize(("key", "status"), [("n\r", 1), ("\x03", 130)])
def test_anything_but_yes_writes_nothing(local: LocalSide, key: str, status: int) -> None:
    file = write(local, "one", over_ssh())
    text = file.read_text()
    with Screen("import") as screen:
        screen.wait_for("Rewrite this kernel spec? [y/N]:")
        screen.type(key)
        assert screen.finish() == status
    assert (file.read_text(), len(os.listdir(file.parent))) == (text, 2)


def test_bad_input_writes_nothing(local: LocalSide) -> None:
    file = write(local, "one", over_ssh())
    other = write(local, "other", ["R"])
    text = file.read_text()
    done = invoked("import")
    assert done.exit_code == 1
    assert "There is no terminal to ask on: say -y" in done.stderr
    done = invoked("import", "-y", "one", "other", "nothing")
    assert (done.exit_code, done.stdout) == (1, "")
    assert f"The kernel spec other ({other.parent}) is not one of sshpyk, remote_" in done.stderr
    assert "There is no kernel spec 'nothing'." in done.stderr
    assert file.read_text() == text


@pytest.mark.skipif(sys.platform == "win32", reason="modes")
def test_a_directory_that_cannot_be_written_is_told(local: LocalSide) -> None:
    file = write(local, "one", over_ssh())
    write(local, "two", over_ssh())
    file.parent.chmod(0o555)
    command = [*require_modes_that_count(), *SSHPYK, "import", "-y"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    file.parent.chmod(0o755)
    assert done.returncode == 1
    assert "Could not keep a copy of" in done.stderr
    assert "two is rewritten." in done.stdout
    assert len(os.listdir(file.parent)) == 2


def test_what_a_file_says_cannot_reach_the_terminal(local: LocalSide) -> None:
    write(local, "one", over_ssh("--workdir", "\x1b]0;x\x07"))
    write(local, "two", ssh_ipy(python="/e/\x1b[31m"))
    done = invoked("import", "-y")
    assert done.exit_code == 1
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize("way", [OVER_SSH], ids=str)
async def test_one_of_each_kind_starts_a_kernel(
    far: FarSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    alias, config = far.server.alias, {"ssh_config": str(far.server.ssh_config)}
    command = f"{sys.executable} -m ipykernel_launcher -f {{host_connection_file}}"
    where = ["--interface", "ssh", "--host", alias, "--workdir", "/", "--precmd", "export A=b"]
    write(far.local, "rik", rik(*where, command=command))
    write(far.local, "ipy", ssh_ipy("--env", "A=b", host=alias, python=sys.prefix))
    old(far.local, ssh_host_alias=alias, remote_python=sys.executable, **config)
    assert invoked("import", "-y").exit_code == 0
    for name, expected in (
        ("rik", "b /"),
        ("ipy", f"b {far.server.home}"),
        ("old", f"- {far.server.home}"),
    ):
        if name != "old":  # theirs came from the user's own ssh config
            assert invoked("edit", name, "--ssh-config", config["ssh_config"]).exit_code == 0
        async with started(name) as (_, client):
            code = "import os; print(os.environ.get('A', '-'), os.getcwd())"
            assert (await execute(client, code)).text == f"{expected}\n"
    assert far.left_behind() == []
