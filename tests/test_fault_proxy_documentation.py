"""The page on the fault proxy: its examples run, and it tells of everything that there is."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sshpyk_core.testing.relay import Line, Relay
from support.require import require_program
from support.source_tree import ROOT

PAGE = (ROOT / "docs/fault-proxy.md").read_text(encoding="utf-8")
FIRST, SUITE, PROGRAM = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)


def run(folder: Path, *arguments: str) -> str:
    """Run Python in a folder, as a reader would; give what it prints."""
    require_program("ssh", "openssh-client")
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_first_example_runs() -> None:
    exec(compile(FIRST, "fault-proxy.md", "exec"), {})


def test_the_tests_that_are_shown_pass(tmp_path: Path) -> None:
    (tmp_path / "test_bad_lines.py").write_text(SUITE, encoding="utf-8")
    names = re.findall(r"async def (test_\w+)", SUITE)
    nodes = [f"test_bad_lines.py::TestBadLines::{name}" for name in names]
    said = run(tmp_path, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", *nodes)
    assert f"{len(names)} passed" in said


def test_the_program_that_is_shown_measures_the_distance(tmp_path: Path) -> None:
    (tmp_path / "measure.py").write_text(PROGRAM, encoding="utf-8")
    said = run(tmp_path, "measure.py")
    found = re.findall(r"^(\d+) ms each way: connect ([\d.]+) s, command ([\d.]+) s$", said, re.M)
    assert [way for way, _, _ in found] == ["0", "50"]
    # A command takes one round trip at the least, a login several.
    _, (_, connect, command) = found
    assert float(command) >= 0.1
    assert float(connect) >= 0.3


@pytest.mark.parametrize("name", ["shape", "silence", "resume", "half_open", "cut", "refuse"])
def test_every_fault_is_in_the_table(name: str) -> None:
    assert hasattr(Relay, name)
    assert re.search(rf"^\| `{name}\(", PAGE, re.M)


def test_every_part_of_a_line_is_in_the_table() -> None:
    section = PAGE.partition("\n## Lines\n")[2]
    names = [field.name for field in dataclasses.fields(Line)]
    assert re.findall(r"^\| `(\w+)` \| \w+ \|", section, re.M) == names
