"""A process is known by its number and its start, and a child may be bound to its parent."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sshpyk_core.remote import identity, parent_death
from support import processes
from support.leftovers import Spawn, ended, spawning

ODD_NAME = "a) S (1 2)\n"
RENAMED = f"""
import sys
print(flush=True)
sys.stdin.readline()
open("/proc/self/comm", "w").write({ODD_NAME!r})
print(flush=True)
sys.stdin.readline()
"""
PARENT = """
import os, subprocess, time
from sshpyk_core.remote import parent_death
child = subprocess.Popen(["sleep", "600"], preexec_fn=parent_death.dies_with(os.getpid()))
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    with spawning() as run:
        yield run


def test_the_start_of_a_process_does_not_depend_on_its_name(spawn: Spawn) -> None:
    process = spawn(sys.executable, "-c", RENAMED)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.readline()
    before = identity.start_of(process.pid)
    process.stdin.write("\n")
    process.stdin.flush()
    process.stdout.readline()
    assert Path(f"/proc/{process.pid}/comm").read_text().startswith("a) S (1 2)")
    assert identity.start_of(process.pid) == before
    assert before is not None
    assert int(before) > 0


@pytest.mark.parametrize("with_proc", [True, False])
def test_a_process_is_known_by_its_start_until_it_exits(
    spawn: Spawn, with_proc: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "LINUX", with_proc)  # ps(1) tells it on every other system
    process = spawn("sleep", "600")
    started = identity.start_of(process.pid)
    assert started
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    assert identity.is_same(process.pid, started)
    assert not identity.is_same(process.pid, started + "0")
    assert not identity.is_same(process.pid, None)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # exited, and not reaped
    assert identity.start_of(process.pid) is None
    process.wait()
    assert identity.start_of(process.pid) is None
    assert not identity.is_same(process.pid, None)


def test_a_child_that_dies_with_its_parent_does_so_whatever_kills_that(spawn: Spawn) -> None:
    parent = spawn(sys.executable, "-c", PARENT)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    (child,) = (each for each in processes.children_of(parent.pid) if each.pid == pid)
    parent.kill()
    parent.wait()
    assert processes.wait_ended([child], 10) == []


def test_a_child_whose_parent_has_ended_meanwhile_does_not_even_begin(spawn: Spawn) -> None:
    orphan = spawn("sleep", "600", preexec_fn=parent_death.dies_with(ended()))
    assert orphan.wait() == 1
