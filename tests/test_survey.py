"""What a host has is found over the link alone, and each kernel starts as it was found."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sshpyk_core.survey import Interpreter, Survey
from support.environments import (
    broken_environment,
    environment,
    has_ipykernel,
    own_kernel,
    stub,
)
from support.far import FarSide, MakeFarSide
from support.kernels import execute, remote_kernel
from support.links import linked
from support.managers import started
from support.require import missing

from sshpyk_core import survey as surveys

WHERE = "import sys; print(sys.prefix)"


async def survey_of(far: FarSide, *pythons: str) -> Survey:
    async with linked(far) as link:
        return await surveys.survey(link, pythons)


def below(home: Path, found: Survey) -> dict[str, Interpreter]:
    """Give the interpreters of a home directory, by their prefix in it."""
    return {
        os.path.relpath(each.prefix, home): each
        for each in found.interpreters
        if each.prefix.startswith(f"{home}/")
    }


def make_uv_environment(root: Path) -> None:
    uv = shutil.which("uv")
    if uv is None:
        environment(root, uv="0.9.1")
    else:
        command = [uv, "venv", "-q", "--no-project", "--python", sys.executable, str(root)]
        subprocess.run(command, check=True)


def every_tool(home: Path) -> dict[str, tuple[str, str]]:
    """Make environments as each tool does; give what each is to be found as."""
    environment(home / "miniconda3", "conda-meta/", "bin/conda", "condabin/")
    environment(home / "miniconda3/envs/science", "conda-meta/")
    environment(home / "elsewhere/deep/down/lonely", "conda-meta/")
    (home / ".conda").mkdir()
    (home / ".conda/environments.txt").write_text(f"{home}/elsewhere/deep/down/lonely\n/nowhere\n")
    environment(home / ".virtualenvs/wrapped")
    environment(home / ".local/share/virtualenvs/shop-Ab3_d-9Z")
    environment(home / ".cache/pypoetry/virtualenvs/poems-Ab3_d-9Z-py3.13")
    environment(home / ".pixi/envs/global", "conda-meta/")
    environment(home / "pix/.pixi/envs/default", "conda-meta/")
    environment(home / "pix/.pixi/envs/gpu", "conda-meta/")
    environment(home / ".pyenv/versions/3.11.4")
    environment(home / ".pyenv/versions/3.11.4/envs/tools")
    (home / ".pyenv/versions/tools").symlink_to(home / ".pyenv/versions/3.11.4/envs/tools")
    environment(home / "plain/venv")
    environment(home / "projects/inner/.venv")
    (home / "link").symlink_to(home / "plain")
    make_uv_environment(home / "fast/.venv")
    broken_environment(home / "old/.venv")
    return {
        "miniconda3": ("conda", "base"),
        "miniconda3/envs/science": ("conda", "science"),
        "elsewhere/deep/down/lonely": ("conda", "lonely"),
        ".virtualenvs/wrapped": ("virtualenvwrapper", "wrapped"),
        ".local/share/virtualenvs/shop-Ab3_d-9Z": ("pipenv", "shop"),
        ".cache/pypoetry/virtualenvs/poems-Ab3_d-9Z-py3.13": ("poetry", "poems"),
        ".pixi/envs/global": ("pixi", "global"),
        "pix/.pixi/envs/default": ("pixi", "pix"),
        "pix/.pixi/envs/gpu": ("pixi", "pix/gpu"),
        ".pyenv/versions/3.11.4": ("pyenv", "3.11.4"),
        ".pyenv/versions/tools": ("pyenv", "tools"),
        "plain/venv": ("venv", "plain"),
        "projects/inner/.venv": ("venv", "inner"),
        "fast/.venv": ("uv", "fast"),
        "old/.venv": ("venv", "old"),
    }


@pytest.mark.ways(transports=["openssh"], servers=["sshd"], why="its log counts the channels")
async def test_environments_of_every_tool_are_found_once_over_the_one_channel(
    make_far: MakeFarSide,
) -> None:
    far = make_far()
    home = far.server.home
    expected = every_tool(home)
    stub(home / "plain/venv", "ipykernel", "6.29.5")
    stub(home / "plain/venv", "pip")
    stub(home / ".virtualenvs/wrapped", "ipykernel")
    async with linked(far) as link:
        channels = far.server.sessions()
        found = await surveys.survey(link, ["nothing-of-this-name", "~/plain/venv/bin/python"])
        logos = await surveys.resources(link, [each.resource_dir for each in found.kernels])
        assert far.server.sessions() == channels
    here = below(home, found)
    assert {name: (each.kind, each.environment) for name, each in here.items()} == expected
    assert here["old/.venv"].problem is not None
    assert here["plain/venv"].ipykernel == "6.29.5"
    assert here["plain/venv"].install == (
        *(f"{home}/plain/venv/bin/python", "-m", "pip", "install", "ipykernel"),
    )
    assert here[".virtualenvs/wrapped"].ipykernel == ""
    assert here["projects/inner/.venv"].ipykernel is None
    conda = f"{home}/miniconda3"
    assert here["miniconda3/envs/science"].install == (
        *(f"{conda}/bin/conda", "install", "-y", "-p", f"{conda}/envs/science", "ipykernel"),
    )
    assert all(each.writable for each in here.values() if each.problem is None)
    (named,) = [each for each in found.interpreters if each.kind == "named"]
    assert (named.executable, named.version) == ("nothing-of-this-name", "")
    assert named.problem is not None
    assert found.system.home == str(home)
    assert found.system.login_python is not None
    assert not found.cut_short
    assert set(logos) == {each.resource_dir for each in found.kernels}


@pytest.mark.ways(servers=["sshd"], why="one of them will do")
async def test_each_kernel_starts_exactly_as_it_was_found(make_far: MakeFarSide) -> None:
    far = make_far()
    home = far.server.home
    has_ipykernel(environment(home / "plain/venv"))
    folder = own_kernel(has_ipykernel(environment(home / "miniconda3/envs/science", "conda-meta/")))
    (folder / "logo-64x64.png").write_bytes(b"\x89PNG")
    (folder / "kernel.js").write_text("alert()")
    (folder / "logo-svg.svg").symlink_to("/etc/passwd")
    remote_kernel(home, "gone", ["no-such-program", "{connection_file}"])
    (home / ".local/share/jupyter/kernels/broken").mkdir()
    (home / ".local/share/jupyter/kernels/broken/kernel.json").write_text("{")
    elsewhere = {"kernel_provisioner": {"provisioner_name": "sshpyk-provisioner", "config": {}}}
    remote_kernel(home, "far-away", ["x"], metadata=elsewhere)
    async with linked(far) as link:
        found = await surveys.survey(link)
        logos = await surveys.resources(link, [str(folder), str(home)])
    assert logos == {str(folder): {"logo-64x64.png": b"\x89PNG"}, str(home): {}}
    by_place = {(each.name, each.environment): each for each in found.kernels}
    user, science = by_place["python3", ""], by_place["python3", "science"]
    assert user.python == "auto"
    assert science.resources == ("logo-64x64.png",)
    assert by_place["far-away", ""].metadata == elsewhere
    assert ("gone", "") not in by_place
    causes = {each.path: each.cause for each in found.problems}
    assert "no-such-program" in causes[f"{home}/.local/share/jupyter/kernels/gone"]
    assert f"{home}/.local/share/jupyter/kernels/broken" in causes
    for number, (kernel, prefix) in enumerate(
        [(user, sys.prefix), (science, f"{home}/miniconda3/envs/science")]
    ):
        far.install(f"far{number}", kernel.name, remote_python=kernel.python)
        async with started(f"far{number}") as (_, client):
            assert (await execute(client, WHERE)).text.strip() == prefix
    # The user's kernel of the name python3 goes before what a plain environment has by ipykernel.
    assert "is hidden by" in causes[f"{home}/plain/venv"]
    shutil.rmtree(home / ".local/share/jupyter/kernels/python3")
    found = await survey_of(far)
    (native,) = [each for each in found.kernels if each.environment == "plain"]
    assert native.display_name == "Python 3 (ipykernel)"
    far.install("native", native.name, remote_python=native.python)
    async with started("native") as (_, client):
        assert (await execute(client, WHERE)).text.strip() == f"{home}/plain/venv"
    assert await asyncio.to_thread(far.left_behind) == []


@pytest.mark.ways(servers=["sshd"], why="one of them will do")
async def test_r_and_others_are_found_by_their_specs(make_far: MakeFarSide) -> None:
    if shutil.which("R") is None:
        missing("R", "r-cran-irkernel")
    far = make_far()
    remote_kernel(far.server.home, "ir", ["R", "{connection_file}"], language="R")
    (kernel,) = [each for each in (await survey_of(far)).kernels if each.name == "ir"]
    assert (kernel.python, kernel.language, kernel.environment) == ("auto", "R", "")
