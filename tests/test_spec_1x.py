"""Kernel specs that sshpyk 1.x wrote work as they are."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from jupyter_client.manager import KernelManager
from sshpyk_core.errors import ConfigError
from support.far import FarSide
from support.kernels import execute
from support.managers import READY, interrupted, started

# Either was written, depending on the version: nothing ever ran it.
KERNEL_APP = ("sshpyk-kernel", "--SSHKernelApp.connection_file={connection_file}")

pytestmark = pytest.mark.ways(transports=["openssh"], why="1.x knew no other transport")


def write_spec(far: FarSide, name: str, argv: Sequence[str] = KERNEL_APP, **changes: Any) -> None:
    """Write a kernel.json with every key of 1.x, and what it put there by itself."""
    config = {
        "ssh_host_alias": far.server.alias,
        "remote_python": sys.executable,
        "remote_kernel_name": "python3",
        "launch_timeout": 15,
        "shutdown_timeout": 15,
        "ssh": None,
        "ssh_config": str(far.server.ssh_config),
        "ssh_verbose": None,
        "remote_pythonhome": None,
        "remote_kernel_pythonhome": None,
        "persistent": False,
        "persistent_file": "",
        "existing": "",
        "raise_on_ssh_config_error": False,
        "independent_local_processes": True,
        **changes,
    }
    spec = {
        "argv": list(argv),
        "display_name": "Python 3 on the remote system",
        "language": "python",
        "interrupt_mode": "message",
        "metadata": {
            "kernel_provisioner": {"provisioner_name": "sshpyk-provisioner", "config": config}
        },
    }
    directory = far.local.data_dir / "kernels" / name
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "kernel.json").write_text(json.dumps(spec, indent=2), encoding="utf-8")


async def test_a_spec_of_1x_starts_restarts_and_ends_a_kernel(far: FarSide) -> None:
    write_spec(far, "old")
    async with started("old") as (manager, client):
        code = "import os; print(os.environ['HOME'])"
        assert (await execute(client, code)).text == f"{far.server.home}\n"
        assert manager.provisioner.get_shutdown_wait_time(5) == 15
        # The spec on the host counts: 1.x had everything interrupted by a message.
        assert manager.kernel_spec is not None
        assert manager.kernel_spec.interrupt_mode == "signal"
        cell = "import time; print('busy', flush=True); time.sleep(600)"
        assert (await interrupted(manager, client, cell)).reply["ename"] == "KeyboardInterrupt"
        await manager.restart_kernel(now=True)
        await client.wait_for_ready(timeout=READY)
        assert (await execute(client, "print(42)")).text == "42\n"
        await manager.shutdown_kernel()
    assert far.left_behind() == []


async def test_the_verbosity_of_1x_is_that_of_ssh(
    far: FarSide, caplog: pytest.LogCaptureFixture
) -> None:
    write_spec(far, "old", ssh_verbose="v", argv=[])
    caplog.set_level(logging.DEBUG, logger="sshpyk_openssh")
    async with started("old"):
        assert "debug1: " in caplog.text


PROVISIONERS = """
import gc
import logging
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning import KernelProvisionerFactory

logging.basicConfig(format="%(message)s")
for _ in range(3):
    manager = KernelManager(kernel_name="old")
    factory = KernelProvisionerFactory.instance(parent=manager)
    factory.create_provisioner_instance("id", manager.kernel_spec, manager)
# Older versions of jupyter_client complain of managers that are alive as Python ends.
KernelProvisionerFactory.clear_instance()
del manager, factory
gc.collect()
"""


def test_what_has_no_meaning_any_more_is_said_once_in_a_process(far: FarSide) -> None:
    write_spec(far, "old")
    done = subprocess.run(
        [sys.executable, "-c", PROVISIONERS], capture_output=True, text=True, check=True
    )
    said = done.stderr.splitlines()
    assert len(said) == 2
    for key in ("raise_on_ssh_config_error", "independent_local_processes"):
        assert sum(key in line and far.server.alias in line for line in said) == 1


def test_a_key_that_no_version_had_is_still_an_error(far: FarSide) -> None:
    write_spec(far, "old", remote_pyhton="python3")
    with pytest.raises(ConfigError, match=r"remote_pyhton.*did you mean remote_python\?"):
        KernelManager(kernel_name="old").start_kernel()
