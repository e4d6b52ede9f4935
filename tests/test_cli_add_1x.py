"""``sshpyk add`` as scripts of sshpyk 1.x call it: all is said, and nobody is asked."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from click.testing import Result
from sshpyk_core.cli import main
from support import tools
from support.invoked import runner
from support.local import LocalSide
from support.peers import full_server
from support.sshd import SSHServer


def run(server: SSHServer, python: str, *more: str) -> Result:
    """Run the command with all flags that sshpyk 1.x demanded."""
    flags = ["--ssh-host-alias", server.alias, "--ssh-config", str(server.ssh_config)]
    flags += ["--remote-python", python, "--remote-kernel-name", "python3"]
    flags += ["--language", "python", "--display-name", "Mine"]
    return runner().invoke(main, ["add", *flags, *more])


def spec(local: LocalSide) -> dict[str, Any]:
    """Read the one kernel spec, which has the name that sshpyk 1.x gave."""
    (file,) = (local.data_dir / "kernels").glob("*/kernel.json")
    assert file.parent.name == "ssh_remote_python3"
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def test_what_the_host_knows_is_added_to_what_was_said(sshd: SSHServer, local: LocalSide) -> None:
    environment = tools.venv(sshd.home, "work", ipykernel=False)
    tools.give_ipykernel(environment, interrupt_mode="message")
    python = str(environment / "bin/python")
    done = run(sshd, python)
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    found = spec(local)
    assert (found["display_name"], found["interrupt_mode"]) == ("Mine", "message")
    assert found["metadata"]["debugger"] is True
    assert found["metadata"]["kernel_provisioner"]["config"]["remote_python"] == python
    again = run(sshd, python)
    assert again.exit_code == 0
    assert "already there: Mine" in again.output


def test_a_kernel_that_the_host_does_not_show_is_added_with_a_warning(
    sshd: SSHServer, local: LocalSide
) -> None:
    done = run(sshd, "~/later/bin/python", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["checked"] is False
    assert told["kernels"][0]["status"] == "added"
    assert spec(local)["language"] == "python"


@pytest.mark.parametrize("fault", ["refuses", "does not answer"])
def test_a_host_that_cannot_be_reached_is_no_reason_to_fail(
    sshd: SSHServer, local: LocalSide, fault: str
) -> None:
    sshd.stop()
    with full_server() as silent:
        if fault == "does not answer":
            sshd.reach_through(silent.getsockname()[1])
        before = time.monotonic()
        done = run(sshd, "/opt/py/bin/python", "--launch-timeout", "2")
        assert time.monotonic() - before < 20
    assert done.exit_code == 0, done.output
    assert "Not checked on the host. remote: could not " in done.stderr
    assert "added: Mine" in done.stdout
    assert spec(local)["metadata"]["kernel_provisioner"]["config"] == {
        "ssh_host_alias": "remote",
        "remote_python": "/opt/py/bin/python",
        "remote_kernel_name": "python3",
        "ssh_config": str(sshd.ssh_config),
        "launch_timeout": 2,
    }


def test_nobody_is_asked_about_a_host_key(sshd: SSHServer, local: LocalSide) -> None:
    sshd.client.forget_host_key()
    done = run(sshd, "/opt/py/bin/python")
    assert done.exit_code == 0, done.output
    assert "Not checked on the host." in done.stderr
    assert sshd.client.known_hosts.read_text(encoding="ascii") == ""
    assert spec(local)["display_name"] == "Mine"
