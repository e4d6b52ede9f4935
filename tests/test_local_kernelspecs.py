"""The kernel specs of this machine: found as Jupyter finds them, written whole or not at all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from sshpyk_core.cli.listing.local import local_kernel
from sshpyk_core.errors import ConfigError, LocalSpecError
from sshpyk_core.kernelspecs import LocalSpec
from support.kernels import install_spec, remote_kernel
from support.local import LocalSide

from sshpyk_core import kernelspecs

OURS = {
    "argv": [],
    "display_name": "Python on lab",
    "language": "python",
    "metadata": {
        "debugger": True,
        "kernel_provisioner": {
            "provisioner_name": kernelspecs.PROVISIONER,
            "config": {"ssh_host_alias": "lab"},
        },
    },
}


def spec_names() -> list[str]:
    return [spec.name for spec in kernelspecs.find_all()]


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# Finding


@pytest.mark.filterwarnings("ignore:Invalid kernelspec directory name")
def test_the_same_kernel_specs_are_found_as_jupyter_finds(
    local: LocalSide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    install_spec(local.data_dir, "Far", {"ssh_host_alias": "lab"})
    install_spec(tmp_path, "far", {"ssh_host_alias": "first"})
    install_spec(tmp_path, "not a name", {"ssh_host_alias": "lab"})
    theirs = {name: Path(place) for name, place in KernelSpecManager().find_kernel_specs().items()}
    assert {spec.name: spec.directory for spec in kernelspecs.find_all()} == theirs
    assert kernelspecs.find("FAR").config().ssh_host_alias == "first"


def test_a_broken_kernel_spec_is_told_and_spoils_no_other(local: LocalSide) -> None:
    kernels = local.data_dir / "kernels"
    for name, text in {
        "cut": "{",
        "list": "[]",
        "deep": "[" * 100_000,
        "odd": '{"metadata": 3}',
    }.items():
        (kernels / name).mkdir(parents=True)
        (kernels / name / "kernel.json").write_text(text)
    (kernels / "bytes").mkdir()
    (kernels / "bytes" / "kernel.json").write_bytes(b"\xff\xfe")
    install_spec(local.data_dir, "far", {"ssh_host_alias": "lab"})
    found = {spec.name: spec for spec in kernelspecs.find_all()}
    for name in ("cut", "list", "deep", "bytes"):
        assert f"{found[name].file} cannot be read" in found[name].problem
    assert (found["odd"].ours, found["odd"].problem) == (False, "")
    assert found["far"].ours
    with pytest.raises(LocalSpecError, match=r"cut/kernel\.json cannot be read"):
        kernelspecs.find("cut")


def test_a_wrong_name_is_answered_with_ours(local: LocalSide) -> None:
    with pytest.raises(LocalSpecError, match=r"no kernel spec 'far'\. There is none of"):
        kernelspecs.find("far")
    install_spec(local.data_dir, "lab", {"ssh_host_alias": "lab"})
    with pytest.raises(LocalSpecError, match=r"Those of sshpyk are: lab\."):
        kernelspecs.find("far")


def test_a_kernel_spec_of_others_is_not_ours(
    local: LocalSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote_kernel(local.home, "theirs", ["true"])
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(local.home / ".local/share/jupyter"))
    spec = kernelspecs.find("theirs")
    for use in (
        lambda: kernelspecs.find_ours("theirs"),
        spec.config,
        lambda: kernelspecs.remove(spec),
    ):
        with pytest.raises(LocalSpecError, match="not one of sshpyk: it is left alone"):
            use()
    assert spec.file.is_file()


def test_a_wrong_stanza_names_its_file(local: LocalSide) -> None:
    install_spec(local.data_dir, "far", {"ssh_host_alias": "lab", "trasport": "x"})
    with pytest.raises(ConfigError, match=r"(?s)kernels/far.*did you mean transport\?"):
        kernelspecs.find_ours("far").config()


# Writing


def test_what_is_installed_is_what_jupyter_lists(local: LocalSide) -> None:
    folder = kernelspecs.kernels_directory()
    spec = kernelspecs.install(folder, "Lab-Python", OURS, {"logo-svg.svg": b"<svg/>"})
    assert spec.name == "lab-python"
    listed = subprocess.run(
        [sys.executable, "-m", "jupyter_client.kernelspecapp", "list", "--json"],
        capture_output=True,
        check=True,
    )
    told = json.loads(listed.stdout)["kernelspecs"]["lab-python"]
    assert told["resource_dir"] == str(local.data_dir / "kernels/lab-python")
    assert told["spec"]["metadata"] == OURS["metadata"]
    assert everything_in(folder) == [
        "lab-python",
        "lab-python/kernel.json",
        "lab-python/logo-svg.svg",
    ]
    assert oct(spec.directory.stat().st_mode & 0o777) == "0o755"


def test_a_place_for_everybody_of_an_environment(tmp_path: Path) -> None:
    assert kernelspecs.kernels_directory(prefix=str(tmp_path)) == tmp_path / "share/jupyter/kernels"
    within = Path(sys.prefix) / "share/jupyter/kernels"
    assert kernelspecs.kernels_directory(sys_prefix=True) == within


def test_a_name_that_is_taken_is_replaced_only_when_told(tmp_path: Path) -> None:
    kernelspecs.install(tmp_path, "lab", OURS, {"old.txt": b""})
    with pytest.raises(LocalSpecError, match=r"The kernel name lab is taken .*--replace"):
        kernelspecs.install(tmp_path, "lab", OURS)
    kernelspecs.install(tmp_path, "lab", {**OURS, "display_name": "new"}, replace=True)
    assert everything_in(tmp_path) == ["lab", "lab/kernel.json"]
    assert json.loads((tmp_path / "lab/kernel.json").read_text())["display_name"] == "new"


def test_what_is_not_ours_is_never_replaced(tmp_path: Path) -> None:
    kernelspecs.install(tmp_path, "theirs", {"argv": ["true"]})
    with pytest.raises(LocalSpecError, match="not one of sshpyk"):
        kernelspecs.install(tmp_path, "theirs", OURS, replace=True)
    assert json.loads((tmp_path / "theirs/kernel.json").read_text()) == {"argv": ["true"]}


def test_what_cannot_be_read_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "kernel.json").write_text("{")
    with pytest.raises(LocalSpecError, match="It may be another program's"):
        kernelspecs.install(tmp_path, "lab", OURS, replace=True)
    (tmp_path / "lab" / "kernel.json").unlink()
    kernelspecs.install(tmp_path, "lab", OURS, replace=True)
    assert everything_in(tmp_path) == ["lab", "lab/kernel.json"]


@pytest.mark.parametrize("name", ["", "..", ".", "a b", "a/b", "ä", "a\n", "x" * 300])
def test_impossible_names_leave_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(LocalSpecError):
        kernelspecs.install(tmp_path, name, OURS)
    assert everything_in(tmp_path) == []


def test_what_cannot_be_written_leaves_nothing_and_spoils_nothing(tmp_path: Path) -> None:
    spec = kernelspecs.install(tmp_path, "lab", OURS)
    impossible = {**OURS, "display_name": {1, 2}}
    with pytest.raises(TypeError):
        kernelspecs.install(tmp_path, "lab", impossible, replace=True)
    with pytest.raises(TypeError):
        kernelspecs.rewrite(spec, impossible)
    assert everything_in(tmp_path) == ["lab", "lab/kernel.json"]
    assert json.loads(spec.file.read_text()) == OURS
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalSpecError, match=r"Could not write the kernel spec .*file/lab"):
        kernelspecs.install(tmp_path / "file", "lab", OURS)


def test_a_rewritten_spec_keeps_what_lies_beside_it(tmp_path: Path) -> None:
    spec = kernelspecs.install(tmp_path, "lab", OURS, {"logo-svg.svg": b"<svg/>"})
    changed = kernelspecs.rewrite(spec, spec.with_stanza({"ssh_host_alias": "other"}))
    assert changed.stanza == {"ssh_host_alias": "other"}
    content = json.loads(spec.file.read_text())
    assert content["metadata"]["debugger"] is True
    assert everything_in(spec.directory) == ["kernel.json", "logo-svg.svg"]


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path: Path) -> None:
    real = kernelspecs.install(tmp_path / "real", "lab", OURS)
    (tmp_path / "lab").symlink_to(real.directory)
    kernelspecs.remove(kernelspecs.LocalSpec("lab", tmp_path / "lab", OURS))
    assert real.file.is_file()
    kernelspecs.remove(real)
    assert everything_in(tmp_path) == ["real"]


@pytest.mark.parametrize("program", ["~\0x", "~\ud800", "a\0b"])
def test_a_command_that_is_no_path_is_not_there(tmp_path: Path, program: str) -> None:
    told = local_kernel(LocalSpec("odd", tmp_path, {"argv": [program]}))
    assert told.command.mark == "error"
