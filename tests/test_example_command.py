"""The transport of the documentation: it conforms, and it carries kernels."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sshpyk_core.errors import ForwardError
from sshpyk_core.transport import transport_for
from sshpyk_core.types import Target, TcpAddress
from support import processes
from support.examples import Environment, install
from support.kernels import execute, install_spec, remote_ipykernel
from support.local import LocalSide
from support.managers import interrupted, started
from support.sessions import close_hosts
from support.sshd import SSHServer

WHERE = "import os; print('home is', os.environ['HOME'])"
ENDLESS = "print('begun')\nwhile True: pass"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A stranger's environment with the transport."""
    return Environment(tmp_path_factory.mktemp("stranger"), "sshpyk-command")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the transport."""
    return install(tmp_path_factory.mktemp("installed"), "sshpyk-command")


@pytest.fixture
def command(
    installed: Path, monkeypatch: pytest.MonkeyPatch, local: LocalSide
) -> Iterator[LocalSide]:
    """The transport, installed for this process; a kernel that outlives the test fails it."""
    monkeypatch.syspath_prepend(installed)
    yield local
    close_hosts()
    find = partial(processes.with_home, local.home)
    left = processes.wait_gone(find, 10)
    processes.kill(find)
    assert left == []


@pytest.mark.others
@pytest.mark.timeout(600)
def test_conformance_in_a_strangers_environment(environment: Environment) -> None:
    done = environment.run("-m", "pytest", "-p", "no:cacheprovider", "-q", "tests")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_strangers_environment_has_its_own_core(environment: Environment) -> None:
    code = (
        "import sshpyk_core, sshpyk_command; print(sshpyk_core.__file__, sshpyk_command.__file__)"
    )
    found = environment.run("-c", code).stdout.split()
    assert len(found) == 2
    assert all(path.startswith(str(environment.python.parents[1])) for path in found)


async def lives_through(manager: Any, client: Any) -> None:
    """Make a kernel do what kernels do."""
    assert (await execute(client, WHERE)).text.startswith("home is /")
    stopped = await interrupted(manager, client, ENDLESS)
    assert stopped.reply["ename"] == "KeyboardInterrupt"
    await manager.restart_kernel()
    await client.wait_for_ready(timeout=90)
    assert (await execute(client, "print(6 * 7)")).text == "42\n"


async def test_a_kernel_on_this_machine(command: LocalSide) -> None:
    remote_ipykernel(command.home, "python3")
    install_spec(
        command.data_dir,
        "here",
        # What stands for the host would else look for kernels where this test's near side does.
        {
            "ssh_host_alias": "here",
            "transport": "command",
            "transport_options": {
                "command": ["env", "-u", "JUPYTER_DATA_DIR", "sh", "-c", "{command}"]
            },
        },
    )
    async with started("here") as (manager, client):
        await lives_through(manager, client)
    supervisors = command.home / ".cache/sshpyk/supervisors"
    assert os.listdir(supervisors) == []


async def test_a_kernel_wherever_a_program_leads(
    command: LocalSide, kernel_sshd: SSHServer
) -> None:
    template = ["ssh", "-T", "-F", str(kernel_sshd.ssh_config), "{alias}", "{command}"]
    install_spec(
        command.data_dir,
        "there",
        {
            "ssh_host_alias": kernel_sshd.alias,
            "transport": "command",
            "transport_options": {"command": template},
        },
    )
    async with started("there") as (manager, client):
        assert (await execute(client, WHERE)).text == f"home is {kernel_sshd.home}\n"
        await lives_through(manager, client)
    close_hosts()
    assert processes.wait_gone(kernel_sshd.processes, 10) == []


async def test_what_it_does_not_do_it_refuses_with_the_way_out(command: LocalSide) -> None:
    target = Target("here", transport="command")
    transport = transport_for(target)
    session = await transport.connect(target)
    address = TcpAddress("127.0.0.1", 0)
    with pytest.raises(ForwardError, match='"channels" at "relay"'):
        await transport.forward(session, address, address)
    await session.aclose()
