"""The life of a kernel spec, from ``sshpyk add`` to ``sshpyk delete``, by commands alone."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from support.far import FarSide
from support.kernels import execute
from support.managers import started
from support.screen import in_a_pipe


def sshpyk(*arguments: str) -> str:
    """Run a command that has to work; give what it printed."""
    done = in_a_pipe(*arguments)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def known_to_jupyter() -> dict[str, Any]:
    command = [sys.executable, "-m", "jupyter_client.kernelspecapp", "list", "--json"]
    done = subprocess.run(command, capture_output=True, check=True)
    specs: dict[str, Any] = json.loads(done.stdout)["kernelspecs"]
    return specs


def listed() -> dict[str, Any]:
    kernels = json.loads(sshpyk("list", "--remote", "--json"))["kernels"]
    return {kernel["name"]: kernel for kernel in kernels}


async def test_a_kernel_is_added_used_changed_listed_and_removed(far: FarSide) -> None:
    (far.local.data_dir / "kernels/far").rename(far.local.home / "not-a-kernel")
    reach = ["--ssh-config", str(far.server.ssh_config), "--transport", far.way.transport]
    sshpyk("add", far.server.alias, *reach, "--remote-kernel-name", "python3")
    name = f"ssh_{far.server.alias}_python3"
    spec = known_to_jupyter()[name]["spec"]
    assert spec["metadata"]["kernel_provisioner"]["config"]["remote_kernel_name"] == "python3"
    assert listed()[name]["display_name"] == spec["display_name"]
    async with started(name) as (_, client):
        assert (await execute(client, "print(6 * 7)")).text == "42\n"

    sshpyk("edit", name, "--display-name", "Mine", "--env", "GREETING=hello")
    assert known_to_jupyter()[name]["spec"]["display_name"] == "Mine"
    assert listed()[name]["display_name"] == "Mine"
    async with started(name) as (_, client):
        said = await execute(client, "import os; print(os.environ['GREETING'])")
        assert said.text == "hello\n"

    sshpyk("delete", name, "--yes")
    assert name not in known_to_jupyter()
    assert listed() == {}
    assert list((far.local.data_dir / "kernels").iterdir()) == []
    assert in_a_pipe("delete", name, "--yes").returncode == 1
