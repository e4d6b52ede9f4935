"""Front ends run a remote kernel by its name alone, as they run a local one."""

from __future__ import annotations

from pathlib import Path

import nbformat
from jupyter_client.multikernelmanager import AsyncMultiKernelManager, MultiKernelManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from nbclient import NotebookClient
from support.far import FarSide
from support.front_ends import jupyter, nothing_is_left_of_a_process
from support.kernels import execute, execute_blocking
from support.managers import READY, connected_to

WHERE = "import os; print('home is', os.environ['HOME'])"


def test_multi_kernel_manager(far: FarSide) -> None:
    manager = MultiKernelManager(default_kernel_name="far")
    try:
        first, second = manager.start_kernel(), manager.start_kernel()
        assert sorted(manager.list_kernel_ids()) == sorted([first, second])
        client = manager.get_kernel(first).client()
        client.start_channels()
        client.wait_for_ready(timeout=READY)
        assert execute_blocking(client, WHERE).text == f"home is {far.server.home}\n"
        manager.restart_kernel(first)
        client.wait_for_ready(timeout=READY)
        client.stop_channels()
        manager.shutdown_kernel(first)
        assert first not in manager
        assert manager.is_alive(second)
    finally:
        manager.shutdown_all(now=True)
    assert far.left_behind() == []


async def test_async_multi_kernel_manager_and_the_one_of_jupyter_server(
    far: FarSide, tmp_path: Path
) -> None:
    for manager in (
        AsyncMultiKernelManager(default_kernel_name="far"),
        AsyncMappingKernelManager(default_kernel_name="far", root_dir=str(tmp_path)),
    ):
        try:
            name = await manager.start_kernel()
            async with connected_to(manager.get_kernel(name)) as client:
                assert (await execute(client, WHERE)).text == f"home is {far.server.home}\n"
                await manager.interrupt_kernel(name)
                await manager.restart_kernel(name)
                await client.wait_for_ready(timeout=READY)
            await manager.shutdown_kernel(name)
            assert name not in manager
        finally:
            await manager.shutdown_all(now=True)
    assert far.left_behind() == []


async def test_nbclient_executes_a_notebook(far: FarSide) -> None:
    code = [
        WHERE,
        "import asyncio\nawait asyncio.sleep(0)\n42",
        "raise ValueError('as planned')",
    ]
    cells = [nbformat.v4.new_code_cell(source) for source in code]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(notebook, kernel_name="far", timeout=60, allow_errors=True)
    done = await client.async_execute()
    assert done.cells[0].outputs[0].text == f"home is {far.server.home}\n"
    assert done.cells[1].outputs[0].data["text/plain"] == "42"
    assert done.cells[2].outputs[0].evalue == "as planned"
    assert far.left_behind() == []


def test_jupyter_run_executes_files_and_leaves_nothing(far: FarSide, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(WHERE)
    done = jupyter("jupyter_client.runapp", "--kernel", "far", str(script))
    assert done.stdout == f"home is {far.server.home}\n"
    assert done.returncode == 0, done.stderr
    assert nothing_is_left_of_a_process(far)


def test_jupyter_console_takes_code_and_leaves_nothing(far: FarSide) -> None:
    options = ("--kernel", "far", "--simple-prompt")
    done = jupyter("jupyter_console", *options, stdin=f"{WHERE}\n6 * 7\nexit\n")
    assert f"home is {far.server.home}\n" in done.stdout
    assert "Out[2]: 42" in done.stdout
    assert done.returncode == 0, done.stderr
    assert nothing_is_left_of_a_process(far)
