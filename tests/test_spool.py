"""A spool gives back what it took, whether that waited in memory or on disk, within its budget."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sshpyk_core.kernel.spool_warning import spool_warning
from sshpyk_core.link.watcher import SpoolFull
from sshpyk_core.remote.spool import Spool, SpoolBudget

PACKAGES = Path(__file__).parents[1] / "sshpyk_core/src"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("spool")
    yield str(directory)
    assert os.listdir(directory) == []


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 1), st.integers(1, 400)),
        st.tuples(st.just("pop"), st.integers(0, 1), st.integers(1, 300)),
        st.tuples(st.just("discard"), st.integers(0, 1), st.just(0)),
    ),
    max_size=60,
)


@settings(deadline=None)
@given(STEPS, st.integers(0, 500))
def test_two_spools_of_one_budget_give_all_bytes_in_order_and_their_sizes_add_up(
    folder: str, steps: list[tuple[str, int, int]], memory: int
) -> None:
    budget = SpoolBudget(folder, limit=10**9, memory=memory)
    spools = (Spool(budget), Spool(budget))
    wanted = (bytearray(), bytearray())
    source = random.Random(1)
    for do, which, size in steps:
        spool, mine = spools[which], wanted[which]
        if do == "append":
            data = source.randbytes(size)
            mine += data
            spool.append(data)
        elif do == "discard":
            mine.clear()
            spool.discard()
        elif mine:
            got = spool.pop(size)
            assert 1 <= len(got) <= size
            assert mine.startswith(got)
            del mine[: len(got)]
        assert [spool.size for spool in spools] == [len(mine) for mine in wanted]
        # A file counts until it has been read to its end, so more may be on disk than waits.
        assert budget.in_memory + budget.on_disk >= sum(map(len, wanted))
    for spool, mine in zip(spools, wanted, strict=True):
        assert b"".join(pieces(spool)) == mine
    assert (budget.in_memory, budget.on_disk) == (0, 0)


def pieces(spool: Spool) -> Iterator[bytes]:
    while spool.size:
        yield spool.pop(1000)


def test_what_does_not_fit_into_memory_goes_to_an_unnamed_private_file(tmp_path: Path) -> None:
    budget = SpoolBudget(str(tmp_path), limit=10**6, memory=100)
    spool = Spool(budget)
    for number in range(10):
        spool.append(b"%d" % number * 50)
    assert (budget.in_memory, budget.on_disk) == (100, 400)
    assert os.listdir(tmp_path) == []
    assert not budget.full
    spool.discard()
    assert (budget.in_memory, budget.on_disk, spool.size) == (0, 0, 0)


def test_the_budget_is_full_only_when_memory_and_disk_are(tmp_path: Path) -> None:
    budget = SpoolBudget(str(tmp_path), limit=200, memory=100)
    spool = Spool(budget)
    filled = deque[bool]()
    for _ in range(3):
        spool.append(bytes(100))
        filled.append(budget.full)
    assert list(filled) == [False, False, True]
    spool.pop(100)
    assert budget.full  # the file takes its room until it has been read to its end
    assert b"".join(pieces(spool)) == bytes(200)
    assert not budget.full
    spool.append(bytes(300))
    spool.discard()
    assert not budget.full


FULL_DISK = """
import resource, signal, sys
from sshpyk_core.remote.spool import Spool, SpoolBudget

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (150, 150))
budget = SpoolBudget(sys.argv[1], limit=10**9, memory=100)
spool = Spool(budget)
pieces = [bytes([number]) * 60 for number in range(8)]
for piece in pieces:
    spool.append(piece)
assert budget.full, (budget.in_memory, budget.on_disk)
told = budget.note_full()
assert (told["bytes"], told["cause"], told["reason"]) == (480, "disk", "File too large"), told
got = b""
while spool.size:
    got += spool.pop(33)
assert got == b"".join(pieces)
assert (budget.in_memory, budget.on_disk) == (0, 0), (budget.in_memory, budget.on_disk)
assert not budget.full
"""


def test_a_disk_that_takes_no_more_loses_nothing_and_counts_as_full(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        env={"PYTHONPATH": str(PACKAGES)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_warning_names_the_kernel_what_had_no_room_and_the_remedy() -> None:
    disk = SpoolFull(3 * 1024**3 // 2, "No space left on device")
    assert spool_warning("R", disk) == (
        "nobody fetched the output of the kernel R for so long that the host's disk refused more "
        "after 1.5 GiB (No space left on device); what it printed beyond that is lost. "
        "Free some of the disk there, or name another directory as remote_dir."
    )
    limit = SpoolFull(2 * 1024**2, "")
    assert spool_warning("R", limit) == (
        "nobody fetched the output of the kernel R for so long that 2.0 MiB waited (spool_limit); "
        "what it printed beyond that is lost. Raise spool_limit."
    )


def test_order_is_kept_when_the_disk_refuses_for_a_while(tmp_path: Path) -> None:
    budget = SpoolBudget(str(tmp_path / "gone"), limit=10**9, memory=10)
    spool = Spool(budget)
    spool.append(b"a" * 10)
    spool.append(b"b" * 10)
    assert spool.pop(8) == b"a" * 8
    spool.append(b"c" * 10)
    (tmp_path / "gone").mkdir()
    assert spool.pop(2) == b"a" * 2
    spool.append(b"d" * 10)
    assert b"".join(pieces(spool)) == b"b" * 10 + b"c" * 10 + b"d" * 10
    assert (budget.in_memory, budget.on_disk) == (0, 0)


def test_a_directory_that_is_gone_counts_as_a_full_disk(tmp_path: Path) -> None:
    budget = SpoolBudget(str(tmp_path / "gone"), limit=10**9, memory=10)
    spool = Spool(budget)
    spool.append(b"a" * 10)
    spool.append(b"b" * 10)
    assert budget.full
    assert b"".join(pieces(spool)) == b"a" * 10 + b"b" * 10
    assert not budget.full
    (tmp_path / "gone").mkdir()
    for _ in range(2):
        spool.append(bytes(10))
    assert (budget.on_disk, budget.full) == (10, False)
    spool.discard()
