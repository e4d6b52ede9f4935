"""The conformance suite can fail: each defect is found, and no test is left out in silence."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path
from typing import ClassVar

import pytest
from sshpyk_core.testing.conformance import TransportConformance
from support.defects import DEFECTS, SOUND
from support.distributions import Distributions, distributions
from support.require import require_program

__all__ = ["distributions"]

IMPORT = "from sshpyk_core.testing.conformance import TransportConformance\n"
STANDARD = "test_there_is_no_terminal"
# What hangs or stays for ever shows that within a fraction of the limits that are usual.
IMPATIENT = {"SSHPYK_CONFORMANCE_PATIENCE": "0.4"}


def run_pytest(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder, as an author would, with the distributions in it installed."""
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:asyncio"]
    env = {**os.environ, "PYTHONPATH": str(folder), "PYTEST_ADDOPTS": "", **variables}
    return subprocess.run(
        [*command, "-p", "no:xdist", f"--junitxml={folder}/report.xml", *arguments],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def outcomes(folder: Path) -> dict[tuple[str, str], str]:
    """Give what went wrong with each test, by class and name; empty where it passed."""
    found: dict[tuple[str, str], str] = defaultdict(str)
    for case in ET.parse(folder / "report.xml").iter("testcase"):
        key = case.attrib["classname"].rpartition(".")[2], case.attrib["name"].partition("[")[0]
        for kind in ("failure", "error", "skipped"):
            for problem in case.findall(kind):
                found[key] += f"{kind}: {problem.attrib.get('message', '')}{problem.text}"
        found[key] += ""
    return found


def class_of(name: str, body: str = "") -> str:
    """Write a class of tests for the transport of that name."""
    return f"class Test_{name}(TransportConformance):\n    transport = '{name}'\n{body}\n"


@pytest.mark.others  # it runs half the suite against some twenty transports
@pytest.mark.timeout(400)
def test_each_defect_fails_the_tests_that_are_about_it(distributions: Distributions) -> None:
    require_program("ssh", "openssh-client")
    folder = distributions.folder
    sources = {"sound": SOUND, **{name: SOUND + each.source for name, each in DEFECTS.items()}}
    for name, source in sources.items():
        distributions.add(f"sshpyk-{name.replace('_', '-')}", name, source)
    (folder / "test_them.py").write_text(IMPORT + "".join(map(class_of, sources)))
    wanted = {(f"Test_{name}", test) for name, each in DEFECTS.items() for test in each.found_by}
    about = sorted({test for _, test in wanted})
    selected = {*wanted, *(("Test_sound", test) for test in about)}
    nodes = [f"test_them.py::{suite}::{test}" for suite, test in sorted(selected)]
    done = run_pytest(folder, *nodes, **IMPATIENT)
    found = outcomes(folder)
    assert set(found) == selected, done.stdout + done.stderr
    assert [key for key in sorted(wanted) if not found[key] or "skipped:" in found[key]] == []
    assert not [key for key in wanted if "PluginError" in found[key]], "the defect itself is broken"
    sound = {test: found["Test_sound", test] for test in about if found["Test_sound", test]}
    # What a defect declares or not, the sound transport does otherwise.
    assert set(sound) == {
        "test_a_transport_without_unix_sockets_says_so",
        "test_the_signal_that_ends_a_command_is_told",
    }
    assert all(said.startswith("skipped:") for said in sound.values()), sound
    leaks = found["Test_leaks", "test_a_connection_that_needs_no_answer_asks_no_question"]
    for what in ("thread: forgotten thread", "open descriptor: ", "process: ", "forgotten-file-"):
        assert what in leaks
    assert "forgotten" in found["Test_leaks_a_task", DEFECTS["leaks_a_task"].found_by[0]]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({STANDARD: None}, f"{STANDARD} is deleted or replaced"),
        ({STANDARD: lambda self: None}, f"{STANDARD} is deleted or replaced"),
        ({STANDARD: None, "departures": {STANDARD: " "}}, f"no reason for {STANDARD}"),
        ({"departures": {"test_nothing": "why"}}, "names no standard test: .*test_nothing"),
        ({"trial": None}, "the fixture trial is replaced"),
    ],
)
def test_a_class_that_leaves_out_what_is_standard_is_refused(
    body: dict[str, object], words: str
) -> None:
    with pytest.raises(TypeError, match=words):
        type("TestIt", (TransportConformance,), {"transport": "mine", **body})


def test_a_class_that_inherits_a_departure_gives_its_reason_too() -> None:
    class First(TransportConformance):
        departures: ClassVar = {STANDARD: "there is one"}

    class Second(First):
        pass

    with pytest.raises(TypeError, match=STANDARD):
        type("Third", (First,), {"departures": {}})
    assert getattr(Second, STANDARD) is getattr(First, STANDARD)


def test_a_class_is_looked_at_again_when_it_is_collected(tmp_path: Path) -> None:
    change = f"Test_mine.{STANDARD} = None\n"
    (tmp_path / "test_it.py").write_text(IMPORT + class_of("mine") + change)
    done = run_pytest(tmp_path, "--collect-only", "-q")
    assert done.returncode == 2, done.stdout
    assert f"Test_mine: the standard test {STANDARD} is deleted or replaced" in done.stdout


@pytest.mark.parametrize(
    ("mark", "change"),
    [
        ("skip", "Test_mine = pytest.mark.skip(Test_mine)"),
        ("xfail", "pytestmark = pytest.mark.xfail"),
        ("skipif", f"pytest.mark.skipif('True', reason='no')(Test_mine.{STANDARD})"),
    ],
)
def test_no_mark_lets_a_standard_test_off_in_silence(
    tmp_path: Path, mark: str, change: str
) -> None:
    (tmp_path / "test_it.py").write_text(f"import pytest\n{IMPORT}{class_of('mine')}{change}\n")
    done = run_pytest(tmp_path, "--collect-only", "-q")
    assert done.returncode == 4, done.stdout
    words = f"the mark {mark} lets a standard test off without a reason"
    assert words in done.stdout + done.stderr


def test_a_departure_shows_with_its_reason(distributions: Distributions) -> None:
    distributions.add("sshpyk-mine", "mine")
    body = f"""
    departures = {{
        "{STANDARD}": "it has one, on purpose",
        "test_many_commands_in_turn": "they are slow here",
    }}
    {STANDARD} = None

    async def test_many_commands_in_turn(self, trial):
        async with trial.session() as session:
            assert await trial.says(session, "echo mine") == "mine"

    async def test_of_its_own(self, trial):
        async with trial.session() as session:
            assert await trial.says(session, "echo own") == "own"
"""
    (distributions.folder / "test_it.py").write_text(IMPORT + class_of("mine", body))
    run_pytest(distributions.folder, "-k", f"{STANDARD} or in_turn or of_its_own or silent_server")
    found = outcomes(distributions.folder)
    assert "departure: it has one, on purpose" in found.pop(("Test_mine", STANDARD))
    assert found.pop(("Test_mine", "test_many_commands_in_turn")) == ""
    assert found.pop(("Test_mine", "test_of_its_own")) == ""
    assert found
    assert all("the transport does not declare NETWORK" in said for said in found.values()), found


def test_pytest_alone_does_not_load_the_suite(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    ours = {name for name in sys.modules if name.startswith('sshpyk_core')}\n"
        "    assert ours <= {'sshpyk_core', 'sshpyk_core.testing',"
        " 'sshpyk_core.testing.pytest_plugin'}\n"
        "    assert not {'asyncssh', 'psutil', 'jupyter_client'} & set(sys.modules)\n"
    )
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout
