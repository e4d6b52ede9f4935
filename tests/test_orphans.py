"""What a dead supervisor has left is ended and removed; what may be alive is left alone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sshpyk_core.remote import identity, orphans, state
from support.leftovers import DEAD_FOR_LONG, Spawn, ended, left, named, spawning

KNOWING = "import sys, time; print(flush=True); time.sleep(600)"


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    with spawning() as run:
        yield run


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # Looking for a supervisor's socket changes the working directory.
    monkeypatch.chdir(tmp_path)
    (tmp_path / state.SUPERVISORS).mkdir(mode=0o700)
    return tmp_path


def on_record(process: subprocess.Popen[str]) -> dict[str, Any]:
    return {"pid": process.pid, "kernel_started": identity.start_of(process.pid)}


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
