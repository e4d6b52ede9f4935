"""What ``sshpyk add`` calls kernels, what an answer means, and which kernels flags mean."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sshpyk_core.cli.add.matching import matching, meant
from sshpyk_core.cli.add.naming import kernel_name, names, titles
from sshpyk_core.cli.add.picking import parsed
from sshpyk_core.cli.add.request import Choices, Folder, Request, understood
from sshpyk_core.cli.spec_flags import SpecFlags
from sshpyk_core.survey import Interpreter, RemoteKernel, Survey, System

HOME = "/home/u"


def kernel(name: str = "python3", python: str = "auto", **fields: Any) -> RemoteKernel:
    """Make a kernel of a host."""
    values: dict[str, Any] = {
        "environment": "",
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "interrupt_mode": "signal",
        "metadata": {},
        "resource_dir": f"{HOME}/.local/share/jupyter/kernels/{name}",
        "argv": ("python3", "{connection_file}"),
        "resources": (),
    }
    return RemoteKernel(name=name, python=python, **{**values, **fields})


def interpreter(executable: str, environment: str = "", **fields: Any) -> Interpreter:
    """Make an interpreter of a host."""
    values: dict[str, Any] = {
        "kind": "venv" if environment else "system",
        "prefix": executable.rpartition("/bin/")[0],
        "version": "3.11.4",
        "ipykernel": "7.0",
        "writable": True,
        "install": None,
        "problem": None,
    }
    return Interpreter(executable=executable, environment=environment, **{**values, **fields})


def of(work: str = "work", root: str = f"{HOME}/venvs/work") -> RemoteKernel:
    """Make the kernel of an environment."""
    return kernel(python=f"{root}/bin/python", environment=work, resource_dir=f"{root}/kernels/p")


def host(*kernels: RemoteKernel, interpreters: tuple[Interpreter, ...] = ()) -> Survey:
    """Make what a host has, which also has the system's Python."""
    system = System("Linux", "6", "x86_64", "box", "u", HOME, "/bin/sh", "/usr/bin/python3")
    every = (interpreter("/usr/bin/python3"), *interpreters)
    return Survey(system, every, kernels, (), cut_short=False)


def request(**flags: str) -> Request:
    """Make what is asked for by some flags."""
    wanted = SpecFlags(config=dict(flags))
    return understood("box", wanted, None, Folder(Path("/nowhere"), usual=False), Choices())


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("gpu-box", "work", "python3"), "ssh_gpu-box_work_python3"),
        (("gpu-box", "", "ir"), "ssh_gpu-box_ir"),
        (("Me@GPU.example", "My Env", "Python3"), "ssh_me-gpu.example_my-env_python3"),
        (("box", "été/default", "x_y"), "ssh_box_ete-default_x_y"),
        (("box", "-..-", "k"), "ssh_box_87f6e5_k"),
        (("box", "e" * 300, "k"), f"ssh_box_{'e' * 48}_k"),
    ],
)
def test_names_are_such_as_jupyter_takes(parts: tuple[str, str, str], name: str) -> None:
    found = kernel_name(*parts)
    assert re.fullmatch(r"[a-z0-9._-]+", found)
    if parts[1] != "-..-":
        assert found == name


def test_no_two_kernels_get_one_name_and_a_name_depends_on_its_kernel_alone() -> None:
    one, other = of(), of(root=f"{HOME}/miniforge3/envs/work")
    found = names("box", [one, of("data", "/d"), other])
    assert len(set(found)) == 3
    assert found[1] == "ssh_box_data_python3"
    assert re.fullmatch(r"ssh_box_work_python3_[0-9a-f]{6}", found[0])
    assert names("box", [other, one]) == [found[2], found[0]]


def test_titles_say_what_a_person_looks_for() -> None:
    spoken = kernel("ir", display_name="R", language="R")
    named = kernel("mine", display_name="My analysis", argv=("/x/bin/python",))
    shared = kernel("shared", argv=(f"{HOME}/venvs/work/bin/python",))
    conda = kernel(python="/c/bin/python", environment="ml", display_name="Python [conda env:ml]")
    survey = host(
        *(of(), spoken, named, shared, conda, kernel("py")),
        interpreters=(
            interpreter(f"{HOME}/venvs/work/bin/python", "work"),
            interpreter("/c/bin/python", "ml", version="3.12.0"),
        ),
    )
    assert titles(survey, survey.kernels) == [
        "Python 3.11 (work) [python3]",
        "R",
        "My analysis",
        "Python 3.11 (work) [shared]",
        "Python 3.12 (ml)",
        "Python 3.11",
    ]


def test_titles_of_two_environments_of_one_name_differ() -> None:
    one, other, third = of(), of(root="/opt/work"), of(root="/srv/work")
    conda = interpreter(f"{other.python}", "work", kind="conda", version="3.11.9")
    survey = host(one, other, interpreters=(interpreter(one.python, "work"), conda))
    assert titles(survey, [one, other]) == [
        "Python 3.11 (work) [venv]",
        "Python 3.11 (work) [conda]",
    ]
    assert titles(host(one, third), [one, third]) == [
        f"Python 3 (work) [{one.python}]",
        f"Python 3 (work) [{third.python}]",
    ]


@pytest.mark.parametrize(
    ("answer", "numbers"),
    [
        ("", [1, 2, 3, 4, 5]),
        (" ALL ", [1, 2, 3, 4, 5]),
        ("none", []),
        ("3", [3]),
        ("1,3-5", [1, 3, 4, 5]),
        ("5 1, 2 - 2", [1, 2, 5]),
    ],
)
def test_an_answer_means_numbers(answer: str, numbers: list[int]) -> None:
    assert parsed(answer, 5) == numbers


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("x", "is no number"),
        ("1-", "is no number"),
        ("0", "is not there"),
        ("4-6", "is not there"),
        ("9" * 40, "is no number"),
        ("3-1", "say 1-3"),
        (",", "names nothing"),
    ],
)
def test_an_answer_that_means_none_is_told_why(answer: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parsed(answer, 5)


def test_an_interpreter_is_known_by_several_names() -> None:
    work = interpreter(f"{HOME}/venvs/work/bin/python", "work")
    named = interpreter("/opt/py/bin/python3.12", kind="named")
    survey = host(interpreters=(work, named))
    for word in (work.executable, "~/venvs/work/bin/python", "~/venvs/work/bin/python3"):
        assert meant(survey, word) == work
    assert meant(survey, "python3.12") == named
    assert meant(survey, "/usr/bin/python3") == meant(survey, "auto") == survey.interpreters[0]
    assert meant(survey, "/usr/bin/python3.9") is None


def test_an_interpreter_leaves_its_own_kernels_and_a_name_those_of_all() -> None:
    own, shared = of(), kernel("ir", language="R")
    work = interpreter(f"{HOME}/venvs/work/bin/python", "work")
    survey = host(shared, own, interpreters=(work,))
    assert matching(survey, request()) == [shared, own]
    python = {"remote_python": "~/venvs/work/bin/python"}
    assert matching(survey, request(**python)) == [own]
    assert matching(survey, request(**python, remote_kernel_name="IR")) == [shared]
    assert matching(survey, request(remote_python="auto")) == [shared]
