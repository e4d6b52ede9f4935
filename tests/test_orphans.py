"""What a dead supervisor has left is ended and removed; what may be alive is left alone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sshpyk_core.remote import endings, identity, orphans, parent_death, state
from sshpyk_core.remote.presence import Presence, duration
from sshpyk_core.remote.reactor import Reactor
from support import processes
from support.reactors import run_until

DEAD_FOR_LONG = 1e9
ODD_NAME = "a) S (1 2)\n"
RENAMED = f"""
import sys
print(flush=True)
sys.stdin.readline()
open("/proc/self/comm", "w").write({ODD_NAME!r})
print(flush=True)
sys.stdin.readline()
"""
KNOWING = "import sys, time; print(flush=True); time.sleep(600)"
PARENT = """
import os, subprocess, time
from sshpyk_core.remote import parent_death
child = subprocess.Popen(["sleep", "600"], preexec_fn=parent_death.dies_with(os.getpid()))
print(child.pid, flush=True)
time.sleep(600)
"""

Spawn = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Start processes in groups of their own, which end with the test."""
    started: list[subprocess.Popen[str]] = []

    def run(*command: str, **options: Any) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        started.append(
            subprocess.Popen(
                command, stdin=pipe, stdout=pipe, text=True, start_new_session=True, **options
            )
        )
        return started[-1]

    yield run
    for each in started:
        each.kill()
        each.communicate()


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # Looking for a supervisor's socket changes the working directory.
    monkeypatch.chdir(tmp_path)
    (tmp_path / state.SUPERVISORS).mkdir(mode=0o700)
    return tmp_path


def ended() -> int:
    """Give the number of a process that has ended and whose number is not used yet again."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def named(word: str) -> str:
    """Give a supervisor's name that is different for each word."""
    return f"{zlib.crc32(word.encode()):032x}"


def left(base: Path, name: str = "one", **known: Any) -> Path:
    """Write what a supervisor that was killed leaves, with what is said of it."""
    directory = base / state.SUPERVISORS / named(name)
    directory.mkdir(mode=0o700)
    usual = {
        "host": socket.gethostname(),
        "boot_id": state.boot_id(),
        "changed": time.time(),
        "supervisor_pid": ended(),
        "supervisor_started": "1",
        "pid": None,
        "kernel_started": None,
    }
    state.write_json(str(directory / state.STATE_FILE), {**usual, **known})
    return directory


def on_record(process: subprocess.Popen[str]) -> dict[str, Any]:
    return {"pid": process.pid, "kernel_started": identity.start_of(process.pid)}


# Which process a number means


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


# Accounting for one


def test_a_kernel_without_its_supervisor_is_killed_and_its_directory_removed(
    base: Path, spawn: Spawn
) -> None:
    kernel = spawn("sleep", "600")
    directory = left(base, supervisor_pid=(number := ended()), **on_record(kernel))
    account = orphans.account_for(str(directory))
    assert kernel.wait() == -signal.SIGKILL
    assert account == (
        False,
        f"its supervisor was killed (pid {number}), and its kernel (pid {kernel.pid}) was stopped "
        "with it",
    )
    assert not directory.exists()


def test_a_process_that_only_has_the_number_of_the_kernel_is_not_touched(
    base: Path, spawn: Spawn
) -> None:
    stranger = spawn("sleep", "600")
    directory = left(base, **{**on_record(stranger), "kernel_started": "12"})
    account = orphans.account_for(str(directory))
    assert f"its kernel (pid {stranger.pid}) has ended too" in account.words
    assert stranger.poll() is None
    assert not directory.exists()


@pytest.mark.parametrize("knows", [True, False])
def test_what_the_command_of_a_kernel_spec_has_started_ends_although_that_command_has_ended(
    base: Path, spawn: Spawn, knows: bool
) -> None:
    directory = left(base)
    file = str((directory if knows else base) / state.CONNECTION_FILE)
    run = f'{sys.executable} -c "{KNOWING}" "$0" <&- & exit'
    wrapper = spawn("sh", "-c", run, file)
    known = on_record(wrapper)
    assert wrapper.stdout is not None
    wrapper.stdout.readline()
    wrapper.wait()
    members = identity.members(wrapper.pid)
    assert len(members) == 1
    about = json.loads((directory / state.STATE_FILE).read_text())
    state.write_json(str(directory / state.STATE_FILE), {**about, **known})
    account = orphans.account_for(str(directory))
    if knows:
        assert wrapper.stdout.read() == ""  # all that could have written has ended
        assert "was stopped with it" in account.words
    else:
        assert "has ended too" in account.words
        assert identity.members(wrapper.pid) == members
        os.killpg(wrapper.pid, signal.SIGKILL)


def test_after_a_restart_of_the_host_nothing_is_killed_by_an_old_number(
    base: Path, spawn: Spawn
) -> None:
    process = spawn("sleep", "600")
    before = state.boot_time() - 60
    directory = left(base, boot_id="another", changed=before, **on_record(process))
    account = orphans.account_for(str(directory))
    assert account == (False, "the host has been restarted since")
    assert process.poll() is None
    assert not directory.exists()


@pytest.mark.parametrize(
    "known",
    [
        {"host": "another.example"},
        {"host": "another.example", "boot_id": "another", "changed": 1.0},
        {"boot_id": "another"},  # written after this one was booted, so by another of that name
    ],
)
def test_what_belongs_to_another_machine_is_left_alone(
    base: Path, spawn: Spawn, known: dict[str, Any]
) -> None:
    process = spawn("sleep", "600")
    directory = left(base, **{**on_record(process), **known})
    assert orphans.account_for(str(directory)).lives
    assert orphans.sweep(str(base)) == []
    assert process.poll() is None
    assert (directory / state.STATE_FILE).exists()


def test_a_supervisor_that_runs_is_left_alone(base: Path, spawn: Spawn) -> None:
    supervisor, kernel = spawn("sleep", "600"), spawn("sleep", "600")
    own = {
        "supervisor_pid": supervisor.pid,
        "supervisor_started": identity.start_of(supervisor.pid),
    }
    directory = left(base, **own, **on_record(kernel))
    account = orphans.account_for(str(directory))
    assert account == (True, f"its supervisor (pid {supervisor.pid}) cannot be reached")
    assert orphans.sweep(str(base)) == []
    assert directory.exists()
    assert kernel.poll() is None


@pytest.mark.parametrize("content", ["{}", "", '{"changed": "?"}', "[]", "\xff", None])
def test_a_supervisor_that_is_not_on_record_but_listens_is_left_alone(
    base: Path, content: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = left(base)
    if content is not None:
        (directory / state.STATE_FILE).write_text(content, encoding="latin-1")
    monkeypatch.chdir(directory)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(state.SOCKET)
        listener.listen(1)
        os.utime(directory, (DEAD_FOR_LONG, DEAD_FOR_LONG))
        assert orphans.sweep(str(base)) == []
        assert directory.exists()
    assert len(orphans.sweep(str(base))) == 1  # the socket is there, but nobody listens any more
    assert not directory.exists()


# Looking around


def test_only_the_dead_are_removed(base: Path) -> None:
    gone = [left(base, "dead"), left(base, "restarted", boot_id="another", changed=1.0)]
    kept = [left(base, "elsewhere", host="another.example")]
    for name, age in (("young", 0), ("old", DEAD_FOR_LONG)):
        directory = left(base, name)
        (directory / state.STATE_FILE).write_text("{}")
        if age:
            os.utime(directory, (age, age))
        (gone if age else kept).append(directory)
    told = orphans.sweep(str(base))
    assert [each for each in gone if each.exists()] == []
    assert [each for each in kept if not each.exists()] == []
    assert any(words == "the host has been restarted since" for words in told)
    assert sum("its supervisor was killed (pid " in words for words in told) == 1


def test_no_link_is_followed_and_nothing_elsewhere_is_removed(base: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / state.SUPERVISORS).mkdir(parents=True)
    target = left(elsewhere)
    linked = base / state.SUPERVISORS / named("linked")
    linked.symlink_to(target)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / state.SUPERVISORS).symlink_to(elsewhere / state.SUPERVISORS)
    other = left(elsewhere, "other").rename(tmp_path / "kept")
    for directory in (linked, tmp_path / "shop" / state.SUPERVISORS / named("one"), other):
        assert orphans.account_for(str(directory)) == (False, "its supervisor has ended")
    for name in ("", ".", ".."):
        orphans.account_for(f"{base / state.SUPERVISORS}/{name}")
    assert orphans.sweep(str(base)) == orphans.sweep(str(tmp_path / "shop")) == []
    assert (target / state.STATE_FILE).exists()
    assert (other / state.STATE_FILE).exists()
    assert linked.is_symlink()


def test_a_folder_that_is_not_there_is_no_trouble(tmp_path: Path) -> None:
    assert orphans.sweep(str(tmp_path / "nothing")) == []


# What is told later


def test_who_asks_after_another_has_found_it_dead_hears_the_same(base: Path) -> None:
    directory = left(base)
    (told,) = orphans.sweep(str(base))
    assert told.startswith("its supervisor was killed")
    assert orphans.account_for(str(directory)) == (False, told)
    assert orphans.sweep(str(base)) == []
    (ending,) = (base / endings.FOLDER).iterdir()
    assert ending.stat().st_mode & 0o777 == 0o600
    assert orphans.account_for(str(directory)) == (False, told)
    os.utime(ending, (DEAD_FOR_LONG, DEAD_FOR_LONG))
    assert orphans.sweep(str(base)) == []
    assert not ending.exists()
    assert orphans.account_for(str(directory)) == (False, "its supervisor has ended")


# Waiting for somebody


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (604800, "7 days"),
        (86400.0, "1 day"),
        (7200, "2 hours"),
        (60.0, "1 minute"),
        (90, "90 s"),
        (0.5, "0.5 s"),
        (0, "0 s"),
    ],
)
def test_a_wait_is_told_in_the_largest_unit_that_fits(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_supervisor_to_which_nobody_has_ever_attached_does_not_wait_for_ever() -> None:
    reactor = Reactor()
    over: list[float] = []
    presence = Presence(reactor, 0.2, lambda _words: over.append(time.time()))
    told = presence.status()
    assert told["attached"] is False
    assert told["ends_at"] == told["detached_since"] + 0.2
    presence.update()
    assert presence.status() == told
    run_until(reactor, lambda: bool(over))
    assert over[0] >= told["ends_at"] - 0.05
    reactor.close()
