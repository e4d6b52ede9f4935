"""A notebook that is opened again finds the kernel that it left, however Jupyter ended."""

from __future__ import annotations

import pytest
from support.far import FarSide
from support.jupyter_server import JupyterServer, jupyter_server

NOTEBOOK = "work.ipynb"


def stop(server: JupyterServer) -> None:
    """End the server with SIGTERM, as leaving the context does."""


ENDS = {"killed": JupyterServer.kill, "stopped": stop, "shut down": JupyterServer.shut_down}


@pytest.mark.parametrize(
    ("how", "channels"),
    [
        ("killed", "relay"),
        ("stopped", "relay"),
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
