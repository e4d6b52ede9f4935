"""The page on the Python API says what the API is, and its example works."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from sshpyk_core.api import sync
from support.examples import EXAMPLES
from support.far import FarSide
from support.source_tree import ROOT

from sshpyk_core import api, errors

pytestmark = pytest.mark.ways(servers=["sshd"], why="a program here does not see it")

PAGE = (ROOT / "docs/api.md").read_text(encoding="utf-8")
EXAMPLE = EXAMPLES / "come_back.py"
PUBLIC_NAMES = [
    "CodeError",
    "Kernel",
    "KernelInfo",
    "Message",
    "Output",
    "RemoteHost",
    "RemoteKernel",
    "Result",
    "connect",
]


def documented(name: str) -> set[str]:
    """Give the words in code font of the table or the row about a class."""
    table = re.search(rf"^\| `{name}` \| does \|\n.*?(?=\n\n)", PAGE, re.M | re.S)
    row = re.search(rf"^\| `{name}` \|.*$", PAGE, re.M)
    found = table or row
    assert found is not None, name
    return set(re.findall(r"`(\w+)", found[0]))


def test_the_public_names_are_those_that_programs_rely_on() -> None:
    assert api.__all__ == PUBLIC_NAMES
    assert sync.__all__ == ["Kernel", "RemoteHost", "connect"]


@pytest.mark.parametrize("name", [name for name in PUBLIC_NAMES if name[0].isupper()])
def test_every_public_name_is_described_with_all_that_it_has(name: str) -> None:
    kind = getattr(api, name)
    words = documented(name)
    if inspect.isclass(kind) and name != "Message":
        verbs = {word for word in vars(kind) if not word.startswith("_")} - {"of"}
        values = {each.name for each in fields(kind)} if is_dataclass(kind) else set()
        assert verbs | values <= words


@pytest.mark.parametrize("name", ["connect", "RemoteHost.start"])
def test_the_parameters_are_described(name: str) -> None:
    function = api.connect if name == "connect" else api.RemoteHost.start
    given = re.search(rf"`{name.rpartition('.')[2]}\(([^)]+settings)\)`", PAGE)
    assert given is not None
    described = re.findall(r"(?:^|, )\*{0,2}(\w+)", given[1])
    assert described == [each for each in inspect.signature(function).parameters if each != "self"]


def test_the_errors_of_the_page_exist() -> None:
    section = PAGE.partition("\n## What may go wrong\n")[2].partition("\n## ")[0]
    named = re.findall(r"`(\w+Error)`", section)
    assert set(named) <= set(errors.__all__)


def test_the_example_is_shown_whole() -> None:
    shown = re.search(r"\(examples/come_back\.py\):\n\n```python\n(.*?)^```$", PAGE, re.M | re.S)
    assert shown is not None
    assert shown[1] == EXAMPLE.read_text(encoding="utf-8")


START_AND_WAIT_FOR_A_FILE = """
import asyncio, sys
import come_back

pause = "time.sleep(10)"
assert come_back.WORK.count(pause) == 1
wait = f"while not __import__('os').path.exists({sys.argv[2]!r}): time.sleep(0.02)"
come_back.WORK = come_back.WORK.replace(pause, wait)
asyncio.run(come_back.start(sys.argv[1]))
"""


def test_the_example_leaves_a_kernel_and_comes_back_to_it(far: FarSide, tmp_path: Path) -> None:
    gate = tmp_path / "left"
    begun = run("-c", START_AND_WAIT_FOR_A_FILE, "far", str(gate))
    command = begun.stdout.split()
    assert command[:4] == ["python", "come_back.py", "back", "far"], begun.stderr
    gate.touch()
    done = run(str(EXAMPLE), *command[2:])
    assert done.returncode == 0, done.stderr
    *steps, total = done.stdout.splitlines()
    assert steps == ["step 1: 1", "step 2: 3", "step 3: 6"]
    assert total == "the total is 6"
    assert far.left_behind() == []


def test_the_example_says_how_it_is_used() -> None:
    done = run(str(EXAMPLE), "start")
    assert (done.returncode, done.stdout) == (1, "")
    assert "come_back.py back" in done.stderr


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the example as a program of its own, or code beside it."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=EXAMPLE.parent,
        env={**os.environ, "PYTHONPATH": str(EXAMPLE.parent), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
