"""A supervisor is started, or nothing is left of the attempt."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from sshpyk_core.remote import rendezvous, spawning, state

NAME = "5" * 32


def test_where_there_can_be_no_more_processes_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> int:
        raise OSError(errno.EAGAIN, "there can be no more processes")

    monkeypatch.chdir(tmp_path)  # looking for a supervisor changes the working directory
    monkeypatch.setattr(os, "fork", refuse)
    before = os.listdir("/proc/self/fd")
    directory, listener = rendezvous.establish(str(tmp_path), {}, NAME)
    with pytest.raises(OSError, match="no more processes"):
        spawning.spawn({}, directory, listener)
    assert list((tmp_path / state.SUPERVISORS).iterdir()) == []
    assert rendezvous.find(str(tmp_path), {}, NAME) is None
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_a_second_supervisor_of_one_name_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    directory, listener = rendezvous.establish(str(tmp_path), {}, NAME)
    with listener:
        with pytest.raises(FileExistsError):
            rendezvous.establish(str(tmp_path), {}, NAME)
        assert os.listdir(tmp_path / state.SUPERVISORS) == [NAME]
        rendezvous.connect(directory).close()
