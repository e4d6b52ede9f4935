"""A kernel spec on the host is honoured as that host's own Jupyter would do it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import AsyncKernelManager
from sshpyk_core.errors import KernelStartError, RemoteError
from support.far import FarSide
from support.kernels import execute, remote_ipykernel, remote_kernel, remote_probe_kernel
from support.local import LocalSide
from support.managers import interrupted, started
from support.sshd import SSHServer

MakeSSHServer = Callable[..., SSHServer]

RC = """
export JUPYTER_PATH="$HOME/more" WORD=word PYTHONEXECUTABLE=/nowhere
export JPY_PARENT_PID=77 JPY_INTERRUPT_EVENT=78
"""

PRECMDS = {
    "sh": 'export MARK="it\'s here"; PATH="$HOME/tools:$PATH"; ulimit -n 99',
    "bash": 'export MARK="it\'s here"; PATH="$HOME/tools:$PATH"; ulimit -n 99',
    "zsh": 'export MARK="it\'s here"; PATH="$HOME/tools:$PATH"; ulimit -n 99',
    "fish": 'set -x MARK "it\'s here"; set -x PATH "$HOME/tools" $PATH; ulimit -n 99',
    "tcsh": 'setenv MARK "it\'s here"; setenv PATH "$HOME/tools:$PATH"; limit descriptors 99',
}


async def test_a_spec_is_found_filled_in_and_started_as_the_remote_user_would(
    make_sshd: MakeSSHServer, local: LocalSide
) -> None:
    far = FarSide(make_sshd(rc={".bashrc": RC}), local)
    home = far.server.home
    templates = ("{resource_dir}", "{prefix}", "{unknown}", "{connection_file}")
    spec_env = {"FROM_SPEC": "${WORD} and ${WORD}", "DOLLAR": "${NOT_THERE}"}
    report = remote_probe_kernel(home, "probe", *templates, env=spec_env)
    more = home / "more/kernels"
    more.mkdir(parents=True)
    shutil.move(home / ".local/share/jupyter/kernels/probe", more / "probe")
    config_env = {"PLACE": "${HOME}/place", "FROM_BOTH": "${FROM_SPEC}!"}
    far.install("far", "Probe", remote_python=sys.executable, env=config_env)
    session_env = {**os.environ, "JPY_SESSION_NAME": "a notebook.ipynb", "ONLY_HERE": "1"}
    async with probed("far", report, env=session_env, cwd="/usr") as found:
        connection_file = found["argv"][0]
        assert found["argv"][1:5] == [str(report), str(more / "probe"), sys.prefix, "{unknown}"]
        assert found["argv"][5] == connection_file
        assert found["connection"]["jupyter_session"] == "a notebook.ipynb"
        assert found["executable"] == sys.executable
        assert found["cwd"] == str(home)
        assert found["process_group"] == found["pid"]
        env = found["env"]
        assert env["FROM_SPEC"] == "word and word"
        assert env["DOLLAR"] == "${NOT_THERE}"
        assert env["PLACE"] == f"{home}/place"
        assert env["FROM_BOTH"] == "word and word!"
        assert env["JPY_SESSION_NAME"] == "a notebook.ipynb"
        unwanted = {"JPY_PARENT_PID", "JPY_INTERRUPT_EVENT", "PYTHONEXECUTABLE", "ONLY_HERE"}
        assert unwanted.isdisjoint(env)
        assert not any(name.startswith("SSHPYK") for name in env)


async def test_the_working_directory_can_be_chosen_and_must_be_there(far: FarSide) -> None:
    report = remote_probe_kernel(far.server.home, "placed")
    place = far.server.home / "a place"
    place.mkdir(exist_ok=True)
    for remote_cwd, expected in (("~/a place", place), (str(place), place), ("~/", place.parent)):
        far.install("placed", "placed", remote_cwd=remote_cwd)
        async with probed("placed", report) as found:
            assert found["cwd"] == str(expected)
    far.install("placed", "placed", remote_cwd="~/nowhere")
    with pytest.raises(RemoteError, match=r"remote_cwd .*nowhere is not a directory"):
        async with probed("placed", report):
            pass
    assert far.left_behind() == []


@pytest.mark.parametrize("shell", PRECMDS)
async def test_commands_run_in_the_users_shell_before_the_kernel(
    make_sshd: MakeSSHServer, local: LocalSide, shell: str
) -> None:
    far = FarSide(make_sshd(shell=shell), local)
    tools = far.server.home / "tools"
    tools.mkdir()
    (tools / "python-of-tools").symlink_to(sys.executable)
    report = remote_probe_kernel(
        far.server.home, "tooled", python="python-of-tools", env={"SEEN": "<${MARK}>"}
    )
    far.install("far", "tooled", remote_precmd=PRECMDS[shell])
    async with probed("far", report) as found:
        assert found["env"]["MARK"] == "it's here"
        assert found["env"]["SEEN"] == "<it's here>"
        assert found["env"]["PATH"].startswith(f"{tools}:")
        assert found["open_files"] == 99
        assert found["process_group"] == found["pid"]
        assert found["cwd"] == str(far.server.home)
        assert not any(name.startswith("SSHPYK") for name in found["env"])
    far.install("far", "tooled", remote_precmd="echo it went wrong; false")
    with pytest.raises(KernelStartError, match="it went wrong") as caught:
        async with probed("far", report):
            pass
    assert "remote_precmd" in str(caught.value)
    assert far.left_behind() == []


async def test_a_restart_runs_the_commands_again(far: FarSide) -> None:
    report = remote_probe_kernel(far.server.home, "again")
    count = 'echo x >>"$HOME/count"; export COUNT="$(wc -l <"$HOME/count")"'
    far.install("again", "again", remote_precmd=count)
    manager = AsyncKernelManager(kernel_name="again")
    await manager.start_kernel()
    try:
        first = taken(report)
        await manager.restart_kernel(now=True)
        second = taken(report)
    finally:
        await manager.shutdown_kernel(now=True)
    before, after = (int(each["env"]["COUNT"]) for each in (first, second))
    assert after == before + 1
    assert first["pid"] != second["pid"]
    assert first["connection"] == second["connection"]


async def test_the_remote_spec_says_how_to_interrupt(far: FarSide) -> None:
    remote_ipykernel(far.server.home, "by-message", interrupt_mode="message")
    far.install("by-message", "by-message")
    async with started("by-message") as (manager, client):
        assert manager.kernel_spec.interrupt_mode == "message"
        busy = "import time; print('busy', flush=True); time.sleep(600)"
        cell = await interrupted(manager, client, busy)
        assert cell.reply["ename"] == "KeyboardInterrupt"
        assert (await execute(client, "print('free')")).text == "free\n"


async def test_a_program_that_is_not_there_is_named(far: FarSide) -> None:
    remote_kernel(far.server.home, "lost", ["no-such-program", "{connection_file}"])
    far.install("lost", "lost")
    manager = AsyncKernelManager(kernel_name="lost")
    with pytest.raises(KernelStartError, match="no-such-program, which is not on the PATH"):
        await manager.start_kernel()
    await manager.shutdown_kernel(now=True)
    assert far.left_behind() == []


@asynccontextmanager
async def probed(name: str, report: Path, **options: Any) -> AsyncIterator[dict[str, Any]]:
    """Start a probe kernel and read its report."""
    manager = AsyncKernelManager(kernel_name=name)
    try:
        await manager.start_kernel(**options)
        yield taken(report)
    finally:
        await manager.shutdown_kernel(now=True)


def taken(report: Path) -> Any:
    """Read a report, and leave none for the next kernel."""
    content = json.loads(report.read_text())
    report.unlink()
    return content
