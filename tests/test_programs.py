"""Programs that start kernels through Jupyter's own libraries use remote ones by their name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.asynchronous import AsyncKernelClient
from support.far import FarSide
from support.front_ends import jupyter, nothing_is_left_of_a_process
from support.kernels import execute
from support.managers import READY, started

pytestmark = pytest.mark.ways(servers=["sshd"], why="no program here sees it")

WHERE = "import os; print('home is', os.environ['HOME'])"
SLIDER = (
    "import ipywidgets\n"
    "slider = ipywidgets.IntSlider(value=3)\n"
    "seen = []\n"
    "slider.observe(lambda change: seen.append(change.new), 'value')\n"
    "slider"
)


def notebook(folder: Path, *sources: str, tags: tuple[str, ...] = ()) -> Path:
    """Write a notebook whose first cell has the tags."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[0].metadata["tags"] = list(tags)
    kernel = {"name": "far", "display_name": "far", "language": "python"}
    content = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    path = folder / "notebook.ipynb"
    nbformat.write(content, path)
    return path


def test_papermill_runs_a_notebook_with_parameters(far: FarSide, tmp_path: Path) -> None:
    source = notebook(tmp_path, "factor = 1", f"{WHERE}; print(6 * factor)", tags=("parameters",))
    out = tmp_path / "out.ipynb"
    done = jupyter("papermill", str(source), str(out), "-p", "factor", "7", "--no-progress-bar")
    assert done.returncode == 0, done.stderr
    cells = nbformat.read(out, as_version=4).cells
    assert cells[-1].outputs[0].text == f"home is {far.server.home}\n42\n"
    assert nothing_is_left_of_a_process(far)


@pytest.mark.others
def test_nbconvert_executes_a_notebook(far: FarSide, tmp_path: Path) -> None:
    source = notebook(tmp_path, WHERE, "6 * 7")
    done = jupyter("nbconvert", "--execute", "--to", "markdown", "--stdout", str(source))
    assert done.returncode == 0, done.stderr
    assert f"home is {far.server.home}\n" in done.stdout
    assert "    42\n" in done.stdout
    assert nothing_is_left_of_a_process(far)


async def test_ipywidgets_follow_their_front_end_and_it_follows_them(far: FarSide) -> None:
    async with started("far") as (_, client):
        shown = await execute(client, SLIDER)
        opened = {
            each["content"]["comm_id"]: each["content"]["data"]["state"]
            for each in shown.outputs
            if each["header"]["msg_type"] == "comm_open"
        }
        (model,) = [
            name for name, state in opened.items() if state["_model_name"] == "IntSliderModel"
        ]
        (view,) = [
            each["content"]["data"]["application/vnd.jupyter.widget-view+json"]
            for each in shown.outputs
            if each["header"]["msg_type"] == "execute_result"
        ]
        assert view["model_id"] == model
        # The front end moves the slider, and the kernel sees it and confirms.
        update = {"method": "update", "state": {"value": 42}, "buffer_paths": []}
        message = client.session.msg("comm_msg", {"comm_id": model, "data": update})
        client.shell_channel.send(message)
        echoed = await comm_message(client, model)
        assert (echoed["method"], echoed["state"]) == ("echo_update", {"value": 42})
        assert (await execute(client, "print(slider.value, seen)")).text == "42 [42]\n"
        # The kernel moves it, and the front end is told.
        moved = await execute(client, "slider.value = 7")
        (told,) = [
            each["content"] for each in moved.outputs if each["header"]["msg_type"] == "comm_msg"
        ]
        assert told["comm_id"] == model
        assert told["data"]["state"] == {"value": 7}
    assert far.left_behind() == []


async def comm_message(client: AsyncKernelClient, comm_id: str) -> dict[str, Any]:
    """Wait for the next message of a comm; give its data."""
    while True:
        message = await client.get_iopub_msg(timeout=READY)
        content = message["content"]
        if message["header"]["msg_type"] == "comm_msg" and content["comm_id"] == comm_id:
            return dict(content["data"])
