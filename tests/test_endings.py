"""How a supervisor has ended is told to everybody who asks, for a while."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sshpyk_core.remote import endings, orphans, state
from support.leftovers import DEAD_FOR_LONG, left


def test_who_asks_after_another_has_found_it_dead_hears_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Looking for a supervisor's socket changes the working directory.
    monkeypatch.chdir(tmp_path)
    (tmp_path / state.SUPERVISORS).mkdir(mode=0o700)
    directory = left(tmp_path)
    (told,) = orphans.sweep(str(tmp_path))
    assert told.startswith("its supervisor was killed")
    assert orphans.account_for(str(directory)) == (False, told)
    assert orphans.sweep(str(tmp_path)) == []
    (ending,) = (tmp_path / endings.FOLDER).iterdir()
    assert ending.stat().st_mode & 0o777 == 0o600
    assert orphans.account_for(str(directory)) == (False, told)
    os.utime(ending, (DEAD_FOR_LONG, DEAD_FOR_LONG))
    assert orphans.sweep(str(tmp_path)) == []
    assert not ending.exists()
    assert orphans.account_for(str(directory)) == (False, "its supervisor has ended")
