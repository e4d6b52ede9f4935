"""Where the remote package's files go when the first choice of directory will not do."""

from __future__ import annotations

import glob
import os
import random
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from jupyter_client.manager import AsyncKernelManager
from sshpyk_core.errors import RemoteDirectoryError
from support.far import MakeFarSide
from support.kernels import execute
from support.managers import started
from support.require import require_small_disk, require_user_id
from support.sessions import close_hosts
from support.traces import leaving_nothing


class OwnPlaces(NamedTuple):
    """The places outside of the home directory that are tried, for a user id of the test's own.

    Attributes:
        command: for ForceCommand, so that commands have that user id.
        directories: in the order in which they are tried.
    """

    command: str
    directories: tuple[str, str]


@pytest.fixture
def own_places(tmp_path: Path) -> Iterator[OwnPlaces]:
    uid = random.SystemRandom().randrange(200_000, 2**31)
    directories = (f"/var/tmp/sshpyk-{uid}", f"/tmp/sshpyk-{uid}")
    yield OwnPlaces(require_user_id(tmp_path, uid), directories)
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)


async def test_the_directory_that_is_asked_for_is_used_and_made_private(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    wanted = far.server.home / "kept here" / "deep"
    wanted.mkdir(parents=True, mode=0o755)
    far.install("far", remote_dir="~/kept here/deep")
    async with started() as (_, client):
        assert (await execute(client, "print(42)")).text == "42\n"
        assert len(list((wanted / "supervisors").iterdir())) == 1
        assert wanted.stat().st_mode & 0o777 == 0o700
    assert not (far.server.home / ".cache/sshpyk").exists()
    assert far.left_behind() == []
    assert list((wanted / "supervisors").iterdir()) == []


@pytest.mark.parametrize("place", ["~/file", "~/file/below", "/sys/sshpyk", "/nowhere/../proc/x"])
@pytest.mark.ways(servers=["sshd"], why="only sshd has forced commands")
async def test_another_directory_is_used_where_the_first_cannot_be_written(
    make_far: MakeFarSide, place: str
) -> None:
    far = make_far()
    (far.server.home / "file").write_text("in the way")
    far.install("far", remote_dir=place)
    async with started() as (_, client):
        assert (await execute(client, "print(42)")).text == "42\n"
        assert len(far.supervisors()) == 1
    assert far.left_behind() == []
    assert (far.server.home / "file").read_text() == "in the way"


@pytest.mark.ways(servers=["sshd"], why="only sshd has forced commands")
async def test_a_home_that_cannot_be_written_is_no_obstacle(
    make_far: MakeFarSide, own_places: OwnPlaces
) -> None:
    limits = [f"ForceCommand {own_places.command}"]
    far = make_far(rc={".cache": "in the way"}, sshd_config=limits)
    async with started() as (_, client):
        assert (await execute(client, "print(42)")).text == "42\n"
        first, second = own_places.directories
        assert stat.S_IMODE(os.stat(first).st_mode) == 0o700
        assert len(os.listdir(f"{first}/supervisors")) == 1
        assert second not in glob.glob(second)
    assert far.left_behind() == []
    assert os.listdir(f"{first}/supervisors") == []


@pytest.mark.ways(servers=["sshd"], why="only sshd has forced commands")
@pytest.mark.parametrize("warm", [False, True])
async def test_a_limit_on_the_size_of_files_that_leaves_no_room_anywhere_is_told(
    make_far: MakeFarSide, own_places: OwnPlaces, warm: bool
) -> None:
    far = make_far(sshd_config=[f"ForceCommand {own_places.command}"])
    if warm:
        async with started():
            pass
        assert far.left_behind() == []
        close_hosts()
    (far.server.home / ".bashrc").write_text("ulimit -f 2\n")
    far.install("far", remote_dir="~/mine")
    with leaving_nothing(far), pytest.raises(RemoteDirectoryError) as caught:
        await AsyncKernelManager(kernel_name="far").start_kernel()
    for place in (far.server.home / "mine", *own_places.directories):
        assert str(place) in caught.value.answer
    assert "remote_dir" in caught.value.fix
    assert not [name for place in own_places.directories for name in glob.glob(f"{place}/*.*")]


@pytest.mark.ways(servers=["sshd"], why="only sshd has forced commands")
async def test_another_directory_is_used_where_the_disk_of_the_first_is_full(
    make_far: MakeFarSide, tmp_path: Path
) -> None:
    command = require_small_disk(tmp_path, size_kib=4)
    far = make_far(sshd_config=[f"ForceCommand {command}"])
    far.install("far", remote_dir=str(tmp_path / "small"), remote_python=sys.executable)
    async with started() as (_, client):
        assert (await execute(client, "print(42)")).text == "42\n"
        assert len(far.supervisors()) == 1
    assert far.left_behind() == []
