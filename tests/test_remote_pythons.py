"""The remote package runs on any Python from 3.6, and says what is wrong where there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import AsyncKernelManager
from sshpyk_core.config import KernelConfig
from sshpyk_core.errors import RemotePythonError
from sshpyk_core.hosts import hosts
from sshpyk_core.link.package import remote_package
from support.far import FarSide, MakeFarSide
from support.kernels import execute
from support.managers import READY, started
from support.pythons import OLDEST, PYTHONS, path_without_python
from support.require import missing
from support.scripts import script
from support.sshd_files import SYSTEM_PATH
from support.traces import leaving_nothing

SUPPORTED = [python for python in PYTHONS if "/2.7" not in python]


def version_of(python: str) -> str:
    return subprocess.check_output([python, "-V"], text=True).split()[1]


def version_of_bridge(manager: AsyncKernelManager) -> str:
    """Give the version of the interpreter that runs the host's bridge and supervisors."""
    assert manager.kernel_spec is not None
    config: dict[str, Any] = manager.kernel_spec.metadata["kernel_provisioner"]["config"]
    hello = hosts.get(KernelConfig.parse(config).target).hello
    assert hello is not None
    return hello.python


@pytest.mark.parametrize("python", SUPPORTED)
async def test_every_python_runs_the_bridge_and_the_supervisor(far: FarSide, python: str) -> None:
    far.install("far", remote_python=python)
    async with started() as (manager, client):
        assert version_of_bridge(manager) == version_of(python)
        assert (await execute(client, "print(6 * 7)")).text == "42\n"
        await manager.restart_kernel()
        await client.wait_for_ready(timeout=READY)
        assert (await execute(client, "print(6 * 8)")).text == "48\n"
        await manager.shutdown_kernel()
    assert far.left_behind() == []


LOADED = """
import sys
sys.path.insert(0, sys.argv[1])
import sshpyk_remote.bridge
print("_hashlib" in sys.modules, "sshpyk_remote.supervisor" in sys.modules)
"""


@pytest.mark.parametrize("python", SUPPORTED)
def test_no_supervisor_loads_openssl(python: str, tmp_path: Path) -> None:
    package = tmp_path / "package.pyz"
    package.write_bytes(remote_package().content)
    command = [python, "-I", "-S", "-c", LOADED, str(package)]
    assert subprocess.check_output(command, text=True).split() == ["False", "True"]


async def test_the_oldest_python_on_the_path_runs_the_bridge_for_a_kernel_on_another(
    make_far: MakeFarSide, tmp_path: Path
) -> None:
    if OLDEST is None:
        missing("Python 3.6", "none; pyenv can install it")
    (tmp_path / "python3").symlink_to(OLDEST)
    far = make_far(path=f"{tmp_path}:{SYSTEM_PATH}")
    async with started() as (manager, client):
        assert version_of_bridge(manager).startswith("3.6.")
        assert (await execute(client, "import sys; print(sys.executable)")).text.strip() == (
            sys.executable
        )
    assert far.left_behind() == []


async def test_a_python_that_is_too_old_is_passed_over(
    make_far: MakeFarSide, tmp_path: Path
) -> None:
    old_python(tmp_path)
    far = make_far(path=f"{tmp_path}:{SYSTEM_PATH}")
    far.install("far", remote_python=sys.executable)
    async with started() as (_, client):
        assert (await execute(client, "print(42)")).text == "42\n"


async def test_only_a_python_that_is_too_old_is_told_with_its_version(
    make_far: MakeFarSide, tmp_path: Path
) -> None:
    path = path_without_python(tmp_path / "bin")
    old_python(tmp_path / "bin")
    error = await refusal(make_far(path=path))
    assert "Python 3.5.2" in error.answer
    assert "python3" in error.answer


async def test_a_host_without_python_is_told(make_far: MakeFarSide, tmp_path: Path) -> None:
    error = await refusal(make_far(path=path_without_python(tmp_path / "bin")))
    assert error.answer == "none was found"


async def test_a_python_that_is_named_and_not_there_is_told(
    make_far: MakeFarSide, tmp_path: Path
) -> None:
    far = make_far(path=path_without_python(tmp_path / "bin"))
    far.install("far", remote_python="~/no/python")
    await refusal(far)
    far.install("far", remote_python=sys.executable)
    async with started() as (_, client):
        assert (await execute(client, "print(42)")).text == "42\n"


def old_python(directory: Path) -> None:
    text = '#!/bin/sh\nif [ "$1" = -V ]; then echo "Python 3.5.2"; exit 0; fi\nexit 1\n'
    script(directory / "python3", text)


async def refusal(far: FarSide) -> RemotePythonError:
    with leaving_nothing(far), pytest.raises(RemotePythonError) as caught:
        await AsyncKernelManager(kernel_name="far").start_kernel()
    error = caught.value
    assert str(error).startswith("remote: could not find Python 3.6 or newer on the host: ")
    assert "Set remote_python" in error.fix
    return error
