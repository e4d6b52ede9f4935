"""Every login shell starts a kernel, whatever its rc files and the server print."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from support.far import MakeFarSide
from support.kernels import execute
from support.managers import started

NOISE = 'echo "on standard output"; echo "on standard error" >&2; printf "no end of line"\n'
CSH_NOISE = 'echo "on standard output"; sh -c "echo on standard error >&2"; printf "no end"\n'
MUCH_NOISE = """
head -c 100000 /dev/zero | tr '\\0' x
head -c 100000 /dev/zero | tr '\\0' y >&2
head -c 5000 /dev/urandom
head -c 5000 /dev/urandom >&2
printf 'deadbeef:bridge\\n%s' 0123456789abcdef:bridge
"""

# sshd runs ~/.ssh/rc with sh for every command (sshd(8)), also for shells that read no file of
# their own then.
RC_FILES: dict[str, Mapping[str, str]] = {
    "sh": {".ssh/rc": NOISE},
    "dash": {".ssh/rc": NOISE},
    "bash": {".bashrc": NOISE, ".ssh/rc": NOISE},
    "zsh": {".zshenv": NOISE},
    "csh": {".cshrc": CSH_NOISE},
    "tcsh": {".tcshrc": CSH_NOISE},
    "fish": {".config/fish/config.fish": NOISE},
}


@pytest.mark.parametrize("shell", RC_FILES)
async def test_a_login_shell_that_prints_starts_a_kernel(make_far: MakeFarSide, shell: str) -> None:
    far = make_far(shell=shell, rc=RC_FILES[shell])
    if far.way.server == "sshd" or shell in {"zsh", "csh", "tcsh", "fish"}:
        said = far.server.run("true")
        assert said.stdout.startswith(b"on standard output")
        assert b"on standard error" in said.stderr
    async with started() as (manager, client):
        code = "import os; print(os.environ['SHELL'], os.getcwd())"
        assert (await execute(client, code)).text == f"{far.server.shell} {far.server.home}\n"
        await manager.shutdown_kernel()
    assert far.left_behind() == []


@pytest.mark.ways(servers=["sshd"], why="only sshd has a banner, and a bash that reads its rc file")
async def test_much_noise_with_every_byte_and_a_banner_are_no_obstacle(
    make_far: MakeFarSide, tmp_path: Path
) -> None:
    banner = tmp_path / "banner"
    banner.write_text("Connection refused to all who may not.\n" * 100)
    far = make_far(rc={".bashrc": MUCH_NOISE}, sshd_config=[f"Banner {banner}"])
    assert len(far.server.run("true").stdout) > 100_000
    async with started() as (_, client):
        assert (await execute(client, "print('through')")).text == "through\n"
    assert far.left_behind() == []


async def test_a_home_with_characters_that_shells_treat_specially_is_no_obstacle(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    awkward = far.server.home / 'it\'s $HOME!; `id` "ü" \\ &'
    awkward.mkdir()
    far.install("far", remote_dir=str(awkward), remote_cwd=str(awkward))
    async with started() as (_, client):
        assert (await execute(client, "import os; print(os.getcwd())")).text == f"{awkward}\n"
        assert len(list((awkward / "supervisors").iterdir())) == 1
    assert far.left_behind() == []
