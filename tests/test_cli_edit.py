"""``sshpyk edit``: what flags or an editor say is changed, checked, and nothing else."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sshpyk_core.kernelspecs import LocalSpec
from support.far import OVER_SSH, FarSide
from support.invoked import invoked
from support.kernels import execute, install_spec
from support.local import LocalSide
from support.managers import started
from support.require import require_modes_that_count
from support.screen import SSHPYK, Screen, in_a_pipe

STANZA = {
    "ssh_host_alias": "lab",
    "remote_python": "~/env/bin/python",
    "shutdown_timeout": 15,
    "ssh_verbose": None,
    "env": {"A": "abracadabra", "B": "two"},
    "transport_options": {"verbose": 1},
}


def spec(local: LocalSide, name: str = "lab", **config: Any) -> Path:
    """Write a kernel spec of ours; give its kernel.json."""
    directory = install_spec(local.data_dir, name, {**STANZA, **config})
    file = directory / "kernel.json"
    content = json.loads(file.read_text())
    content["metadata"]["debugger"] = True
    file.write_text(json.dumps({**content, "x_other": [1]}))
    return file


def stanza(file: Path) -> dict[str, Any]:
    """Give the ``config`` in a kernel.json."""
    config: dict[str, Any] = LocalSpec("", file.parent, json.loads(file.read_text())).stanza
    return config


def identity(file: Path) -> tuple[bytes, int, int]:
    """Give what differs when a file was written, even to the same."""
    return file.read_bytes(), file.stat().st_ino, file.stat().st_mtime_ns


def test_one_flag_changes_one_thing(local: LocalSide) -> None:
    file = spec(local)
    before = json.loads(file.read_text())
    file.chmod(0o600)
    done = in_a_pipe("edit", "LAB", "--ssh-host-alias", "other@host", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "name": "lab",
        "file": str(file),
        "changed": True,
        "changes": [{"key": "ssh_host_alias", "old": "lab", "new": "other@host"}],
    }
    before["metadata"]["kernel_provisioner"]["config"]["ssh_host_alias"] = "other@host"
    assert json.loads(file.read_text()) == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(file.parent) == ["kernel.json"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--env", "A=1", "--env", "C=3"], {"env": {"A": "1", "B": "two", "C": "3"}}),
        (["--unset", "env", "--env", "C=3"], {"env": {"C": "3"}}),
        (["--unset", "env.A"], {"env": {"B": "two"}}),
        (["--unset", "env.A", "--unset", "env.B"], {"env": None}),
        (["--transport-option", "verbose=2"], {"transport_options": {"verbose": 2}}),
        (["--shutdown-timeout", "60"], {"shutdown_time": 60, "shutdown_timeout": None}),
        (["--unset", "shutdown_time"], {"shutdown_timeout": None}),
        (["--unset", "shutdown-timeout"], {"shutdown_timeout": None}),
        (["--remote-python-prefix", "/opt/e/"], {"remote_python": "/opt/e/bin/python"}),
        (
            ["--unset", "transport_options", "--transport", "asyncssh"],
            {"transport": "asyncssh", "transport_options": None},
        ),
    ],
    ids=" ".join,
)
def test_flags_merge_into_what_is_there(
    local: LocalSide, flags: list[str], expected: dict[str, Any]
) -> None:
    file = spec(local)
    done = invoked("edit", "--kernel-name", "lab", *flags)
    assert done.exit_code == 0, done.stderr
    wanted = {key: value for key, value in {**STANZA, **expected}.items() if value is not None}
    assert {key: value for key, value in stanza(file).items() if value is not None} == wanted


@pytest.mark.parametrize("columns", [60, 100])
def test_it_says_what_changed_but_no_value_of_a_variable(local: LocalSide, columns: int) -> None:
    file = spec(local)
    flags = ["--env", "A=sesame", "--unset", "env.B", "--launch-timeout", "60"]
    with Screen("edit", "lab", "--display-name", "The lab", *flags, columns=columns) as screen:
        assert screen.finish() == 0
        shown = screen.text
    assert 'display_name    "lab" -> "The lab"' in shown
    assert "launch_timeout  not set -> 60" in shown
    assert "env.A           (not shown) -> (not shown)" in shown
    assert "env.B           (not shown) -> not set" in shown
    assert "sesame" not in shown
    assert "abracadabra" not in shown
    assert max(map(len, shown.splitlines())) <= max(columns, len(str(file)) + 2)
    assert json.loads(file.read_text())["display_name"] == "The lab"


def test_a_relative_ssh_config_is_kept_from_anywhere(
    local: LocalSide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = spec(local)
    (tmp_path / "config").touch()
    monkeypatch.chdir(tmp_path)
    assert invoked("edit", "lab", "--ssh-config", "config").exit_code == 0
    assert stanza(file)["ssh_config"] == str(tmp_path / "config")


def test_what_is_misspelt_in_the_file_can_be_taken_out(local: LocalSide) -> None:
    file = spec(local, remote_pyhton="x", persistent_file="/tmp/x")
    done = invoked("edit", "lab", "--remote-cwd", "/x")
    assert done.exit_code == 1
    assert "unknown key 'remote_pyhton': did you mean remote_python?" in done.stderr
    done = invoked("edit", "lab", "--unset", "remote_pyhton", "--no-persistent")
    assert done.exit_code == 0, done.stderr
    assert not {"remote_pyhton", "persistent_file"} & set(stanza(file))


def test_no_change_is_said(local: LocalSide) -> None:
    file = spec(local)
    before = identity(file)
    done = invoked("edit", "lab", "--ssh-host-alias", "lab")
    assert done.exit_code == 0
    assert "lab: nothing has changed." in done.stdout
    assert identity(file) == before


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["lab", "--unset", "remote_cmd"], 1, "no key 'remote_cmd': did you mean remote_cwd?"),
        (["lab", "--unset", "zzzz"], 1, "independent_local_processes\n"),
        (["lab", "--unset", "ssh_host_alias"], 1, "ssh_host_alias is missing"),
        (["lab", "--unset", "remote_cwd.x"], 1, "there is no key 'remote_cwd.x'"),
        (["lab", "--remote-cwd", "there"], 1, "must be an absolute path or one from '~/'"),
        (["lab", "--ssh-host-alias", "-oProxyCommand=x"], 1, "starts with '-'"),
        (["lab", "--transport", "openshs"], 1, "openssh"),
        (["lab", "--transport-option", "verbsoe=1"], 1, "did you mean 'verbose'?"),
        (["lab", "--transport", "asyncssh"], 1, "--unset transport_options"),
        (["nothing", "--remote-cwd", "/x"], 1, "There is no kernel spec 'nothing'."),
        (["python3", "--remote-cwd", "/x"], 1, "is not one of sshpyk: it is left alone."),
        (["lab"], 2, "Say what to change with flags, or use --editor, not both."),
        (["lab", "--editor", "--remote-cwd", "/x"], 2, "not both."),
        (["lab", "--kernel-name", "x", "--editor"], 2, "NAME and --kernel-name are different."),
        (["--editor"], 2, "Say which kernel spec: sshpyk edit NAME."),
        (["lab", "--display-name", " "], 2, "--display-name is empty."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_writes_nothing(
    local: LocalSide, arguments: list[str], status: int, said: str
) -> None:
    file = spec(local)
    before = identity(file)
    done = invoked("edit", *arguments)
    assert (done.exit_code, done.stdout) == (status, "")
    assert said in done.stderr
    assert identity(file) == before


def test_a_directory_that_cannot_be_written_is_told(local: LocalSide) -> None:
    file = spec(local)
    file.parent.chmod(0o555)
    command = [*require_modes_that_count(), *SSHPYK, "edit", "lab", "--remote-cwd", "/x"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    file.parent.chmod(0o755)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: Could not write {file}: Permission denied\n"
    assert os.listdir(file.parent) == ["kernel.json"]


def test_a_link_to_the_file_stays_one(local: LocalSide, tmp_path: Path) -> None:
    file = spec(local)
    real = file.rename(tmp_path / "dotfile.json")
    file.symlink_to(real)
    assert invoked("edit", "lab", "--remote-cwd", "/x").exit_code == 0
    assert file.is_symlink()
    assert stanza(real)["remote_cwd"] == "/x"


def editor(folder: Path, code: str) -> str:
    """Write an editor that runs code over ``text`` and saves it; give its command."""
    script = folder / "editor.py"
    script.write_text(
        "import os, sys\npath = sys.argv[-1]\ntext = open(path).read()\n"
        f"{code}\nopen(path, 'w').write(text)\n"
    )
    return f"{sys.executable} {script}"


def test_half_a_character_is_written_as_json_has_it(local: LocalSide) -> None:
    file = spec(local)
    done = invoked("edit", "lab", "--display-name", "lab \udcff é")
    assert done.exit_code == 0
    assert json.loads(file.read_bytes())["display_name"] == "lab \udcff é"


def test_an_editor_changes_anything_but_whose_it_is(local: LocalSide, tmp_path: Path) -> None:
    file = spec(local)
    code = "text = text.replace('\"debugger\": true', '\"debugger\": false').replace('~/env', '/e')"
    done = invoked("edit", "lab", "--editor", "--json", VISUAL=editor(tmp_path, code))
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["changes"] == [
        {"key": "remote_python", "old": "~/env/bin/python", "new": "/e/bin/python"},
        {"key": "metadata.debugger", "old": True, "new": False},
    ]
    assert stanza(file)["remote_python"] == "/e/bin/python"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("text = text[:-3]", "This is not JSON: "),
        ("text = '[]'", "A kernel.json holds one JSON object."),
        ("text = text.replace('sshpyk-prov', 'other-prov')", "not be a kernel of sshpyk any more"),
        ("text = text.replace('remote_python', 'remote_pyhton')", "did you mean remote_python?"),
        (
            "text = text.replace('{', '{\"argv\": 3,', 1).replace('\"argv\": []', '\"a\": 1')",
            "argv",
        ),
        ("sys.exit(3)", "Editing failed"),
    ],
)
def test_what_an_editor_leaves_is_checked(
    local: LocalSide, tmp_path: Path, code: str, said: str
) -> None:
    file = spec(local)
    before = identity(file)
    done = invoked("edit", "lab", "--editor", EDITOR=editor(tmp_path, code), VISUAL="")
    assert (done.exit_code, done.stdout) == (1, "")
    assert said in done.stderr
    assert identity(file) == before


@pytest.mark.parametrize(("key", "status"), [("y\r", 0), ("n\r", 1), ("\x03", 130)])
def test_on_a_terminal_it_may_be_edited_again(
    local: LocalSide, tmp_path: Path, key: str, status: int
) -> None:
    file = spec(local)
    before = file.read_bytes()
    code = (
        "text = text.replace('launch_thyme', 'launch_timeout') if 'launch_thyme' in text "
        "else text.replace('\"ssh_verbose\": null', '\"launch_thyme\": 9')"
    )
    with Screen("edit", "lab", "--editor", VISUAL=editor(tmp_path, code)) as screen:
        screen.wait_for("Edit it again? [Y/n]:")
        assert "did you mean launch_timeout?" in screen.text
        screen.type(key)
        assert screen.finish() == status
    if status:
        assert file.read_bytes() == before
    else:
        assert stanza(file)["launch_timeout"] == 9


def test_an_editor_that_changes_nothing(local: LocalSide, tmp_path: Path) -> None:
    file = spec(local)
    before = identity(file)
    done = invoked("edit", "lab", "--editor", VISUAL=editor(tmp_path, ""))
    assert (done.exit_code, identity(file)) == (0, before)
    assert "nothing has changed" in done.stdout
    done = invoked("edit", "lab", "--editor", VISUAL="", EDITOR="")
    assert done.exit_code == 1
    assert "There is no terminal for an editor" in done.stderr


@pytest.mark.parametrize("way", [OVER_SSH], ids=str)
async def test_what_was_edited_holds_for_the_next_kernel(far: FarSide) -> None:
    far.install("wrong", remote_name="nothing")
    (far.server.home / "there").mkdir(exist_ok=True)
    flags = ["--remote-kernel-name", "python3", "--remote-cwd", "~/there", "--env", "A=b c"]
    done = invoked("edit", "wrong", *flags)
    assert done.exit_code == 0, done.stderr
    async with started("wrong") as (_, client):
        code = "import os; print(os.getcwd(), os.environ['A'])"
        assert (await execute(client, code)).text == f"{far.server.home}/there b c\n"
    assert far.left_behind() == []
