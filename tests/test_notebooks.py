"""A notebook that is opened again finds the kernel that it left, however Jupyter ended."""

from __future__ import annotations

import os

import pytest
from jupyter_client.manager import AsyncKernelManager
from support.far import FarSide
from support.jupyter_server import JupyterServer, jupyter_server
from support.kernels import execute
from support.managers import started

pytestmark = pytest.mark.ways(servers=["sshd"], why="no Jupyter server sees it")

NOTEBOOK = "work.ipynb"


def stop(server: JupyterServer) -> None:
    """End the server with SIGTERM, as leaving the context does."""


ENDS = {"killed": JupyterServer.kill, "stopped": stop, "shut down": JupyterServer.shut_down}


@pytest.mark.parametrize(
    ("how", "channels"),
    [
        ("killed", "relay"),
        pytest.param("stopped", "relay", marks=pytest.mark.others),
        pytest.param("shut down", "relay", marks=pytest.mark.others),
        pytest.param("shut down", "forward", marks=pytest.mark.others),
    ],
)
def test_a_notebook_finds_its_kernel_again(far: FarSide, how: str, channels: str) -> None:
    far.install("staying", reattach=True, channels=channels)
    with jupyter_server(far.local.runtime_dir) as server:
        kernel = server.open_notebook(NOTEBOOK, "staying")
        server.run(kernel, "x = 41")
        ENDS[how](server)
    (supervisor,) = far.supervisors()
    with jupyter_server(far.local.runtime_dir) as server:
        kernel = server.open_notebook(NOTEBOOK, "staying")
        assert server.run(kernel, "print(x + 1)") == "42\n"
        assert "goes on with the kernel python3 that it left there" in server.log()
        assert far.supervisors() == [supervisor]
        server.restart_kernel(kernel)
        assert server.run(kernel, "print('x' in globals())") == "False\n"
        assert far.supervisors() == [supervisor]
        server.end_kernel(kernel)
        assert far.left_behind() == []


async def test_a_kernel_that_is_in_use_is_left_to_whoever_has_it(
    far: FarSide, caplog: pytest.LogCaptureFixture
) -> None:
    far.install("staying", reattach=True)
    session = {**os.environ, "JPY_SESSION_NAME": "/home/me/work.ipynb"}
    first, second = (AsyncKernelManager(kernel_name="staying") for _ in range(2))
    async with (
        started(manager=first, env=session) as (_, one),
        started(manager=second, env=session) as (_, other),
    ):
        assert "is in use by another program: another one is started" in caplog.text
        await execute(one, "x = 1")
        assert (await execute(other, "print('x' in globals())")).text == "False\n"
        assert len(far.supervisors()) == 2
    assert far.left_behind() == []
